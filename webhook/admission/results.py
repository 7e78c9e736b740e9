"""What becomes of each field once Vault was asked: filled, kept, or a problem."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from manifests.fields.problem import Problem
from manifests.planning.plan import Plan
from manifests.planning.planned_field import (
    MAX_SECRET_BYTES,
    Action,
    Filled,
    PlannedField,
    fill,
    keep_value,
    preview,
    size_bytes,
)
from manifests.provenance.mac import Provenance
from resolver.causes import Cause
from resolver.errors import ResolverError
from resolver.references.grammar import Reference
from resolver.resolve import Outcome, Resolved
from webhook.admission.freshness import Freshness
from webhook.admission.refusal import field_problem
from webhook.admission.tally import Fate, Tally

SHOWN: Final = frozenset({Action.PLACEHOLDER, Action.LEAVE})
"""What happens to a field in a dry run alone."""


@dataclass(frozen=True, slots=True)
class FieldEnd:
    """What became of a field: its fate, None if it could not be filled, and the cause of what went wrong."""

    fate: Fate | None
    cause: Cause | None = None


@dataclass(slots=True)
class Results:
    """What became of each field, step by step. `ends` is by key of `data`.

    `doubt` is why none could be verified. `left_bytes` is what the object has room for beside what it holds already: a
    value that is live has its own size besides, so that it can stay whatever becomes of the others.
    """

    freshness: Freshness
    provenance: Provenance | None
    outcomes: Mapping[Reference, Outcome]
    dry_run: bool
    doubt: Problem | None = None
    left_bytes: int = MAX_SECRET_BYTES
    filled: list[Filled] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    has_new_values: bool = False
    ends: dict[str, FieldEnd] = field(default_factory=dict)

    @property
    def tally(self) -> Tally:
        """What the metrics count of the fields of an object that is allowed."""
        ends = self.ends.values()
        return Tally([end.fate for end in ends if end.fate], [end.cause for end in ends if end.cause])

    def add(self, planned: PlannedField, *, is_asked: bool) -> None:
        """Fill a field, keep what it has, or say why it cannot be filled."""
        if planned.action in SHOWN:
            self.filled.append(preview(planned))
            self._end(planned, Fate.PLACEHOLDER if planned.action is Action.PLACEHOLDER else Fate.LEFT)
        elif not is_asked:
            self._keep(planned, is_confirmed=not self.dry_run)
            self._end(planned, Fate.KEPT)
        elif self.doubt is not None:
            self._keep(planned)
            self._warn(planned, self.doubt)
        else:
            self._ask(planned)

    def _keep(self, planned: PlannedField, *, is_confirmed: bool = False) -> None:
        result = keep_value(planned, self.provenance, is_confirmed=is_confirmed)
        if planned.entry is not None and result.entry is not None and result.entry is not planned.entry:
            self.freshness.carry_over(planned.entry.mac, result.entry.mac)
        self.filled.append(result)

    def _ask(self, planned: PlannedField) -> None:
        failures = [
            outcome
            for reference in dict.fromkeys(planned.wanted.template.references)
            if isinstance(outcome := self.outcomes.get(reference), ResolverError)
        ]
        result: Filled | None = None
        try:
            result = None if failures else self._resolved(planned)
        except ResolverError as error:
            failures = [error]
        if result is not None:
            self.filled.append(result)
            self.has_new_values |= planned.action is Action.RESOLVE or planned.entry is None
            self._end(planned, Fate.RESOLVED if planned.action is Action.RESOLVE else Fate.CONFIRMED)
        elif planned.action is Action.VERIFY:
            self._keep(planned)
            self._warn(planned, field_problem(planned.wanted, failures[0]))
        else:
            self.problems += [field_problem(planned.wanted, failure) for failure in failures]
            self._end(planned, None, failures[0].cause)

    def _resolved(self, planned: PlannedField) -> Filled:
        found = {reference: self.outcomes[reference] for reference in planned.wanted.template.references}
        values = {reference: outcome.value for reference, outcome in found.items() if isinstance(outcome, Resolved)}
        versions = {reference: outcome.version for reference, outcome in found.items() if isinstance(outcome, Resolved)}
        room_bytes = self.left_bytes + size_bytes(planned.proved)
        result = fill(planned, values, versions, self.provenance, room_bytes)
        if result.value is not None:
            self.left_bytes = room_bytes - len(result.value.reveal())
        if result.entry is not None:
            self.freshness.confirm(result.entry.mac)
        return result

    def _warn(self, planned: PlannedField, problem: Problem) -> None:
        self._end(planned, Fate.UNVERIFIED, problem.cause)
        stays = "keeps its value, unverified" if planned.entry is not None else "stays an unresolved reference"
        self.warnings.append(f"data.{planned.wanted.key} {stays}: {problem.cause}: {problem.message}")

    def _end(self, planned: PlannedField, fate: Fate | None, cause: Cause | None = None) -> None:
        self.ends[planned.wanted.key] = FieldEnd(fate, cause)


def left_bytes(plan: Plan, manifest: Mapping[str, Any]) -> int:
    """Return how much the values of a plan may add to a Secret, beside its own data and the live values that may stay.

    Below 0 for an object whose own data is too large already.
    """
    fields = {planned.wanted.key: planned for planned in plan.fields}
    data: Mapping[str, str | None] = manifest.get("data") or {}
    own = sum(size_bytes(value) for key, value in data.items() if key not in fields and key not in plan.removed)
    return MAX_SECRET_BYTES - own - sum(size_bytes(planned.proved) for planned in fields.values())
