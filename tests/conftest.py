"""What all tests share: the testbed, started when the first test asks for it."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed import Options, Testbed
from testbed.programs.reports import on_standard_error

_HERE = Path(__file__).parent
# Folders with a bed of their own, for which their files wait in one worker; the longest first.
_BEDS = ("e2e/keys", "e2e/certificates", "e2e/uptime", "e2e/callers")


def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers `-n auto` starts: one more than processors, because the tests on servers often wait."""
    return len(os.sched_getaffinity(0)) + 1


# Before xdist's own, which reads the groups.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs on real servers: tests/e2e; tests/testbed and tests/charts but for test_unit_*.py; and GitOps.

    The groups are what `--dist loadgroup` gives to one worker: the tests on one bed, otherwise those of a file. They
    come in the order in which they are to be begun.
    """
    for item in items:
        if _needs_servers(item.path):
            item.add_marker(pytest.mark.servers)
        if item.path.is_relative_to(_HERE / "gitops"):
            item.add_marker(pytest.mark.gitops)
        item.add_marker(pytest.mark.xdist_group(_group(item.path)))
    items.sort(key=lambda item: _rank(item.path))


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> None:
    """Have the programs that tests start hear SIGINT: a shell that runs pytest in the background has it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _needs_servers(path: Path) -> bool:
    if not path.is_relative_to(_HERE):
        return False
    room = path.relative_to(_HERE).parts[0]
    return room == "e2e" or (room in {"testbed", "charts"} and not path.name.startswith("test_unit_"))


def _bed(path: Path) -> str | None:
    return next((bed for bed in _BEDS if path.is_relative_to(_HERE / bed)), None)


def _group(path: Path) -> str:
    return _bed(path) or str(path.relative_to(_HERE) if path.is_relative_to(_HERE) else path)


def _rank(path: Path) -> int:
    bed = _bed(path)
    return _BEDS.index(bed) if bed else len(_BEDS)


@pytest.fixture(scope="session")
def testbed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """Return a started testbed, shared by the whole run. pytest keeps its directory, with the logs, for three runs."""
    directory = tmp_path_factory.mktemp("testbed").resolve()
    capture = request.config.pluginmanager.getplugin("capturemanager")
    # A first build takes minutes: its progress must be seen.
    shown = capture.global_and_fixture_disabled() if capture else contextlib.nullcontext()
    with shown:
        bed = Testbed(Options(directory=directory), on_standard_error())
        bed.start()
    yield bed
    bed.stop()
