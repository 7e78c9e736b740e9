"""`records-proved`: what the record of an object says of its fields is proved, as a dry run showed."""

from collections.abc import Iterator
from typing import Final

from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterObject
from enforcer.facts.inventory import Inventory
from enforcer.judging.answers import Answer, Held, NotChecked, found
from enforcer.judging.parts.objects import key_of, last_writer, named, objects
from enforcer.judging.parts.words import by_whom, shown
from enforcer.judging.standard import Parameters, Standard
from review.findings.rule import Rule, Severity

_RULE: Final = Rule(
    "records-proved",
    "records-proved",
    Severity.ERROR,
    "A record does not prove where a value came from.",
    "The value was changed without Keyhole, or the record was copied from another object or written by hand. It may be "
    "also that the key that signed it is lost.",
    "Find out who wrote the object, as its managedFields and the API server's audit log say. Then run `keyhole refresh "
    "-n NAMESPACE [KIND/]NAME`: Keyhole puts Vault's value in, and signs it. Do not count on applying the manifest "
    "again: kubectl sends nothing while the manifest is unchanged.",
)


class RecordsProvedParameters(Parameters):
    """`records-proved` has no parameters."""


def _judge(inventory: Inventory, _parameters: RecordsProvedParameters) -> Iterator[Answer]:
    for one in objects(inventory):
        if isinstance(one, NotChecked):
            yield one
        elif one.record:
            yield from _about(one)


def _about(one: ClusterObject) -> Iterator[Answer]:
    about = named(one)
    if isinstance(one.proof, NotKnown):
        yield NotChecked(about, one.proof.not_known)
    elif one.proof == "proved":
        yield Held(about)
    else:
        references = {field.pointer: field.reference for field in one.fields}
        for pointer in one.unproved or ("",):
            key = key_of(pointer)
            who = by_whom(last_writer(one, key)) if key is not None else ""
            origin = f" from {references[pointer]}" if references.get(pointer) else ""
            what = f"nothing proves that {shown(pointer)} came{origin}" if pointer else "its record proves nothing"
            yield found(_RULE, about, f"{what}{who}", pointer=pointer)


STANDARD: Final = Standard(
    _RULE,
    RecordsProvedParameters,
    _judge,
    "Each object that Keyhole fills has a record that proves where its values came from.",
)
