"""From what an admission planned and found to what the audit trail tells of each field."""

from collections.abc import Mapping

from manifests.problem import Problem
from manifests.step import Action, Step
from resolver.errors import ResolverError
from resolver.grammar import Reference
from resolver.resolve import Outcome, Resolved
from webhook.audit_record import Done, FieldRecord, ProblemRecord, ReferenceRecord

_DONE = {
    Action.KEEP: Done.KEPT,
    Action.VERIFY: Done.RESOLVED,
    Action.RESOLVE: Done.RESOLVED,
    Action.PLACEHOLDER: Done.PLACEHOLDER,
    Action.LEAVE: Done.LEFT,
}


def field_record(step: Step, outcomes: Mapping[Reference, Outcome], cause: str = "") -> FieldRecord:
    """Return what became of a field.

    `outcomes` are those of the admission, empty when Vault was not asked. `cause` is the word for which the field was
    refused, or the object before its fields were looked at; without one, it is that of the first reference that failed.
    """
    references = [_reference_record(each, outcomes.get(each)) for each in dict.fromkeys(step.want.filling.references)]
    causes = [cause, *(reference.cause for reference in references)]
    first_cause = next(filter(None, causes), "")
    return FieldRecord(
        step.want.pointer, step.want.form, _done(step, outcomes, cause, first_cause), references, first_cause
    )


def _done(step: Step, outcomes: Mapping[Reference, Outcome], cause: str, first_cause: str) -> Done:
    if cause:
        return Done.REFUSED
    if step.action is Action.VERIFY and first_cause:
        return Done.KEPT
    if first_cause:
        return Done.REFUSED
    was_asked = any(reference in outcomes for reference in step.want.filling.references)
    if step.entry is not None and not was_asked:
        return Done.KEPT
    return _DONE[step.action]


def problem_record(problem: Problem) -> ProblemRecord:
    """Return where a problem lies, and its word."""
    # What follows a comma is quoted from the annotation's text.
    return ProblemRecord(problem.origin.partition(",")[0], problem.cause)


def _reference_record(reference: Reference, outcome: Outcome | None) -> ReferenceRecord:
    text = reference.shown
    match outcome:
        case Resolved():
            return ReferenceRecord(text, outcome.version, outcome.request_id)
        case ResolverError():
            return ReferenceRecord(text, cause=outcome.cause)
        case None:
            return ReferenceRecord(text)
