"""What a person reads while something is built."""

import io
import re

import pytest
from rich.console import Console

from testbed.programs.reports import LiveReport, PlainReport, Report


def test_plain_lines_tell_the_start_the_time_that_passes_and_the_end() -> None:
    stream = io.StringIO()
    with PlainReport(stream, interval_seconds=0.02).step("building x (1 of 2)"):
        while "so far" not in stream.getvalue():
            pass
    lines = stream.getvalue().splitlines()
    assert lines[0] == "testbed: building x (1 of 2) …"
    assert re.fullmatch(r"testbed: building x \(1 of 2\): \d+ s so far", lines[1])
    assert re.fullmatch(r"testbed: building x \(1 of 2\): done in \d+\.\d s", lines[-1])


@pytest.mark.parametrize("live", [False, True], ids=["plain", "live"])
def test_a_failed_step_is_told_as_failed(*, live: bool) -> None:
    stream = io.StringIO()
    report: Report = LiveReport(Console(file=stream, force_terminal=True)) if live else PlainReport(stream)
    with pytest.raises(RuntimeError), report.step("building x"):
        raise RuntimeError
    assert "building x: failed in" in stream.getvalue()


def test_a_terminal_sees_what_is_being_built_while_it_is_built() -> None:
    stream = io.StringIO()
    with LiveReport(Console(file=stream, force_terminal=True, width=80)).step("building [x] (1 of 2)"):
        pass
    assert "building [x] (1 of 2)" in stream.getvalue()
    assert "0:00:00" in stream.getvalue()
