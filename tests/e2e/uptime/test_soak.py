"""The soak, in short: everything happens that happens in the long one, and nothing fails or leaks."""

import pytest

from bench.mixture import Step
from bench.soak import Settings, run
from testbed import Testbed
from tests.e2e.places import Places


@pytest.mark.usefixtures("places")
def test_a_minute_of_load_leaves_no_descriptor_and_no_thread_behind(bed: Testbed, places: Places) -> None:
    # Memory is not judged: within a minute, caches still fill.
    settings = Settings(duration_seconds=60, settle_seconds=15, sample_seconds=2.5)
    report = run(bed, settings, print)
    complaints = [told for told in report.complaints if not told.startswith("PSS")]
    assert complaints == []
    assert report.tally.answered.keys() == set(Step)
