"""A namespace whose reads are stalled holds up nobody but itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from testbed import Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import serving
from testbed.keyhole.tenants import add_tenant
from tests.e2e.caller import Caller
from tests.e2e.lying_vault import LyingVault
from tests.e2e.objects import filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually

_OTHER = "e2e-beside"
_REFERENCES = 200


@pytest.fixture
def one_worker(testbed: Testbed, places: Places, tenant: str, liar: LyingVault, tmp_path: Path) -> Iterator[Caller]:
    """Return somebody who asks a webhook with one worker, so that both namespaces meet in it."""
    add_tenant(testbed, _OTHER, ["secret/data/e2e/*"])
    file = write_connections(testbed, tmp_path / "connections.yaml")
    known = yaml.safe_load(file.read_text())
    default = known["connections"]["default"]
    known["connections"]["liar"] = {**default, "address": liar.url, "caFile": str(liar.ca_file), "timeoutSeconds": 30}
    file.write_text(yaml.safe_dump(known))
    places.watch(tmp_path / "keyhole.log")
    with serving(testbed, tmp_path, file, arguments=["--workers", "1"]) as webhook:
        yield Caller(webhook, places, tenant)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("vault:secret/e2e/beside-", id="at another Vault"),
        pytest.param("vault+liar:secret/beside/honest-", id="at the Vault that stalls the first"),
    ],
)
def test_another_namespace_is_served_while_the_reads_of_the_first_stand_still(
    one_worker: Caller, plant: Planter, liar: LyingVault, path: str
) -> None:
    for number in range(5):
        plant.secret(f"beside-{number}")
    stalled = {f"k{number}": f"vault+liar:secret/stalled/{number}/gated#password" for number in range(_REFERENCES)}
    several = {f"k{number}": f"{path}{number}#password" for number in range(5)}
    liar.gate.close()
    before = len(liar.tokens_of("/stalled/"))
    with one_worker.in_flight(filled("stalled", **stalled), timeout_seconds=30) as first:
        try:
            # As many as it gets stand before the gate: half of the helpers, and its own greenlet.
            eventually(lambda: len(liar.tokens_of("/stalled/")) - before >= 17, "the first namespace reads")
            assert one_worker.admit(filled("beside", **several), namespace=_OTHER).allowed
            assert not first.done()
        finally:
            liar.gate.open()
        assert first.result().allowed
