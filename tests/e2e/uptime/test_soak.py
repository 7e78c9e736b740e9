"""The soak, in short: everything happens that happens in the long one, and nothing fails or leaks."""

import os
from collections.abc import Iterator

import pytest

from bench.soak import Settings, run
from testbed import Testbed
from testbed.load.mixture import Step
from tests.e2e.places import Places
from tests.e2e.uptime.conftest import CLIENTS

# The fewest in which a value is rotated, and is there before and, for longer than it is believed (10 s), after.
_SECONDS = float(os.environ.get("KEYHOLE_SOAK_SECONDS") or 20)
_ROTATE_SECONDS = 7.0


@pytest.fixture
def _value_kept(bed: Testbed) -> Iterator[None]:
    """Give Vault back the value that others on this bed expect: the soak rotates it."""
    app = bed.vault.client().secrets.kv.v2
    before = app.read_secret_version("app", raise_on_deleted_version=True)["data"]["data"]
    yield
    app.create_or_update_secret("app", before)


@pytest.mark.usefixtures("places", "_value_kept")
def test_a_steady_load_leaves_no_descriptor_and_no_thread_behind(bed: Testbed, places: Places) -> None:
    # Memory is not judged: in so short a time, caches still fill.
    settings = Settings(
        duration_seconds=_SECONDS, settle_seconds=5, sample_seconds=1, clients=CLIENTS, rotate_seconds=_ROTATE_SECONDS
    )
    report = run(bed, settings, print)
    complaints = [told for told in report.complaints if not told.startswith("PSS")]
    assert complaints == []
    assert report.tally.answered.keys() == set(Step)
