"""`trail`: Keyhole's audit trail is whole, and each worker writes one."""

from collections.abc import Iterator
from typing import Final

from pydantic import Field

from enforcer.facts.base import NotKnown
from enforcer.facts.inventory import Inventory
from enforcer.facts.trail import Problem, TrailFacts
from enforcer.judging.answers import Answer, Held, NotChecked, found, section_not_known
from enforcer.judging.standard import Parameters, Standard
from review.findings.finding import ObjectName
from review.findings.rule import Rule, Severity

_NAME: Final = "trail"

RULE: Final = Rule(
    _NAME,
    _NAME,
    Severity.ERROR,
    "The audit trail of Keyhole was changed, or parts of it are missing.",
    "Nobody can then say for certain who had which value filled in, and what the other standards take from the trail "
    "may be wrong.",
    "Find out who may write the log. Give all files of the trail, the oldest first, and the heads of an earlier run.",
)


class Trail(Parameters):
    """What is demanded beside a trail that verifies."""

    heads: bool = Field(default=False, description="Whether heads of an earlier run are required: without them nobody "
                        "notices that the end of the trail, or a whole chain, is gone.")  # fmt: skip
    pods: bool = Field(default=True, description="Whether each pod of the webhook that is ready must have a chain.")


def _judge(inventory: Inventory, parameters: Trail) -> Iterator[Answer]:
    facts = inventory.trail
    if isinstance(facts, NotKnown):
        yield section_not_known("trail", facts)
        return
    yield from (_told(facts, problem) for problem in facts.problems)
    about = _trail(facts)
    further = facts.problems_total - len(facts.problems)
    if further > 0:
        yield found(RULE, about, f"{further} more lines or chains are not as they should be", pointer="further")
    broken = {problem.chain for problem in facts.problems}
    for chain in sorted(facts.chains, key=lambda chain: chain.name):
        if chain.name not in broken:
            yield Held(ObjectName("keyhole", "Chain", "", chain.name))
    if parameters.heads and not facts.heads:
        why = "no heads of an earlier run were given (--audit-heads), so nobody knows whether the end is missing"
        yield NotChecked(about, why)
    if parameters.pods:
        yield from _pods(inventory, facts)


def _trail(facts: TrailFacts) -> ObjectName:
    return ObjectName("keyhole", "Trail", "", facts.files[0] if facts.files else "")


def _told(facts: TrailFacts, problem: Problem) -> Answer:
    about = ObjectName("keyhole", "Trail", "", problem.file) if problem.file else _trail(facts)
    where = f"line {problem.line} " if problem.line else ""
    pointer = " ".join(map(str, filter(None, (problem.problem, problem.chain, problem.line))))
    return found(RULE, about, f"{problem.problem}: {where}{problem.message}", pointer=pointer)


def _pods(inventory: Inventory, facts: TrailFacts) -> Iterator[Answer]:
    if isinstance(inventory.gate, NotKnown):
        yield section_not_known("gate", inventory.gate)
        return
    pods = inventory.gate.pods
    if isinstance(pods, NotKnown):
        yield NotChecked(_trail(facts), f"which pods have to write a trail is not known: {pods.not_known}")
        return
    hosts = {chain.host for chain in facts.chains if not chain.ended}
    for pod in sorted(pods):
        about = ObjectName("", "Pod", inventory.gate.own_namespace, pod)
        if pod in hosts:
            yield Held(about)
        elif "" in hosts:
            yield NotChecked(about, "the beginning of some chains is in other files, so any of them may be its own")
        else:
            told = "it answers admissions, and no chain of the trail is open that it began"
            yield found(RULE, about, told, pointer="chain")


STANDARD: Final = Standard(RULE, Trail, _judge, "The audit trail is whole, and each pod of the webhook writes one.")
