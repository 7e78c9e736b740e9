"""Nothing is found in a clean installation; each fault is found by its own standard, and by no other."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from testbed import Testbed
from testbed.keyhole.objects import merge
from testbed.keyhole.rights import ENFORCER_EVERYWHERE, ENFORCER_IN_ITS_NAMESPACE
from tests.e2e.canary import Canary
from tests.e2e.enforcer import faults
from tests.e2e.enforcer.faults import FAULTS, Fault
from tests.e2e.enforcer.heard import Heard
from tests.e2e.enforcer.installed import AUDIT_POLICY, TENANTS
from tests.e2e.enforcer.nightly import Night, Nightly
from tests.e2e.enforcer.world import World, opted_in, put_back, registration
from tests.e2e.traffic import Traffic

MOST_DRY_RUNS = 4


@dataclass(frozen=True)
class Nights:
    """The first night, in which all is well, and the second one, after the faults were planted; and what was heard."""

    clean: Night
    faulty: Night
    writes: Sequence[str]
    bodies: Sequence[str]
    questions: Sequence[tuple[str, str]]
    most_questions: int
    dry_runs: int
    dry_runs_at_once: int
    rights: AbstractSet[tuple[str, str, str]]


@pytest.fixture(scope="module")
def nights(bed: Testbed, canary: Canary, connections: Path, nightly: Nightly) -> Iterator[Nights]:
    # The other tests' tenants are wider than they need to be.
    opted_in(bed, TENANTS, enabled=False)
    told = registration(bed)
    world = World(bed, connections, nightly.folder / "manifests", canary)
    faults.build(world)
    nightly.collect_trail()
    clean = nightly.run()
    faults.plant(world, nightly)
    heard = Heard(Traffic(bed))
    faulty = nightly.run()
    questions = heard.vault_questions()
    yield Nights(
        clean,
        faulty,
        heard.writes(),
        heard.bodies_with_data(),
        list(questions),
        max(questions.values()),
        len(heard.dry_runs()),
        heard.dry_runs_at_once(),
        heard.rights(),
    )
    put_back(bed, told)
    merge(
        bed,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "keyhole-enforcer", "namespace": "keyhole"},
            "data": {"audit-policy.yaml": AUDIT_POLICY},
        },
    )
    world.leave()
    opted_in(bed, TENANTS, enabled=True)


def test_in_a_clean_installation_everything_is_held(nights: Nights) -> None:
    assert nights.clean.findings == []
    assert nights.clean.unchecked == {}
    assert nights.clean.code == 0
    standards = {each["name"]: (each["status"], each["held"]) for each in nights.clean.report["standards"]}
    assert {name for name, (status, _) in standards.items() if status == "off"} == {"review"}
    # There are no exceptions here.
    assert [name for name, (status, held) in standards.items() if status == "held" and not held] == ["exceptions"]


@pytest.mark.parametrize("fault", [pytest.param(each, id=each.what) for each in FAULTS])
def test_each_fault_is_found_by_its_standard_and_by_no_other(nights: Nights, fault: Fault) -> None:
    found = [each for each in nights.faulty.findings if fault.about.items() <= each["object"].items()]
    if fault.pointer:
        found = [each for each in found if fault.pointer == each["pointer"]]
    assert {each["standard"] for each in found} == {fault.standard}
    assert {each["new"] for each in found} == {True}


def test_nothing_is_found_that_was_not_planted(nights: Nights) -> None:
    planted = [fault.about for fault in FAULTS]
    assert [
        (each["standard"], each["object"], each["message"])
        for each in nights.faulty.findings
        if not any(about.items() <= each["object"].items() for about in planted)
    ] == []


def test_no_answer_of_the_api_server_had_content_and_nothing_was_written(nights: Nights) -> None:
    assert nights.dry_runs > 0
    assert nights.bodies == []
    assert nights.writes == []


def test_vault_was_asked_for_no_data_and_once_for_each_path_and_identity(nights: Nights) -> None:
    assert [path for _, path in nights.questions if "/data/" in path or not path] == []
    assert any("/metadata/" in path for _, path in nights.questions)
    assert nights.most_questions == 1


def test_each_right_of_its_role_is_used_in_a_night(nights: Nights) -> None:
    given = [*ENFORCER_EVERYWHERE, *ENFORCER_IN_ITS_NAMESPACE]
    assert nights.rights == {
        right for rule in given for right in product(rule["apiGroups"], rule["resources"], rule["verbs"])
    }


def test_few_dry_runs_were_under_way_at_once(nights: Nights) -> None:
    assert nights.dry_runs_at_once <= MOST_DRY_RUNS
