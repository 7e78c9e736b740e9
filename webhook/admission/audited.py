"""Writes an entry in the audit trail for each admission of an object with references. It is a view of the outcomes."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, Protocol

from audit.entry import AuditEntry, Done, FieldEntry, Login, OriginEntry, ProblemEntry, ReferenceEntry, Requester
from audit.errors import AuditUnavailable
from manifests.fields.problem import Problem
from manifests.following.followed import recorded_field
from manifests.origin import origin
from manifests.planning.plan import Plan
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.identity import identity_name
from resolver.opening import Opened
from resolver.references.grammar import Reference
from resolver.resolve import Outcome, Resolved
from runtime.bugs import described
from webhook.model import AdmissionRequest, Admits, Answer, Fate, FieldOutcome

log = logging.getLogger("keyhole.audit")

_RETRY_AFTER_SECONDS = 5
# The trail says what a field holds. How sure Keyhole is of it follows from the cause.
_DONE: Final[Mapping[Fate, Done]] = MappingProxyType(
    {
        Fate.RESOLVED: Done.RESOLVED,
        Fate.CONFIRMED: Done.RESOLVED,
        Fate.KEPT: Done.KEPT,
        Fate.UNVERIFIED: Done.KEPT,
        Fate.PLACEHOLDER: Done.PLACEHOLDER,
        Fate.LEFT: Done.LEFT,
        Fate.REMOVED: Done.REMOVED,
        Fate.VARIABLE: Done.VARIABLE,
        Fate.REFUSED: Done.REFUSED,
        Fate.NOTHING: Done.NOTHING,
    }
)

Logins = Callable[[Iterable[Reference], str], Iterable[tuple[str, str]]]
"""Returns connection and role of each login that the references need in a namespace, as `Resolver.logins` does."""


class Trail(Protocol):
    """Where entries are written, such as `audit.trail.StartingTrail`."""

    def write(self, entry: AuditEntry, deadline: Deadline) -> None:
        """Write the entry of one admission. Raises `AuditUnavailable`."""
        ...


class AuditedAdmission:
    """Wraps an admission with the audit trail: an answer goes out only after its entry has been written."""

    def __init__(self, admission: Admits, trail: Trail, logins: Logins) -> None:
        self._admission = admission
        self._trail = trail
        self._logins = logins

    def answer(self, request: AdmissionRequest, deadline: Deadline) -> Answer:
        """Return the answer to a request, within the deadline. Never raises: without its entry, the answer is a 503."""
        came, started = datetime.now(UTC), time.monotonic()
        answer = self._admission.answer(request, deadline)
        if answer.allowed and not answer.outcomes:
            return answer
        milliseconds = (time.monotonic() - started) * 1000
        # Outside of the admission's own time limit: one that fired between entry and answer would make the entry a lie.
        try:
            self._trail.write(self._entry(request, answer, came, milliseconds), deadline)
        except AuditUnavailable:
            return _unwritten(request)
        except Exception as error:  # noqa: BLE001 - whatever it was, nobody could account for the answer
            log.error("bug in the audit trail, admission %r: %s", request.uid, described(error))  # noqa: TRY400
            return _unwritten(request)
        return answer

    def _entry(self, request: AdmissionRequest, answer: Answer, came: datetime, milliseconds: float) -> AuditEntry:
        who = request.requester
        asked = _asked(answer.outcomes)
        return AuditEntry(
            time=came,
            uid=request.uid,
            requester=Requester(who.username, who.uid, who.groups),
            group=request.group,
            kind=request.kind,
            namespace=request.namespace,
            name=request.name,
            operation=request.operation,
            dry_run=request.dry_run,
            allowed=answer.allowed,
            status=answer.status,
            milliseconds=milliseconds,
            cause=answer.cause or "",
            identity=identity_name(request.namespace) if asked else "",
            logins=[Login(*login) for login in self._logins(asked, request.namespace)],
            fields=[field_entry(each, answer.plan) for each in answer.outcomes],
            problems=[problem_entry(problem) for problem in answer.unreadable],
            origin=_origin_entry(request),
        )


def _origin_entry(request: AdmissionRequest) -> OriginEntry | None:
    found = origin(request.manifest)
    return None if found is None else OriginEntry(found.tool, found.namespace, found.name)


def _asked(outcomes: Iterable[FieldOutcome]) -> list[Reference]:
    """Return the references that Vault was asked about, each once."""
    found = (item for each in outcomes for item in each.references.items())
    return list(dict.fromkeys(reference for reference, result in found if result is not None))


def field_entry(outcome: FieldOutcome, plan: Plan | None = None) -> FieldEntry:
    """Return the trail's view of a field's outcome. `plan` knows what the live record says about the field."""
    form = outcome.form if outcome.field is None else outcome.field.wanted.form
    references = [_reference_entry(*item) for item in outcome.references.items()]
    before = _before(outcome, plan) if plan is not None else None
    return FieldEntry(outcome.pointer, form, _DONE[outcome.fate], references, outcome.cause or "", before)


def _before(outcome: FieldOutcome, plan: Plan) -> Sequence[ReferenceEntry] | None:
    """Return what the field has had its value from; None if it is the same as from now on, or if nobody can say."""
    live = plan.record.entries.get(outcome.pointer)
    if live is None:
        return ()
    if outcome.entry is not None and live.origins == outcome.entry.origins:
        return None
    recorded = recorded_field(plan.codec, outcome.pointer, live)
    if recorded is None:
        return None
    versions = zip(recorded.references, live.versions, strict=True)
    return [ReferenceEntry(reference.shown, version) for reference, version in versions]


def problem_entry(problem: Problem) -> ProblemEntry:
    """Return where a problem lies and its cause, without the message."""
    # What follows a comma is quoted from the annotation's text.
    return ProblemEntry(problem.origin.partition(",")[0], problem.cause)


def _reference_entry(reference: Reference, outcome: Outcome | None) -> ReferenceEntry:
    text = reference.shown
    match outcome:
        case Resolved() | Opened():
            return ReferenceEntry(text, outcome.version, outcome.request_id)
        case ResolverError():
            return ReferenceEntry(text, cause=outcome.cause)
        case None:
            return ReferenceEntry(text)


def _unwritten(request: AdmissionRequest) -> Answer:
    """Return a refusal in place of an answer whose entry could not be written; a retry may work."""
    cause = AuditUnavailable.cause
    message = f"{cause}: {request.described}: {AuditUnavailable.message}"
    return Answer(False, cause.status, message, cause, retry_after_seconds=_RETRY_AFTER_SECONDS)
