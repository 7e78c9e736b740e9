"""A rotation with the real webhook: records are signed anew, values stay, and Vault is asked for nothing afterwards.

No value changes, so no change is counted, and no workload would be restarted.
"""

import base64
import json
from pathlib import Path
from typing import Any

from testbed import Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import controlling, serving
from testbed.keyhole.objects import apply
from testbed.keyhole.registration import registered
from testbed.keyhole.tenants import add_tenant
from tests.e2e.canary import Canary
from tests.e2e.keys.conftest import Commands, KeySecret, Tenants
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.e2e.traffic import Traffic

NAMESPACE = "rotated"
# The webhooks read the Secret every 5 s.
SETTLE_SECONDS = 12.0
_DRY_RUN = ("apply", "--server-side", "--dry-run=server", "-o", "json", "-f", "-")


def _manifest() -> dict[str, Any]:
    annotations = {"data.keyhole.dev/password": "vault:secret/e2e/rotated#password"}
    metadata = {"name": "app", "namespace": NAMESPACE, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}


def _live(bed: Testbed) -> dict[str, Any]:
    answer = bed.kubernetes.request("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/app")
    answer.raise_for_status()
    live: dict[str, Any] = answer.json()
    return live


def _record(live: dict[str, Any]) -> Any:
    return json.loads(live["metadata"]["annotations"]["keyhole.dev/record"])


def _record_key(live: dict[str, Any]) -> str:
    return str(_record(live)["key"])


def _without_proof(live: dict[str, Any]) -> Any:
    """Return the record without what another key changes."""
    record = _record(live)
    fields = {
        pointer: {name: part for name, part in entry.items() if name != "mac"}
        for pointer, entry in record["fields"].items()
    }
    return {**record, "key": "", "fields": fields}


def test_records_are_under_the_new_key_and_proved_and_values_stay(  # noqa: PLR0917 - pytest passes one for each fixture
    bed: Testbed, key: KeySecret, tenants: Tenants, commands: Commands, canary: Canary, tmp_path: Path
) -> None:
    add_tenant(bed, NAMESPACE, ["secret/data/e2e/*"])
    tenants.add(NAMESPACE)
    plant = Planter(bed, canary)
    plant.secret("rotated")
    connections = write_connections(bed, tmp_path / "connections.yaml")
    with controlling(bed, tmp_path, settle_seconds=SETTLE_SECONDS):
        eventually(lambda: bool(key.data()), "a key")
        with serving(bed, tmp_path, connections) as webhook, registered(bed, webhook):
            apply(bed, _manifest())
            value = plant.secret("rotated")["password"]
            bed.kubectl("annotate", "secret", "app", "-n", NAMESPACE, "keyhole.dev/refresh=now")
            before = _live(bed)
            assert _record(before)["n"] == _record(before)["fields"]["/data/password"]["n"] == 1
            assert before["data"] == {"password": base64.b64encode(value.encode()).decode()}
            assert _record_key(before) == key.ring().signing.id
            done = commands.run_alone("rotate")
            assert done.returncode == 0, done.stdout + done.stderr
            after = _live(bed)
            assert _record_key(after) == key.ring().signing.id != _record_key(before)
            assert after["data"] == before["data"]
            assert _without_proof(after) == _without_proof(before)
            assert "keyhole.dev/refresh" not in after["metadata"]["annotations"]
            # What is not proved comes back from a dry run as a placeholder.
            traffic = Traffic(bed)
            dry = bed.kubectl(*_DRY_RUN, input_text=json.dumps(_manifest()))
            assert json.loads(dry.stdout)["data"] == after["data"]
            assert traffic.vault_requests() == []
            apply(bed, _manifest())
            assert _live(bed)["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
