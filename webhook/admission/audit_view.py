"""From what an admission planned and found to what the audit trail tells of each field."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from audit.record import Done, FieldRecord, ProblemRecord, ReferenceRecord
from manifests.fields.problem import Problem
from manifests.fields.scan import Form, data_pointer
from manifests.planning.planned_field import PlannedField
from resolver.causes import Cause
from resolver.errors import ResolverError
from resolver.references.grammar import Reference
from resolver.resolve import Outcome, Resolved
from webhook.admission.execute import Trace
from webhook.admission.tally import Fate
from webhook.http.admission_review import Answer

_DONE: Final[Mapping[Fate, Done]] = MappingProxyType(
    {
        Fate.RESOLVED: Done.RESOLVED,
        Fate.CONFIRMED: Done.RESOLVED,
        Fate.KEPT: Done.KEPT,
        Fate.UNVERIFIED: Done.KEPT,
        Fate.PLACEHOLDER: Done.PLACEHOLDER,
        Fate.LEFT: Done.LEFT,
        Fate.REMOVED: Done.REMOVED,
    }
)
_THE_OBJECT: Final = "the object"


def field_records(trace: Trace, answer: Answer) -> Iterator[FieldRecord]:
    """Yield what became of each field of the plan, given the final answer.

    When the object was refused, no field was filled. The fields at fault are `refused` with their own cause, and the
    others are `nothing`. If no field was at fault, the object itself was, and all are `refused` with its cause.
    """
    at_fault = dict(_at_fault(trace))
    for planned in trace.plan.fields:
        key = planned.wanted.key
        if answer.allowed:
            end = trace.ends[key]
            done, cause = _DONE[end.fate] if end.fate else Done.REFUSED, end.cause
        elif key in at_fault:
            done, cause = Done.REFUSED, at_fault[key]
        else:
            done, cause = (Done.NOTHING, None) if _is_of_one_field(trace, at_fault) else (Done.REFUSED, answer.cause)
        yield _field_record(planned, trace.outcomes, done, cause)
    for key in trace.plan.removed:
        # Only a value that an annotation filled is removed, together with the annotation.
        yield FieldRecord(data_pointer(key), Form.ANNOTATION, Done.REMOVED if answer.allowed else Done.NOTHING)


def _at_fault(trace: Trace) -> Iterator[tuple[str, Cause]]:
    """Yield the key and the cause of each field because of which an object was refused."""
    causes = {problem.origin: problem.cause for problem in trace.plan.problems}
    for planned in trace.plan.fields:
        end = trace.ends.get(planned.wanted.key)
        cause = causes.get(planned.wanted.origin) or (end.cause if end is not None and end.fate is None else None)
        if cause:
            yield planned.wanted.key, cause


def _is_of_one_field(trace: Trace, at_fault: Mapping[str, Cause]) -> bool:
    return bool(at_fault) or any(problem.origin != _THE_OBJECT for problem in trace.plan.problems)


def _field_record(
    planned: PlannedField, outcomes: Mapping[Reference, Outcome], done: Done, cause: Cause | None
) -> FieldRecord:
    references = [
        _reference_record(each, outcomes.get(each)) for each in dict.fromkeys(planned.wanted.template.references)
    ]
    return FieldRecord(planned.wanted.pointer, planned.wanted.form, done, references, cause or "")


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
