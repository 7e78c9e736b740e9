"""Two replicas are replaced again and again while people go on applying."""

import os
from pathlib import Path

import pytest
import yaml

from testbed import Testbed
from testbed.keyhole.replicas import replicated
from testbed.load.mixture import Mixture, Step
from testbed.load.objects import CONSTANT_BASE64
from testbed.load.wire import Endpoint
from tests.e2e.places import Places
from tests.e2e.uptime.conftest import CLIENTS, NAMESPACES, PAUSE_SECONDS, Way
from tests.e2e.vault_tokens import living_tokens

LAG_SECONDS = 2.0
_VALUES = Path(__file__).resolve().parents[3] / "charts/keyhole/values.yaml"
# `make uptime` asks for 20. Two are the fewest that show a replica that takes over from one which was replaced itself.
_RESTARTS = int(os.environ.get("KEYHOLE_ROLLING_RESTARTS") or 2)


@pytest.mark.usefixtures("places")
def test_no_admission_fails_and_no_token_is_left(  # noqa: PLR0917 - pytest passes one for each fixture
    bed: Testbed, way: Way, connections: Path, endpoint: Endpoint, tmp_path: Path, places: Places
) -> None:
    before = living_tokens(bed)
    as_charted = yaml.safe_load(_VALUES.read_text())["webhook"]
    serve = way.serve(bed, connections, arguments=["--drain-seconds", str(as_charted["drainSeconds"])])
    # In the chart's mode as the chart has it; directly, the drain has to do alone.
    pre_stop_seconds = as_charted["preStopSeconds"] if way.is_aggregated else 0.0
    with (
        replicated(
            tmp_path / "replicas", serve, lag_seconds=LAG_SECONDS, pre_stop_seconds=pre_stop_seconds
        ) as replicas,
        way.registered(bed, replicas.front, policy=True),
        Mixture(
            endpoint, NAMESPACES, clients=CLIENTS, filled_base64=CONSTANT_BASE64, pause_seconds=PAUSE_SECONDS
        ) as mixture,
    ):
        for _ in range(_RESTARTS):
            replicas.roll()
        tally = mixture.tally()
    print(f"\n{_RESTARTS} rolling restarts, {tally.requests} requests, {tally.errors} errors")  # noqa: T201
    assert [str(failure) for failure in tally.failures] == []
    assert tally.answered.keys() == set(Step)
    assert living_tokens(bed) <= before
