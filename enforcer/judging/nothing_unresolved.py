"""`nothing-unresolved`: no reference of a deployed object waits for a value, and no annotation of ours is misspelt."""

from collections.abc import Iterator
from typing import Final

from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterObject
from enforcer.facts.inventory import Inventory
from enforcer.judging.answers import Answer, Held, NotChecked, found
from enforcer.judging.parts.objects import named, objects
from enforcer.judging.parts.words import shown
from enforcer.judging.standard import Parameters, Standard
from review.findings.finding import Finding, ObjectName
from review.findings.rule import Rule, Severity

_RULE: Final = Rule(
    "nothing-unresolved",
    "nothing-unresolved",
    Severity.ERROR,
    "A reference was stored and nothing filled it.",
    "Keyhole was not asked when the object was stored: it was away and not registered to refuse, or the namespace "
    "opted in later. Whoever uses the field reads nothing, or what was there before.",
    "Run `keyhole refresh -n NAMESPACE [KIND/]NAME`, and see that gate-intact holds. Do not count on applying the "
    "manifest again: kubectl sends nothing while the manifest is unchanged.",
)
_ANNOTATIONS: Final = "metadata.annotations"


class NothingUnresolvedParameters(Parameters):
    """`nothing-unresolved` has no parameters."""


def _judge(inventory: Inventory, _parameters: NothingUnresolvedParameters) -> Iterator[Answer]:
    yield from _without_label(inventory)
    for one in objects(inventory):
        if isinstance(one, NotChecked):
            yield one
            continue
        unresolved = list(_unresolved(one))
        yield from unresolved
        if not unresolved and (one.record or one.wants):
            yield Held(named(one))


def _without_label(inventory: Inventory) -> Iterator[Finding]:
    if isinstance(inventory.cluster, NotKnown):
        return
    for namespace in inventory.cluster.namespaces:
        if not namespace.enabled and not isinstance(namespace.objects, NotKnown) and namespace.objects:
            message = (
                "its objects refer to Vault, and it lacks the label keyhole.dev/enabled=true, so nothing fills them"
            )
            yield found(_RULE, ObjectName("", "Namespace", "", namespace.name), message, pointer="metadata.labels")


def _unresolved(one: ClusterObject) -> Iterator[Finding]:
    about = named(one)
    for pointer in one.unfilled:
        reference = one.wants.get(pointer)
        if reference is None:
            # The annotation cannot be read, and is told below.
            continue
        what = f"{shown(pointer)} waits for {reference}" if pointer else f"nothing was filled from {reference}"
        yield found(_RULE, about, f"{what}: no record says that Keyhole filled it", pointer=pointer)
    for name in one.malformed:
        message = f"annotation {shown(name)} cannot be read as a reference, so nothing fills it"
        yield found(_RULE, about, message, pointer=f"{_ANNOTATIONS} {name}")
    for name in one.unknown:
        message = f"annotation {shown(name)} means nothing to Keyhole; most likely it is misspelt"
        yield found(_RULE, about, message, pointer=f"{_ANNOTATIONS} {name}")


STANDARD: Final = Standard(
    _RULE,
    NothingUnresolvedParameters,
    _judge,
    "Each reference of a deployed object is filled, and no annotation of Keyhole's is misspelt.",
)
