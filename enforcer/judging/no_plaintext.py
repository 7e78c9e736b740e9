"""`no-plaintext`: no Secret of a namespace that opted in has keys that no reference fills. Names of keys are enough."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Final

from pydantic import Field

from enforcer.facts.cluster import ClusterObject
from enforcer.facts.inventory import Inventory
from enforcer.judging.answers import Answer, Held, NotChecked, found
from enforcer.judging.parts.objects import key_of, last_writer, named, objects
from enforcer.judging.parts.words import by_whom, shown
from enforcer.judging.standard import Parameters, Standard
from manifests.registration.demands.plaintext import EXEMPT_TYPES
from review.findings.report import counted
from review.findings.rule import Rule, Severity

_RULE: Final = Rule(
    "no-plaintext",
    "no-plaintext",
    Severity.ERROR,
    "A Secret has a key that no reference fills.",
    "Its value came from somewhere else than Vault: from Git, from somebody's hand, or from another tool. Nobody "
    "rotates it with Vault, and Vault does not say who read it.",
    "Move the value to Vault, and name it in an annotation (`keyhole migrate`). What is no secret goes into a "
    "ConfigMap, or is let through by the parameters of this standard.",
)
_SOURCE: Final = "key:"


class NoPlaintextParameters(Parameters):
    """Which Secrets are looked at, and which keys may stand in plain text."""

    exempt_types: tuple[str, ...] = Field(
        default=EXEMPT_TYPES,
        description="Types of Secrets that are exempt, with *. All others are looked at: anybody may make up a type.",
    )
    exempt_names: tuple[str, ...] = Field(default=(), description="Names of Secrets that are exempt, with *.")
    public_keys: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict, description="By type of Secret, the keys that may stand in plain text."
    )


def _judge(inventory: Inventory, parameters: NoPlaintextParameters) -> Iterator[Answer]:
    for one in objects(inventory, kind="Secret"):
        if isinstance(one, NotChecked):
            yield one
        elif not _fits(one.type, parameters.exempt_types) and not _fits(one.name, parameters.exempt_names):
            yield from _about(one, frozenset(parameters.public_keys.get(one.type, ())))


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _about(one: ClusterObject, public: frozenset[str]) -> Iterator[Answer]:
    about = named(one)
    filled = {key for field in one.fields if (key := key_of(field.pointer)) is not None}
    # What a record does not prove and what waits for a value is told by other standards.
    named_by_keyhole = filled | {
        key for pointer in (*one.wants, *one.unfilled, *one.unproved) if (key := key_of(pointer)) is not None
    }
    harmless = public | {text.removeprefix(_SOURCE) for text in one.wants.values() if text.startswith(_SOURCE)}
    # Whether it has as many keys as were filled says it all, if those are sure to be there.
    is_there = one.proof == "proved" or not one.record
    if is_there and one.keys is not None and one.keys <= len(filled if one.record else named_by_keyhole):
        yield Held(about)
        return
    if one.writers is None:
        yield NotChecked(about, "it has no managedFields, so nobody knows which keys it has and who wrote them")
        return
    owned = {key for writer in one.writers for key in writer.keys}
    plain = sorted(owned - named_by_keyhole - harmless)
    for key in plain:
        message = f"data.{shown(key)} holds a value that no reference fills{by_whom(last_writer(one, key))}"
        yield found(_RULE, about, message, pointer=f"/data/{key.replace('~', '~0').replace('/', '~1')}")
    unowned = 0 if one.keys is None else one.keys - len(named_by_keyhole | owned)
    if unowned > 0:
        more = counted(unowned, "key")
        message = f"it has {more} that no reference fills and no client wrote, most likely from another webhook"
        yield found(_RULE, about, message, pointer="/data")
    elif not plain:
        yield Held(about)


STANDARD: Final = Standard(
    _RULE, NoPlaintextParameters, _judge, "Each key of a Secret comes from a reference to Vault."
)
