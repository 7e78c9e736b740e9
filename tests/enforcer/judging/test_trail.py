"""`trail`: whole chains are held, what is wrong with the others is told, and so is a pod that writes none."""

from datetime import UTC, datetime
from typing import Any

from enforcer.collecting.inventory import nothing_yet
from enforcer.facts.base import NotKnown
from enforcer.facts.gate import GateFacts
from enforcer.facts.inventory import Inventory
from enforcer.facts.trail import Chain, Problem, TrailFacts
from enforcer.judging.answers import Answer, Held, NotChecked
from enforcer.judging.trail import STANDARD, Trail
from review.findings.finding import Finding, ObjectName

FILE = "audit.log"
ABOUT = ObjectName("keyhole", "Trail", "", FILE)


def chain(name: str, host: str = "", *, ended: bool = False) -> Chain:
    return Chain(name=name, first=0, last=3, lines=4, head=f"{name}:3:mac", ended=ended, host=host)


def inventory(*chains: Chain, pods: Any = (), **more: Any) -> Inventory:
    facts = TrailFacts(files=(FILE,), lines=4, chains=chains, **more)
    gate = GateFacts(name="keyhole", own_namespace="keyhole", pods=pods)
    return nothing_yet("test", datetime.now(UTC)).model_copy(update={"trail": facts, "gate": gate})


def judged(facts: Inventory, **parameters: Any) -> list[Answer]:
    return list(STANDARD.judge(facts, Trail(**parameters)))


def told(answers: list[Answer]) -> list[tuple[ObjectName, str, str]]:
    return [(each.object, each.pointer, each.message) for each in answers if isinstance(each, Finding)]


def test_each_whole_chain_is_held() -> None:
    held = [Held(ObjectName("keyhole", "Chain", "", name)) for name in ("a", "b")]
    assert judged(inventory(chain("b"), chain("a"))) == held


def test_what_is_wrong_is_told_and_its_chain_is_not_held() -> None:
    problems = (
        Problem(problem="Changed", message="was changed or forged", chain="a", file="audit.log.1", line=7),
        Problem(problem="ChainMissing", message="the whole chain is missing", chain="c"),
    )
    answers = judged(inventory(chain("a"), chain("b"), problems=problems, problems_total=5))
    assert told(answers) == [
        (ObjectName("keyhole", "Trail", "", "audit.log.1"), "Changed a 7", "Changed: line 7 was changed or forged"),
        (ABOUT, "ChainMissing c", "ChainMissing: the whole chain is missing"),
        (ABOUT, "further", "3 more lines or chains are not as they should be"),
    ]
    assert [each.object.name for each in answers if isinstance(each, Held)] == ["b"]


def test_heads_can_be_demanded() -> None:
    (answer,) = [each for each in judged(inventory(chain("a")), heads=True) if isinstance(each, NotChecked)]
    assert "--audit-heads" in answer.reason
    assert not [each for each in judged(inventory(chain("a"), heads=1), heads=True) if isinstance(each, NotChecked)]


class TestPods:
    def test_one_without_an_open_chain_is_told(self) -> None:
        facts = inventory(chain("a", "pod-a"), chain("b", "pod-b", ended=True), pods=("pod-b", "pod-a"))
        answers = judged(facts)
        assert Held(ObjectName("", "Pod", "keyhole", "pod-a")) in answers
        message = "it answers admissions, and no chain of the trail is open that it began"
        assert told(answers) == [(ObjectName("", "Pod", "keyhole", "pod-b"), "chain", message)]
        assert not told(judged(facts, pods=False))

    def test_one_whose_chain_may_have_begun_elsewhere_is_not_checked(self) -> None:
        answers = judged(inventory(chain("a"), pods=("pod-a",)))
        assert [type(each) for each in answers] == [Held, NotChecked]

    def test_that_nobody_knows_are_not_checked(self) -> None:
        facts = inventory(chain("a"), pods=NotKnown(not_known="no right to list pods"))
        assert [each.reason for each in judged(facts) if isinstance(each, NotChecked)] == [
            "which pods have to write a trail is not known: no right to list pods"
        ]
        away = facts.model_copy(update={"gate": NotKnown(not_known="no cluster was asked")})
        assert [each.reason for each in judged(away) if isinstance(each, NotChecked)] == ["no cluster was asked"]


def test_without_a_trail_one_answer_says_why() -> None:
    facts = inventory().model_copy(update={"trail": NotKnown(not_known="no key")})
    assert judged(facts) == [NotChecked(ObjectName("keyhole", "Section", "", "trail"), "no key")]
