"""Admissions, counted and logged: how long they took, how they ended, and what became of each field."""

import logging
import time
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from audit.errors import AuditUnavailable
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.variables.templates import BY_GROUP_AND_KIND as WORKLOADS
from metrics.catalogue import ADMISSIONS, AUDIT_FAILURES, FIELDS, PROBLEMS, REFUSALS, VERIFICATION_FAILURES
from metrics.meters import Meters
from resolver.deadline import Deadline
from runtime.log_context import log_context
from webhook.model import AdmissionRequest, Admits, Answer, Fate

log = logging.getLogger("keyhole.admission")

OTHER: Final = "other"
_OPERATIONS: Final = frozenset({"CREATE", "UPDATE"})
_OUTCOMES: Final[Mapping[HTTPStatus, str]] = MappingProxyType(
    {
        HTTPStatus.BAD_REQUEST: "malformed",
        HTTPStatus.FORBIDDEN: "denied",
        HTTPStatus.TOO_MANY_REQUESTS: "overloaded",
        HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
    }
)
_MOST_CHARACTERS_TOLD: Final = 1000


class MeteredAdmission:
    """Wraps an admission with metrics and the log. It is the outermost one, so it sees every answer.

    Only `kinds` and workloads are counted by name.

    A refusal, and an admission that is allowed with warnings, is a line at info. All others are lines at debug, and so
    are refusals for overload, of which there may be hundreds a second.
    """

    def __init__(self, admission: Admits, meters: Meters, kinds: Kinds = ONLY_SECRETS) -> None:
        self._admission = admission
        self._meters = meters
        self._codecs = kinds.by_group_and_kind

    def answer(self, request: AdmissionRequest, deadline: Deadline) -> Answer:
        """Return the answer to a request, within the deadline. Never raises."""
        started = time.monotonic()
        with log_context(request.log_facts):
            answer = self._admission.answer(request, deadline)
            self._tell(answer, time.monotonic() - started)
        self._count(request, answer, time.monotonic() - started)
        return answer

    def _count(self, request: AdmissionRequest, answer: Answer, seconds: float) -> None:
        meters = self._meters
        # The API server may have a great many kinds, and each would be a series of its own.
        of = (request.group, request.kind)
        kind = request.kind if of in self._codecs or of in WORKLOADS else OTHER
        operation = request.operation if request.operation in _OPERATIONS else OTHER
        meters.observe(ADMISSIONS, seconds, kind, operation, outcome_of(answer), str(request.dry_run).lower())
        if answer.cause is not None:
            meters.add(REFUSALS, answer.cause)
            if answer.cause is AuditUnavailable.cause:
                meters.add(AUDIT_FAILURES)
        for problem in answer.problems:
            meters.add(PROBLEMS, problem.cause)
        for outcome in answer.outcomes if answer.allowed else ():
            meters.add(FIELDS, outcome.fate.value)
            if outcome.fate is Fate.UNVERIFIED and outcome.cause is not None:
                meters.add(VERIFICATION_FAILURES, outcome.cause)

    def _tell(self, answer: Answer, seconds: float) -> None:
        is_news = answer.status != HTTPStatus.TOO_MANY_REQUESTS and (not answer.allowed or bool(answer.warnings))
        level = logging.INFO if is_news else logging.DEBUG
        if not log.isEnabledFor(level):
            return
        outcome = outcome_of(answer)
        text = answer.message if not answer.allowed else "; ".join(answer.warnings)
        facts = {"outcome": outcome, "milliseconds": round(seconds * 1000, 1)}
        if answer.cause:
            facts["cause"] = answer.cause
        log.log(level, "%s%s", outcome, f": {text[:_MOST_CHARACTERS_TOLD]}" if text else "", extra=facts)


def outcome_of(answer: Answer) -> str:
    """Return the class of an answer, as it stands in a label."""
    return "allowed" if answer.allowed else _OUTCOMES.get(answer.status, "error")
