"""`appliers`: only the accounts that the standard names write what Keyhole fills. Off until they are named."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final, TypeAlias

from pydantic import Field

from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterObject
from enforcer.facts.inventory import Inventory
from enforcer.facts.trail import Admitted, TrailFacts
from enforcer.judging.answers import Answer, Held, NotChecked, found, section_not_known
from enforcer.judging.parts.objects import named, objects
from enforcer.judging.parts.words import shown
from enforcer.judging.standard import Parameters, Standard
from resolver.identity import RECONCILER
from review.findings.finding import ObjectName
from review.findings.rule import Rule, Severity

_RULE: Final = Rule(
    "appliers",
    "appliers",
    Severity.ERROR,
    "Somebody else than the deployment's own accounts wrote an object that Keyhole fills.",
    "Who writes references decides which of the namespace's secrets go where, past the review of the manifests in Git.",
    "Find out why, and have the object applied from Git again. The policy `keyhole-appliers` refuses such changes.",
    is_off=True,
)
# As what Keyhole's controller changes objects.
_OWN_MANAGERS: Final = frozenset({"keyhole"})
_Who: TypeAlias = Mapping[tuple[str, str, str, str], Admitted]


class AppliersParameters(Parameters):
    """Who may write objects that Keyhole fills. At least one of the two has to be given."""

    accounts: tuple[str, ...] = Field(
        default=(),
        description="Names of users, with *, such as system:serviceaccount:flux-system:*. It takes the audit trail, "
        "which says who had each object admitted last.",
    )
    managers: tuple[str, ...] = Field(
        default=(),
        description="Field managers, with *, such as kustomize-controller. Anybody may call themselves like that: it "
        "shows accidents, and no attacks.",
    )


def _judge(inventory: Inventory, parameters: AppliersParameters) -> Iterator[Answer]:
    if not parameters.accounts and not parameters.managers:
        why = "its parameters name neither accounts nor managers"
        yield NotChecked(ObjectName("keyhole", "Standard", "", _RULE.id), why)
        return
    trail: TrailFacts | None = None
    if parameters.accounts:
        if isinstance(inventory.trail, NotKnown):
            yield section_not_known("trail", inventory.trail)
        else:
            trail = inventory.trail
    who = {} if trail is None else _by_object(trail)
    for one in objects(inventory):
        if isinstance(one, NotChecked):
            yield one
        elif one.record or one.wants or one.unfilled:
            yield from _about(one, parameters, trail, who)


def _by_object(trail: TrailFacts) -> _Who:
    """Return who had each object admitted last. The loop's refreshes count only where there is nothing else.

    It makes the Secrets behind variables itself; whoever wrote the workload decided about them.
    """
    last: dict[tuple[str, str, str, str], Admitted] = {}
    for each in trail.admitted:
        key = (each.group, each.kind, each.namespace, each.name)
        before = last.get(key)
        if before is None or (not _is_the_loop(each), each.last) > (not _is_the_loop(before), before.last):
            last[key] = each
    return last


def _is_the_loop(admitted: Admitted) -> bool:
    return admitted.requester == f"system:serviceaccount:{admitted.namespace}:{RECONCILER}"


def _about(one: ClusterObject, parameters: AppliersParameters, trail: TrailFacts | None, who: _Who) -> Iterator[Answer]:
    about = named(one)
    answers: list[Answer] = []
    if parameters.managers:
        answers += _by_managers(one, parameters.managers)
    if trail is not None:
        admitted = who.get((one.group, one.kind, one.namespace, one.name))
        if admitted is None:
            since = f", which begins at {trail.since:%Y-%m-%d %H:%M} UTC," if trail.since else ""
            answers.append(NotChecked(about, f"the trail{since} does not say who had it admitted"))
        elif not _is_the_loop(admitted) and not _fits(admitted.requester, parameters.accounts):
            message = f"{shown(admitted.requester)} had it admitted last, at {admitted.last:%Y-%m-%d %H:%M} UTC"
            answers.append(found(_RULE, about, message, pointer="requester"))
        elif trail.left_out:
            why = "the trail has more entries than were counted, so somebody else may have had it admitted last"
            answers.append(NotChecked(about, why))
    yield from answers
    # Without the trail, an account is not known to be right.
    if not answers and (trail is not None or not parameters.accounts):
        yield Held(about)


def _by_managers(one: ClusterObject, allowed: tuple[str, ...]) -> Iterator[Answer]:
    about = named(one)
    if one.writers is None:
        yield NotChecked(about, "it has no managedFields, so nobody knows who wrote it")
        return
    found_managers = {writer.manager for writer in one.writers if writer.annotations or writer.keys}
    for manager in sorted(found_managers - _OWN_MANAGERS):
        if not _fits(manager, allowed):
            message = f"the field manager {shown(manager)} wrote references or keys of it"
            yield found(_RULE, about, message, pointer=f"manager {manager}")


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


STANDARD: Final = Standard(
    _RULE, AppliersParameters, _judge, "Only the accounts that the standard names write what Keyhole fills."
)
