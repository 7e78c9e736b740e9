"""Which files an admission runs through, from the socket to the patch and the entry in the audit trail."""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed import Testbed
from testbed.keyhole.installation import serving
from tests.e2e.caller import Caller
from tests.e2e.canary import Canary
from tests.e2e.objects import filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter

# As ARCHITECTURE.md has it. Whoever has read these knows what an admission does.
SPINE = (
    "webhook/http/app.py",
    "webhook/http/admission_review.py",
    "webhook/admission/metered.py",
    "webhook/scheduling/gate.py",
    "webhook/scheduling/fair_queue.py",
    "webhook/admission/audited.py",
    "webhook/admission/admit.py",
    "manifests/planning/plan.py",
    "webhook/admission/execute.py",
    "resolver/resolve.py",
    "webhook/admission/outcomes.py",
    "manifests/planning/metadata.py",
    "webhook/admission/patch.py",
)
MOST_MODULES = 62


@dataclass(frozen=True)
class Call:
    """A call of a function into a file, from the files that are under way, the caller's first."""

    module: str
    function: str
    under_way: list[str]


@dataclass(frozen=True)
class Traced:
    """What one connection ran through."""

    modules: list[str]
    entries: list[Call]

    @property
    def of_the_spine(self) -> Iterator[Call]:
        """The calls into the spine that Keyhole's own code makes; the event loop makes others."""
        return (call for call in self.entries if call.module in SPINE and call.under_way)


@pytest.fixture(scope="module")
def warm_create(  # noqa: PLR0917 - pytest passes one for each fixture
    testbed: Testbed,
    places: Places,
    tenant: str,
    connections_file: Path,
    canary: Canary,
    tmp_path_factory: pytest.TempPathFactory,
) -> Traced:
    """Return what the second CREATE of a worker ran through: by then it is logged in and knows the namespace."""
    directory = tmp_path_factory.mktemp("traced")
    key, trace = directory / "audit.key", directory / "trace.jsonl"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    Planter(testbed, canary).secret("traced")
    program = (sys.executable, "-m", "tests.e2e.tracing", str(trace))
    arguments = ["--workers", "1", "--audit-key", str(key), "--audit-log", str(directory / "audit.log")]
    with serving(testbed, directory, connections_file, program=program, arguments=arguments) as webhook:
        caller = Caller(webhook, places, tenant)
        for name in ("first", "second"):
            reply = caller.admit(filled(name, password="vault:secret/e2e/traced#password"))
            assert reply.allowed, reply.message
            assert reply.patch
    found: dict[str, Any] = json.loads(trace.read_text().splitlines()[-1])
    return Traced(found["modules"], [Call(*each) for each in found["entries"]])


def test_a_reader_opens_few_files(warm_create: Traced) -> None:
    assert len(warm_create.modules) <= MOST_MODULES, "\n".join(warm_create.modules)


def test_the_spine_runs_in_its_order(warm_create: Traced) -> None:
    assert [module for module in warm_create.modules if module in SPINE] == list(SPINE)


def test_nothing_below_calls_back_up_into_the_spine(warm_create: Traced) -> None:
    """But for one question: the resolver knows which Vault it is to ask, and the gate whether it may now."""
    up = [call for call in warm_create.of_the_spine if any(_is_earlier(call.module, each) for each in call.under_way)]
    gate, queue = "webhook/scheduling/gate.py", "webhook/scheduling/fair_queue.py"
    assert {call.function for call in up if call.module == gate} == {"asking"}
    assert {call.module for call in up} == {gate, queue}
    assert all(gate in call.under_way for call in up if call.module == queue)


def test_no_file_of_the_spine_is_entered_again_once_the_next_one_was(warm_create: Traced) -> None:
    """But for two, on the way back: the ticket is returned, and the audit entry asks who was logged in."""
    last, again = 0, set()
    for call in warm_create.of_the_spine:
        index = SPINE.index(call.module)
        if index < last and call.function != "asking" and call.under_way[0] != "webhook/scheduling/gate.py":
            again.add((call.module, call.function))
        last = max(last, index)
    assert again == {("resolver/resolve.py", "logins")}


def _is_earlier(module: str, than: str) -> bool:
    return than in SPINE and SPINE.index(module) < SPINE.index(than)
