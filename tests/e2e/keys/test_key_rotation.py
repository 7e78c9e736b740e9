"""A rotation with the real webhook: records are signed anew, values stay, and Vault is asked for nothing afterwards."""

import base64
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from testbed import Testbed
from testbed.installation import add_tenant, apply, controlling, registered, serving, write_connections
from tests.e2e.canary import Canary
from tests.e2e.keys.conftest import Commands, KeySecret, Tenants
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.e2e.traffic import Traffic

NAMESPACE = "rotated"
# The webhooks read the Secret every 5 s.
SETTLE_SECONDS = 12.0

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("manifests.record") is None, reason="the webhook keeps no records yet"
)


def _manifest(path: str) -> dict[str, Any]:
    annotations = {"data.keyhole.dev/password": f"vault:secret/e2e/{path}#password"}
    metadata = {"name": "app", "namespace": NAMESPACE, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}


def _live(bed: Testbed) -> dict[str, Any]:
    answer = bed.kubernetes.request("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/app")
    answer.raise_for_status()
    live: dict[str, Any] = answer.json()
    return live


def _record_key(live: dict[str, Any]) -> str:
    return str(json.loads(live["metadata"]["annotations"]["keyhole.dev/record"])["key"])


def test_records_are_under_the_new_key_and_proved_and_values_stay(  # noqa: PLR0917 - pytest passes one for each fixture
    bed: Testbed, key: KeySecret, tenants: Tenants, commands: Commands, canary: Canary, tmp_path: Path
) -> None:
    add_tenant(bed, NAMESPACE, ["secret/data/e2e/*"])
    tenants.add(NAMESPACE)
    value = Planter(bed, canary).secret("rotated")["password"]
    connections = write_connections(bed, tmp_path / "connections.yaml")
    with (
        controlling(bed, tmp_path, settle_seconds=SETTLE_SECONDS),
        serving(bed, tmp_path, connections) as webhook,
        registered(bed, webhook),
    ):
        eventually(lambda: key.status() is not None, "the controller's status")
        apply(bed, _manifest("rotated"))
        before = _live(bed)
        assert before["data"] == {"password": base64.b64encode(value.encode()).decode()}
        assert _record_key(before) == key.ring().signing.id
        done = commands.run("rotate")
        assert done.returncode == 0, done.stdout + done.stderr
        after = _live(bed)
        assert _record_key(after) == key.ring().signing.id != _record_key(before)
        assert after["data"] == before["data"]
        assert "keyhole.dev/refresh" not in after["metadata"]["annotations"]
        traffic = Traffic(bed)
        bed.kubectl(
            "apply", "--server-side", "--dry-run=server", "-f", "-", input_text=json.dumps(_manifest("rotated"))
        )
        apply(bed, _manifest("rotated"))
        assert _live(bed)["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"]
        assert len(traffic.vault_requests()) <= 1
