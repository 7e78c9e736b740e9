"""Whether records are proved, shown by dry runs that change no field: metadata only, and Vault is not asked.

The webhook gives a record back as it is if each entry of it is proved, and else without those that are not: rows of the
table of `manifests.planning.plan`, which tests/manifests/planning/test_plan_proof.py pins. Three kinds of answer would
look like a proof and are none, so more than the record is compared:

| answer                                             | what it shows                                               |
|----------------------------------------------------|-------------------------------------------------------------|
| the mark (`keyhole.dev/refresh`) is still there    | Keyhole was not asked                                       |
| a warning that the record's key is lost            | the entry stays although nothing proves it                  |
| a warning that the object is immutable             | its record stays, whatever it proves                        |

In a dry run the mark has no other effect than to be taken off.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from enforcer.collecting.cluster.object_facts import with_annotations
from enforcer.collecting.cluster.pace import CALL_SECONDS, GivenUp, Pace
from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterObject
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.objects import ObjectName
from kube.objects_of import Resource, resource_of
from kube.secrets import Changed
from kube.tenant_clients import TenantApi
from manifests import annotations
from manifests.fields.scan import Form
from manifests.kinds.codec import Codec
from manifests.planning.forgotten import KEY_LOST
from manifests.planning.immutable import not_refreshed, stays
from manifests.provenance import record
from manifests.provenance.record import Record

MANAGER: Final = "keyhole-enforcer"
_MARK: Final = {annotations.REFRESH: "is the record proved?"}
_MOST_ATTEMPTS: Final = 3
# The webhook gives no more than these; the API server shortens them when they are longer together than 4,096.
_MOST_WARNINGS: Final = 20
_MOST_CHARACTERS: Final = 3500


@dataclass(frozen=True, slots=True)
class Tried:
    """An object that is to be tried, in the version of its API in which its fields were filled."""

    codec: Codec
    facts: ClusterObject
    version: str
    record_text: str

    @property
    def name(self) -> ObjectName:
        """Its namespace and name."""
        return ObjectName(self.facts.namespace, self.facts.name)

    @property
    def resource(self) -> Resource:
        """Where it is changed."""
        return resource_of(self.codec, self.version)


def tried(codec: Codec, facts: ClusterObject, notes: Mapping[str, str]) -> Tried:
    """Return how an object with a record is tried. `notes` are its annotations."""
    text = notes.get(annotations.RECORD, "")
    return Tried(codec, facts, record.parse(text).version if codec.is_versioned else "", text)


def proved(tenant: TenantApi, pace: Pace, one: Tried) -> ClusterObject | None:
    """Return the facts of an object with what a dry run showed; None if it is gone by now. Raises `Stopped` only."""
    for _ in range(_MOST_ATTEMPTS):
        try:
            found = _attempt(tenant, pace, one)
        except KubernetesError as error:
            if error.status == HTTPStatus.NOT_FOUND and not one.version:
                return None
            return _not_known(one.facts, _reason(error, one))
        except KubernetesUnavailable as error:
            return _not_known(one.facts, f"{error} for a dry run")
        except GivenUp as given_up:
            return _not_known(one.facts, f"it was not tried: {given_up.reason}")
        if not isinstance(found, Tried):
            return found
        one = found
    return _not_known(one.facts, "it changed again and again while it was looked at")


def _attempt(tenant: TenantApi, pace: Pace, one: Tried) -> ClusterObject | Tried:
    """Return the facts; or, if somebody changed the object meanwhile, what is to be tried now."""
    objects = tenant.of(one.resource)
    answer = pace.ask(lambda: objects.change(one.name, _MARK, CALL_SECONDS, dry_run=True, manager=MANAGER))
    notes = answer.metadata.annotations
    if annotations.REFRESH in notes:
        return _not_known(one.facts, "the API server did not ask Keyhole about a dry run of it")
    if notes.get(annotations.RECORD) == one.record_text and answer.metadata.uid == one.facts.uid:
        return _with_warnings(one, answer)
    now = pace.ask(lambda: objects.read_metadata(one.name, CALL_SECONDS))
    if now.uid != one.facts.uid:
        return _not_known(one.facts, "another object took its place while it was looked at")
    live = tried(one.codec, with_annotations(one.codec, one.facts, now.annotations), now.annotations)
    if not live.facts.record:
        return live.facts
    if now.resource_version != answer.metadata.resource_version or live.version != one.version:
        return live
    returned, before = record.parse(notes.get(annotations.RECORD)), record.parse(live.record_text)
    # Somebody may have written the same with other blanks.
    return _with_warnings(live, answer) if returned == before else _changed(live, before, returned)


def _changed(live: Tried, before: Record, returned: Record) -> ClusterObject:
    gone = [pointer for pointer, entry in before.entries.items() if returned.entries.get(pointer) != entry]
    return live.facts.model_copy(
        update={"proof": "changed", "unproved": tuple(sorted({*gone, *before.malformed})) or ("",)}
    )


def _with_warnings(one: Tried, answer: Changed) -> ClusterObject:
    """Judge a record that came back as it is."""
    told = answer.warnings
    if len(told) > _MOST_WARNINGS or sum(map(len, told)) > _MOST_CHARACTERS:
        return _not_known(one.facts, "Keyhole had more to say about a dry run of it than an answer can hold")
    recorded = record.parse(one.record_text)
    unproved = tuple(sorted(_warned_of(one, recorded, told)))
    if unproved:
        return one.facts.model_copy(update={"proof": "changed", "unproved": unproved})
    if not_refreshed(one.codec.kind) in told and not all(
        entry.form is Form.ANNOTATION and pointer in one.facts.wants for pointer, entry in recorded.entries.items()
    ):
        return _not_known(one.facts, "it is immutable, so its record stays as it is in any case")
    return one.facts.model_copy(update={"proof": "proved"})


def _warned_of(one: Tried, recorded: Record, told: Sequence[str]) -> Iterator[str]:
    reasons = (KEY_LOST, stays(one.codec.kind))
    for pointer in recorded.entries:
        key = one.codec.key(pointer)
        if key is not None and any(f"{one.codec.described(key)}: {reason}" in told for reason in reasons):
            yield pointer


def _reason(error: KubernetesError, one: Tried) -> str:
    if error.by_admission:
        return "admission refuses the object as it is"
    if error.status == HTTPStatus.FORBIDDEN:
        account = "keyhole-reconciler"
        return f"{account} may not patch {one.codec.resource} here: apply the bundle of `keyhole tenant` again"
    if error.status == HTTPStatus.NOT_FOUND:
        return f"the API server has no version {one.version} of it any more, in which its fields were filled"
    return f"{error} in a dry run"


def _not_known(facts: ClusterObject, reason: str) -> ClusterObject:
    return facts.model_copy(update={"proof": NotKnown(not_known=reason)})
