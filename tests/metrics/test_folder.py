"""The folder of the metrics, and what masters that were killed leave behind."""

import os
import time
from pathlib import Path

import pytest

from metrics.folder import MetricsFolder, MetricsFolderError

_LONG_AGO_SECONDS = 3600.0


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def _aged(folder: Path) -> Path:
    then = time.time() - _LONG_AGO_SECONDS
    os.utime(folder, (then, then))
    return folder


def test_it_is_for_nobody_else_and_goes_in_the_end(temporary: Path) -> None:
    folder = MetricsFolder()
    assert folder.path.parent == temporary
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(folder.path)
    folder.remove()
    assert not list(temporary.iterdir())


def test_what_a_killed_master_left_is_cleared_away(temporary: Path) -> None:
    left = temporary / "keyhole-metrics-left"
    left.mkdir()
    (left / "counter_0.db").write_bytes(b"counts")
    (left / "lock").touch()
    _aged(left)
    MetricsFolder().remove()
    assert not left.exists()


def test_what_another_master_uses_or_has_just_made_stays(temporary: Path) -> None:
    used, new = MetricsFolder(), temporary / "keyhole-metrics-new"
    new.mkdir()
    _aged(used.path)
    MetricsFolder().remove()
    assert used.path.exists()
    assert new.exists()
    used.remove()


def test_without_a_place_to_write_the_message_says_so(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(temporary / "missing"))
    with pytest.raises(MetricsFolderError, match="below TMPDIR: No such file or directory"):
        MetricsFolder()
