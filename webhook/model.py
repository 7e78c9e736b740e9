"""The vocabulary of an admission, independent of HTTP: the request, the answer, and the outcome of each field."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Protocol

from manifests.fields.problem import Problem
from manifests.fields.scan import Form
from manifests.planning.plan import Plan
from manifests.planning.planned_field import PlannedField
from manifests.provenance.record import Entry
from resolver.causes import Cause
from resolver.deadline import Deadline
from resolver.references.characters import named
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from resolver.resolve import Outcome


@dataclass(frozen=True, slots=True)
class Requester:
    """The user who sent the request, as the API server knows them (`userInfo`). `extra` maps keys to values."""

    username: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class AdmissionRequest:
    """What the API server asks. `manifest` and `old_manifest` are the objects as JSON; their values are never shown.

    `version` is the version of the kind in which the request was sent, and in which both objects are.
    `is_patch` says that the requester sent a PATCH. The API server answers those with the whole object.
    """

    uid: str
    group: str
    kind: str
    namespace: str
    name: str
    operation: str
    dry_run: bool
    requester: Requester
    manifest: Mapping[str, Any] = dataclasses.field(repr=False)
    old_manifest: Mapping[str, Any] | None = dataclasses.field(repr=False)
    is_patch: bool = False
    version: str = ""

    @property
    def is_shown_anyway(self) -> bool:
        """Whether the requester sees the live object anyway, because the API server answers a PATCH with it."""
        return self.is_patch and self.old_manifest is not None

    @property
    def annotations(self) -> Mapping[str, str]:
        """The annotations of the object as it was sent."""
        return (self.manifest.get("metadata") or {}).get("annotations") or {}

    def log_facts(self) -> Mapping[str, str]:
        """Return the facts that every log line about this admission carries: its uid, and which object it is about."""
        return {
            "uid": self.uid,
            "operation": self.operation,
            "kind": self.kind,
            "namespace": self.namespace,
            "object": self.name,
            "dry_run": "true" if self.dry_run else "",
        }

    @property
    def described(self) -> str:
        """The object as messages name it."""
        name = named(self.name) if self.name else "(generated name)"
        return f"{named(self.kind)} {named(self.namespace)}/{name}"


class Fate(StrEnum):
    """What became of one field."""

    RESOLVED = "resolved"
    """It got a new value from Vault."""
    CONFIRMED = "confirmed"
    """Vault was asked about the live value: it is the same, or a newer one took its place."""
    KEPT = "kept"
    """It keeps the live value. Vault was not asked."""
    UNVERIFIED = "unverified"
    """It keeps the live value, because Vault could not be asked."""
    PLACEHOLDER = "placeholder"
    """A dry run shows a placeholder."""
    LEFT = "left"
    """A dry run shows the reference itself."""
    REMOVED = "removed"
    """Its value goes, because its annotation is gone."""
    VARIABLE = "variable"
    """A variable of a workload refers to it. The Secret behind the variable is filled in an admission of its own."""
    REFUSED = "refused"
    """The object was refused because of this field, or as a whole."""
    NOTHING = "nothing"
    """The object was refused because of another field."""


@dataclass(frozen=True, slots=True)
class FieldOutcome:
    """What became of one field of an object: metrics, the audit trail and the warnings are views of these.

    `pointer` is the field's JSON Pointer. `field` is what was planned; None for a value that is removed. `value` is
    what the field holds from now on; None if it stays as it was sent. `entry` goes into the record. `problems` say why
    the object was refused, or why the value could not be verified. `references` has what Vault said about each
    reference; None if it was not asked. `form` is that of a field that is not planned (any more).
    """

    pointer: str
    fate: Fate
    field: PlannedField | None = None
    value: SecretValue | None = None
    entry: Entry | None = None
    problems: Sequence[Problem] = ()
    references: Mapping[Reference, Outcome | None] = dataclasses.field(default_factory=dict, repr=False)
    form: Form = Form.ANNOTATION

    @property
    def cause(self) -> Cause | None:
        """The cause of its first problem; None if it has none."""
        return self.problems[0].cause if self.problems else None

    def is_change(self, plan: Plan) -> bool:
        """Whether the field of an object that is allowed has its value from elsewhere, or in another version, now."""
        if self.fate is Fate.REMOVED:
            return True
        if self.entry is None or (self.fate is not Fate.RESOLVED and self.fate is not Fate.CONFIRMED):
            return False
        live = plan.record.entries.get(self.pointer)
        return live is None or live.origins != self.entry.origins


@dataclass(frozen=True, slots=True)
class Answer:
    """What Keyhole answers: allowed, with or without a patch (RFC 6902, JSON text), or refused with a status.

    The rest is not sent. `plan` is what was planned, None if it did not come to that. `outcomes` has what became of
    each field. `problems` has everything that the object was refused for, and `unreadable` those of them that kept a
    field from being planned at all.
    """

    allowed: bool
    status: HTTPStatus = HTTPStatus.OK
    message: str = ""
    cause: Cause | None = None
    patch: bytes | None = dataclasses.field(default=None, repr=False)
    warnings: Sequence[str] = ()
    retry_after_seconds: int | None = None
    plan: Plan | None = dataclasses.field(default=None, repr=False, compare=False)
    outcomes: Sequence[FieldOutcome] = dataclasses.field(default=(), repr=False, compare=False)
    problems: Sequence[Problem] = dataclasses.field(default=(), repr=False, compare=False)
    unreadable: Sequence[Problem] = dataclasses.field(default=(), repr=False, compare=False)

    @property
    def is_change(self) -> bool:
        """Whether the object, if it is allowed, has references or versions from now on that it did not have before.

        A workload counts if its variables do. Dry runs are not known here.
        """
        if not self.allowed:
            return False
        plan = self.plan
        if plan is None:
            # A workload that has its variables already gets no patch.
            return self.patch is not None
        return any(outcome.is_change(plan) for outcome in self.outcomes)


class Admits(Protocol):
    """Something that answers admission requests. Implementations wrap each other, from the metrics to the admission."""

    def answer(self, request: AdmissionRequest, deadline: Deadline) -> Answer:
        """Return the answer within the deadline. Never raises."""
        ...
