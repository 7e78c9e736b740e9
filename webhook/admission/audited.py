"""Admissions of objects with references, each with its line in the audit trail."""

import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Protocol

from audit.errors import AuditUnavailable
from audit.record import AuditRecord, Login, Requester
from resolver.deadline import Deadline
from resolver.identity import identity_name
from resolver.references.grammar import Reference
from runtime.bugs import described
from webhook.admission.admit import Admission
from webhook.admission.audit_view import field_records, problem_record
from webhook.admission.execute import Trace
from webhook.http.admission_review import AdmissionRequest, Answer

log = logging.getLogger("keyhole.audit")

_RETRY_AFTER_SECONDS = 5

Logins = Callable[[Iterable[Reference], str], Iterable[tuple[str, str]]]
"""Connection and role of each login that references need in a namespace: `Resolver.logins`."""


class Trail(Protocol):
    """Where lines go: `audit.start.StartingTrail`."""

    def write(self, record: AuditRecord, deadline: Deadline) -> None:
        """Write what is told of one admission; raises `AuditUnavailable`."""
        ...


class AuditedAdmission:
    """Answers as `Admission` does; what cannot be written down does not happen."""

    def __init__(self, admission: Admission, trail: Trail, logins: Logins) -> None:
        self._admission = admission
        self._trail = trail
        self._logins = logins

    def answer(self, request: AdmissionRequest, deadline: Deadline) -> Answer:
        """Return the answer to a request, within the deadline. Never raises: without its line, the answer is a 503."""
        came, started = datetime.now(UTC), time.monotonic()
        trace = Trace()
        answer = self._admission.decide(request, deadline, trace)
        plan = trace.plan
        if answer.allowed and not plan.fields and not plan.removed:
            return answer
        milliseconds = (time.monotonic() - started) * 1000
        # Outside of the admission's own limit: one that fired between line and answer would make the line a lie.
        try:
            self._trail.write(self._record(request, trace, answer, came, milliseconds), deadline)
        except AuditUnavailable:
            return _unwritten(request)
        except Exception as error:  # noqa: BLE001 - whatever it was, nobody could account for the answer
            log.error("bug in the audit trail, admission %r: %s", request.uid, described(error))  # noqa: TRY400
            return _unwritten(request)
        return answer

    def _record(
        self, request: AdmissionRequest, trace: Trace, answer: Answer, came: datetime, milliseconds: float
    ) -> AuditRecord:
        who = request.requester
        return AuditRecord(
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
            identity=identity_name(request.namespace) if trace.outcomes else "",
            logins=[Login(*login) for login in self._logins(trace.outcomes, request.namespace)],
            fields=list(field_records(trace, answer)),
            problems=[problem_record(problem) for problem in trace.plan.problems],
        )


def _unwritten(request: AdmissionRequest) -> Answer:
    """Return a refusal in place of an answer whose line could not be written; a retry may work."""
    cause = AuditUnavailable.cause
    message = f"{cause}: {request.described}: {AuditUnavailable.message}"
    return Answer(False, cause.status, message, cause, retry_after_seconds=_RETRY_AFTER_SECONDS)
