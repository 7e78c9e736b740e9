"""Standards and inventories for tests of what is done with answers, whoever gives them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime

from pydantic import Field

from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterFacts, Namespace
from enforcer.facts.inventory import Inventory
from enforcer.judging.answers import Answer, Held, NotChecked, found
from enforcer.judging.standard import Parameters, Standard
from enforcer.standards.chosen import StandardsFile
from enforcer.standards.file import parse
from review.findings.finding import ObjectName
from review.findings.rule import Rule, Severity
from review.sources.text import Text

TODAY = date(2026, 6, 1)
STARTED = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)


class Limits(Parameters):
    """What the standard `tidy` takes."""

    most_days: int = Field(default=30, ge=1, description="How many days old something may be.")
    exempt_names: tuple[str, ...] = Field(default=(), description="Names that are let through.")


def rule(name: str, severity: Severity = Severity.ERROR, *, is_off: bool = False) -> Rule:
    return Rule(name, name, severity, f"{name} is not so.", "It matters.", "Put it right.", is_off)


def secret(name: str = "app", namespace: str = "shop") -> ObjectName:
    return ObjectName("", "Secret", namespace, name)


def standard(name: str, *answers: Answer, severity: Severity = Severity.ERROR, is_off: bool = False) -> Standard:
    """Return a standard whose judge gives these answers."""

    def judge(_inventory: Inventory, _parameters: Limits) -> Iterable[Answer]:
        return answers

    return Standard(rule(name, severity, is_off=is_off), Limits, judge, f"{name} is as it has to be.")


def finding(name: str, about: ObjectName, message: str = "it is wrong", pointer: str = "") -> Answer:
    return found(rule(name), about, message, pointer=pointer)


def failing(name: str, *first: Answer) -> Standard:
    """Return a standard whose judge has a bug behind these answers."""

    def judge(_inventory: Inventory, _parameters: Limits) -> Iterator[Answer]:
        yield from first
        raise KeyError("canary-7f3a")

    return Standard(rule(name), Limits, judge, f"{name} is as it has to be.")


def inventory(*namespaces: tuple[str, dict[str, str]]) -> Inventory:
    """Return an inventory in which nothing is known but namespaces, with labels, if there are any."""
    nothing = NotKnown(not_known="nobody asked")
    known = tuple(
        Namespace(name=name, enabled=True, variables=False, objects=(), labels=labels) for name, labels in namespaces
    )
    others = ("vault", "gate", "audit_policy", "trail", "git", "forge", "workloads")
    return Inventory(
        tool="keyhole 1",
        started=STARTED,
        ended=STARTED,
        cluster=ClusterFacts(namespaces=known) if known else nothing,
        **dict.fromkeys(others, nothing),  # type: ignore[arg-type]  # each takes NotKnown
    )


def read(enforce: str, standards: Sequence[Standard], today: date = TODAY) -> StandardsFile:
    """Return what a file says whose part `enforce:` has these lines."""
    return parse(Text("standards.yaml", f"version: keyhole.dev/standards/v1\nenforce:\n{enforce}"), today, standards)


HELD = Held(secret())
UNCHECKED = NotChecked(secret("other"), "it was busy")
