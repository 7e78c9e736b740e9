"""What happens to each field that a reference fills: kept, resolved, a placeholder; or the object is refused.

The decision is made from the request alone. Nothing here asks a server, and the same request gives the same plan.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from manifests.fields import Form, Scan, Want, reads_as_reference
from manifests.placeholder import is_placeholder, needs_form, placeholder
from manifests.problem import MALFORMED, Problem
from resolver.errors import ResolverError
from resolver.grammar import Reference, Template
from resolver.value import SecretValue


class Action(Enum):
    """What happens to a field."""

    KEEP = "keep"
    RESOLVE = "resolve"
    PLACEHOLDER = "placeholder"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Step:
    """One field and what happens to it. `old` is the live value (KEEP only), `own` the manifest's; both in base64."""

    want: Want
    action: Action
    old: str | None = None
    own: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an admission does to an object; with a problem, it is refused instead."""

    steps: Sequence[Step] = ()
    problems: Sequence[Problem] = ()
    warnings: Sequence[str] = ()

    @property
    def needs_new_value(self) -> bool:
        """Whether any field is to hold a value that the live object does not hold, or to show that it would."""
        return any(step.action is not Action.KEEP for step in self.steps)

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references that have to be resolved, each once."""
        needed = (step.want.filling.references for step in self.steps if step.action is Action.RESOLVE)
        return tuple(dict.fromkeys(reference for references in needed for reference in references))


def plan_secret(scan: Scan, new: Mapping[str, Any], old: Mapping[str, Any] | None, *, dry_run: bool) -> Plan:
    """Decide for each field of a Secret. `old` is the live object, None when it is being created."""
    if old is not None and (old.get("metadata") or {}).get("deletionTimestamp"):
        # Finalizers must come off an object that is being deleted, whatever else stands in it. The live object says
        # so: in the new one, anybody may write it.
        return Plan()
    steps = [_step(want, old, dry_run=dry_run) for want in scan.wants]
    if old is not None:
        return Plan(steps, scan.problems, scan.warnings)
    data = new.get("data") or {}
    steps = [replace(step, own=_own_value(step.want, data)) for step in steps]
    two = [Problem(step.want.origin, TwoValues(step.want.key).message) for step in steps if step.own and dry_run]
    return Plan(steps, [*scan.problems, *two], scan.warnings)


def _own_value(want: Want, data: Mapping[str, str | None]) -> str | None:
    """Return the value that stands beside an annotation for the same key, if one does; a dry run's marker is none."""
    value = data.get(want.key)
    if want.form is not Form.ANNOTATION or not value or _is_marker(want.key, value):
        return None
    return value


def _is_marker(key: str, encoded: str) -> bool:
    try:
        return is_placeholder(key, base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        return False


def _step(want: Want, old: Mapping[str, Any] | None, *, dry_run: bool) -> Step:
    if old is not None and old.get("immutable") is True:
        live = (old.get("data") or {}).get(want.key)
        if live is not None:
            return Step(want, Action.KEEP, live)
    if not dry_run:
        return Step(want, Action.RESOLVE)
    if want.form is Form.ANNOTATION or (needs_form(want.key) and _is_bare(want)):
        return Step(want, Action.PLACEHOLDER)
    # In place, the reference's own text is the placeholder.
    return Step(want, Action.LEAVE)


def _is_bare(want: Want) -> bool:
    return isinstance(want.filling, Template) and want.filling.is_whole


def fill(step: Step, values: Mapping[Reference, SecretValue]) -> SecretValue | None:
    """Return what the field shall hold; None when it stays as it is. Raises `ResolverError`."""
    match step.action:
        case Action.LEAVE:
            return None
        case Action.PLACEHOLDER:
            return SecretValue(placeholder(step.want.key))
        case Action.KEEP:
            return SecretValue(base64.b64decode(step.old or ""))
        case Action.RESOLVE:
            value = step.want.filling.render(values)
            if step.own is not None and base64.b64encode(value.reveal()).decode() != step.own:
                raise TwoValues(step.want.key)
            if step.want.form is Form.IN_PLACE and reads_as_reference(step.want.key, value):
                raise LooksLikeReference
            return value


class TwoValues(ResolverError):
    """An object is created with an annotation and another value for the same key: one of the two would be a lie.

    The same value may stand there: another webhook's change has the API server ask again, with what was filled in.
    """

    cause = MALFORMED

    def __init__(self, key: str) -> None:
        super().__init__(f"data.{key} has a value of its own beside the reference; remove one of the two")


class LooksLikeReference(ResolverError):
    """A value from Vault reads as a reference: in place, the next admission would take it for one."""

    cause = "ValueLooksLikeReference"

    def __init__(self) -> None:
        super().__init__(
            "the value from Vault itself reads as a reference, and in place it would be resolved again at the next "
            "change; write the reference in an annotation (data.keyhole.dev/KEY or keyhole.dev/fields) instead"
        )
