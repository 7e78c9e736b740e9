"""What all tests share: the testbed, started when the first test asks for it."""

import contextlib
import importlib
import os
import pkgutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from testbed import Options, Testbed
from testbed.programs.needed import ensure
from testbed.programs.reports import on_standard_error
from testbed.programs.toolbox import Toolbox
from testbed.servers import go_environment

_HERE = Path(__file__).parent
# Folders whose tests share a bed of their own.
_BEDS = (
    "e2e/keys",
    "e2e/certificates",
    "e2e/uptime",
    "e2e/callers",
    "e2e/following",
    "e2e/restarting",
    "e2e/variables",
    "e2e/kinds",
    "e2e/review",
    "e2e/enforcer",
    "e2e/page",
)
# Files of them that take so long that it pays to start a bed for them alone.
_ALONE = ("e2e/keys/test_rotation.py", "e2e/certificates/test_losses.py", "e2e/uptime/test_down.py")
# What takes a minute or more is begun first, the longest before all, or the other workers would wait for it at the end.
_FIRST = (
    *("e2e/uptime", "e2e/keys", "e2e/following", "e2e/certificates/test_losses.py", "e2e/certificates"),
    *("charts/test_install.py", "e2e/callers", "e2e/test_demo.py", "charts/test_run.py", "e2e/test_server.py"),
    *("e2e/uptime/test_down.py", "e2e/restarting", "e2e/variables", "e2e/kinds", "e2e/keys/test_rotation.py"),
    *("e2e/enforcer", "e2e/test_provenance.py", "e2e/test_match_conditions.py", "e2e/test_vault_failures.py"),
    *("testbed/test_supervision.py", "e2e/test_vault_connections.py", "e2e/test_crowds.py", "charts/test_upgrade.py"),
    *("e2e/test_many_namespaces.py",),
    *("webhook/admission/test_patch_laws.py", "webhook/admission/test_isolation.py", "release/test_package.py"),
    *("release/test_sbom.py", "certs/test_renewal.py", "audit/test_verify.py"),
)

# The servers have memory to spare, and the tests need the processor.
os.environ.setdefault(go_environment.VARIABLE, "400")

# The same examples in every run, and no judgement of speed: that says how busy the machine is.
settings.register_profile("keyhole", deadline=None, derandomize=True, max_examples=100)
settings.load_profile("keyhole")


class OneBedAtATime(LoadScopeScheduling):  # type: ignore[misc]
    """Gives all tests on one bed to one worker, one after another, and otherwise all tests of a file."""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid.partition("::")[0])


# xdist's own groups (`--dist loadgroup`) change the id of a test, which pytest 9 no longer lets them.
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneBedAtATime:
    """Return what gives the tests to the workers."""
    return OneBedAtATime(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers `-n auto` starts: one more than processors, because the tests on servers often wait."""
    return len(os.sched_getaffinity(0)) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs on real servers: tests/e2e; tests/testbed and tests/charts but for test_unit_*.py; and GitOps."""
    for item in items:
        if _needs_servers(item.path):
            item.add_marker(pytest.mark.servers)
        if item.path.is_relative_to(_HERE / "gitops"):
            item.add_marker(pytest.mark.gitops)
    items.sort(key=lambda item: _rank(_group(item.nodeid.partition("::")[0])))


def pytest_collection_finish() -> None:
    """Have every worker know the same modules: Hypothesis tries the constants of those that are imported.

    Otherwise its examples would depend on what else the worker has run. Who runs a few tests need not wait for it.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return
    rooms = [room.parent for room in _HERE.parent.glob("*/__init__.py") if room.parent != _HERE]
    for room in sorted(rooms):
        for module in pkgutil.walk_packages([str(room)], f"{room.name}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)


def pytest_runtestloop(session: pytest.Session) -> None:
    """Build the servers before the first test: that takes longer than a test may, and its progress must be seen."""
    is_needed = any({"servers", "gitops", "boards"} & item.keywords.keys() for item in session.items)
    if session.config.option.collectonly or not is_needed:
        return
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
        ensure(Toolbox(on_standard_error()))


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


def _group(file: str) -> str:
    """Return which group the tests of a file belong to, by the path that stands in their ids."""
    name = file.removeprefix("tests/")
    return next((bed for bed in _BEDS if name.startswith(f"{bed}/") and name not in _ALONE), name)


def _rank(group: str) -> int:
    return _FIRST.index(group) if group in _FIRST else len(_FIRST)


@pytest.fixture(scope="session")
def testbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    """Return a started testbed, shared by all that one worker runs. pytest keeps its directory for three runs."""
    with Testbed(Options(directory=tmp_path_factory.mktemp("testbed").resolve())) as bed:
        yield bed
