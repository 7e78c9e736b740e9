"""How large a measurement of the loop is."""

import pytest

from bench.loop.settings import FULL, SMALL, Settings


def test_the_full_size_is_what_the_limits_are_for() -> None:
    assert (len(FULL.names), FULL.objects_each * len(FULL.names), len(FULL.all_paths)) == (1_000, 20_000, 2_000)
    assert (len(FULL.burst_paths), len(FULL.burst_names) * FULL.objects_each) == (500, 5_000)


@pytest.mark.parametrize("settings", [SMALL, FULL, Settings(3, 4, 100, 1, 1, 1), Settings(1, 1, 1, 1, 1, 1)])
def test_every_path_is_used_by_an_object(settings: Settings) -> None:
    assert 1 <= settings.paths_each <= settings.objects_each
    assert len(set(settings.all_paths)) == settings.paths_each * settings.namespaces
    assert set(settings.burst_paths) <= set(settings.all_paths)
