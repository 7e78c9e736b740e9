"""The outcome of each field: what the resolver found turns a planned field into a value, or into a problem."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from manifests.fields.problem import Problem
from manifests.fields.scan import Form
from manifests.planning.plan import Plan
from manifests.planning.planned_field import (
    Action,
    Filled,
    PlannedField,
    fill,
    keep_value,
    preview,
)
from manifests.provenance.mac import Provenance
from resolver.errors import ResolverError, TemporaryError
from resolver.references.grammar import Reference
from resolver.resolve import Outcome, Resolved
from webhook.model import Fate, FieldOutcome

SHOWN: Final = frozenset({Action.PLACEHOLDER, Action.LEAVE})
"""What is done to a field in dry runs only."""
THE_OBJECT: Final = "the object"
"""The origin of problems that are no single field's."""


@dataclass(slots=True)
class FieldFiller:
    """Gives each field of one object its outcome, in the order in which `outcome` is called.

    `found` has what Vault said about each reference that it was asked about. `unverified` is why no value could be
    verified, if that failed as a whole. `left_bytes` is how much the values may still add to the object. A live value
    may use its own size on top of that, so it can always stay, whatever becomes of the others.
    """

    provenance: Provenance | None
    found: Mapping[Reference, Outcome]
    dry_run: bool
    unverified: Problem | None = None
    left_bytes: int = 0

    def outcome(self, field: PlannedField, *, is_asked: bool) -> FieldOutcome:
        """Fill the field, keep what it has, or say why it cannot be filled."""
        if field.action in SHOWN:
            fate = Fate.PLACEHOLDER if field.action is Action.PLACEHOLDER else Fate.LEFT
            return self._outcome(field, fate, preview(field))
        if not is_asked:
            return self._outcome(field, Fate.KEPT, keep_value(field, self.provenance, is_confirmed=not self.dry_run))
        if self.unverified is not None:
            return self._kept_unverified(field, self.unverified)
        return self._filled(field)

    def _filled(self, field: PlannedField) -> FieldOutcome:
        failures = [
            outcome
            for reference in dict.fromkeys(field.wanted.template.references)
            if isinstance(outcome := self.found.get(reference), ResolverError)
        ]
        if not failures:
            try:
                fate = Fate.RESOLVED if field.action is Action.RESOLVE else Fate.CONFIRMED
                return self._outcome(field, fate, self._resolved(field))
            except ResolverError as error:
                failures = [error]
        problems = [problem_of(field.wanted.origin, failure) for failure in failures]
        if field.action is Action.VERIFY:
            return self._kept_unverified(field, problems[0])
        return self._outcome(field, Fate.REFUSED, problems=problems)

    def _resolved(self, field: PlannedField) -> Filled:
        found = {reference: self.found[reference] for reference in field.wanted.template.references}
        values = {reference: outcome.value for reference, outcome in found.items() if isinstance(outcome, Resolved)}
        versions = {reference: outcome.version for reference, outcome in found.items() if isinstance(outcome, Resolved)}
        most_bytes = self.left_bytes + field.wanted.codec.size_bytes(field.proved)
        result = fill(field, values, versions, self.provenance, most_bytes)
        if result.value is not None:
            self.left_bytes = most_bytes - len(result.value.reveal())
        return result

    def _kept_unverified(self, field: PlannedField, problem: Problem) -> FieldOutcome:
        result = keep_value(field, self.provenance, is_confirmed=False)
        return self._outcome(field, Fate.UNVERIFIED, result, problems=(problem,))

    def _outcome(
        self, field: PlannedField, fate: Fate, filled: Filled | None = None, *, problems: Sequence[Problem] = ()
    ) -> FieldOutcome:
        references = {each: self.found.get(each) for each in field.wanted.template.references}
        value, entry = (filled.value, filled.entry) if filled else (None, None)
        return FieldOutcome(field.wanted.pointer, fate, field, value, entry, problems, references)


def left_bytes(plan: Plan, manifest: Mapping[str, Any]) -> int:
    """Return how much the values of a plan may add to an object, besides its own values and live ones that may stay.

    The result is negative if the object's own values are too large already.
    """
    fields = {field.wanted.key: field for field in plan.fields}
    codec = plan.codec
    others = codec.other_bytes(manifest, {*fields, *plan.removed})
    return codec.max_bytes - others - sum(codec.size_bytes(field.proved) for field in fields.values())


def untouched(plan: Plan, found: Mapping[Reference, Outcome]) -> list[FieldOutcome]:
    """Return the outcomes of a plan that was not carried out to its end. `found` is what Vault had said by then."""
    fields = []
    for each in plan.fields:
        references = {reference: found.get(reference) for reference in each.wanted.template.references}
        fields.append(FieldOutcome(each.wanted.pointer, Fate.NOTHING, each, references=references))
    paths = {path.reference("") for path in plan.whole.paths} if plan.whole is not None else set()
    asked = {reference: found[reference] for reference in paths & found.keys()}
    of_paths = [of_whole_secrets(plan, Fate.NOTHING, asked)] if asked else []
    return [*fields, *of_paths, *(replace(each, fate=Fate.NOTHING) for each in removed(plan))]


def removed(plan: Plan) -> Iterator[FieldOutcome]:
    """Yield the outcomes of the fields whose values go."""
    for key in plan.removed:
        entry = plan.record.entries.get(plan.codec.pointer(key))
        form = entry.form if entry is not None else Form.FROM
        yield FieldOutcome(plan.codec.pointer(key), Fate.REMOVED, form=form)


def of_whole_secrets(
    plan: Plan, fate: Fate, asked: Mapping[Reference, Outcome | None], problems: Sequence[Problem] = ()
) -> FieldOutcome:
    """Return the outcome of whole secrets as such: which fields they have is not known, or does not matter."""
    return FieldOutcome(plan.codec.pointer("").rstrip("/"), fate, problems=problems, references=asked, form=Form.FROM)


def of_refused(
    outcomes: Sequence[FieldOutcome], unreadable: Sequence[Problem], decisive: Problem
) -> list[FieldOutcome]:
    """Return the outcomes of an object that is refused in the end: none of its fields is filled.

    The fields at fault are refused, each with its own problems, and nothing becomes of the others. If no field is at
    fault, the object as a whole is, and all of its fields are refused with the decisive problem.
    """
    by_origin = {problem.origin: problem for problem in unreadable}
    at_fault: dict[str, Sequence[Problem]] = {}
    for outcome in outcomes:
        problem = by_origin.get(outcome.field.wanted.origin) if outcome.field else None
        if problem is not None:
            at_fault[outcome.pointer] = (problem,)
        elif outcome.fate is Fate.REFUSED:
            at_fault[outcome.pointer] = outcome.problems
    if at_fault or any(problem.origin != THE_OBJECT for problem in unreadable):
        return [_of_refused(each, at_fault.get(each.pointer, ())) for each in outcomes]
    return [_of_refused(each, (decisive,) if each.field else ()) for each in outcomes]


def _of_refused(outcome: FieldOutcome, problems: Sequence[Problem]) -> FieldOutcome:
    fate = Fate.REFUSED if problems else Fate.NOTHING
    return replace(outcome, fate=fate, value=None, entry=None, problems=problems)


def filled(outcomes: Sequence[FieldOutcome]) -> list[Filled]:
    """Return what the fields hold from now on, but for those that could not be filled."""
    return [
        Filled(each.field, each.value, each.entry)
        for each in outcomes
        if each.field is not None and each.fate is not Fate.REFUSED and each.fate is not Fate.NOTHING
    ]


def has_new_values(outcomes: Sequence[FieldOutcome]) -> bool:
    """Return whether Vault gave a value that the object did not have before with a record."""
    return any(
        each.fate is Fate.RESOLVED or (each.fate is Fate.CONFIRMED and each.field and each.field.entry is None)
        for each in outcomes
    )


def warnings_of(outcomes: Sequence[FieldOutcome]) -> Iterator[str]:
    """Yield a warning for each field whose value stays although it could not be verified.

    The fields of whole secrets may be many, and have the same trouble: they get one warning for each.
    """
    of_whole_secrets = dict[str, None]()
    for each in outcomes:
        if each.fate is Fate.UNVERIFIED and each.field is not None:
            if each.field.wanted.form is Form.FROM:
                told = f"{each.field.wanted.origin}: each field keeps its value, unverified"
                of_whole_secrets[f"{told}: {each.cause}: {each.problems[0].message}"] = None
                continue
            stays = "keeps its value, unverified" if each.field.entry is not None else "stays an unresolved reference"
            yield f"{each.field.wanted.described} {stays}: {each.cause}: {each.problems[0].message}"
    yield from of_whole_secrets


def problem_of(origin: str, error: ResolverError) -> Problem:
    """Return an error as the problem of what is written at `origin`."""
    if not isinstance(error, TemporaryError):
        return Problem(origin, error.message, error.cause)
    wait = error.retry_after_seconds
    return Problem(origin, error.message, error.cause, temporary=True, retry_after_seconds=wait)
