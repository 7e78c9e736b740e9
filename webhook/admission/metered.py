"""Admissions, counted and logged: how long they took, how they ended, and what became of each field."""

import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType
from typing import Final, Self

from audit.errors import AuditUnavailable
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.variables.templates import BY_GROUP_AND_KIND as WORKLOADS
from metrics.admission_catalogue import ADMISSIONS, APPLIERS, FIELDS, PROBLEMS, REFUSALS, VERIFICATION_FAILURES
from metrics.catalogue import AUDIT_FAILURES
from metrics.meters import Meters
from resolver.deadline import Deadline
from resolver.identity import RECONCILER
from runtime.log_context import log_context
from webhook.model import AdmissionRequest, Admits, Answer, Fate, Requester

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
# Kubernetes, *Authenticating*: the user names of ServiceAccounts, and the one of the controllers that share one.
_SERVICE_ACCOUNT: Final = "system:serviceaccount:"
_CONTROLLER_MANAGER: Final = "system:kube-controller-manager"


class Applier(StrEnum):
    """Who changed what an object holds, as `keyhole_admission_appliers_total` has it."""

    LISTED = "listed"
    KEYHOLE = "keyhole"
    SERVICE_ACCOUNT = "serviceaccount"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Appliers:
    """The accounts that are to apply objects, such as those of the GitOps controllers. Made by `of`."""

    users: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    groups: frozenset[str] = frozenset()

    @classmethod
    def of(cls, users: Iterable[str], groups: Iterable[str]) -> Self:
        """Return the accounts with these user names and groups. A `*` at a user name's end stands for anything."""
        users = list(users)
        prefixes = tuple(user.removesuffix("*") for user in users if user.endswith("*"))
        return cls(frozenset(user for user in users if not user.endswith("*")), prefixes, frozenset(groups))

    def applier(self, requester: Requester, namespace: str) -> Applier:
        """Return the word for the requester of an admission in a namespace."""
        name = requester.username
        if name in self.users or name.startswith(self.prefixes) or not self.groups.isdisjoint(requester.groups):
            return Applier.LISTED
        if name == f"{_SERVICE_ACCOUNT}{namespace}:{RECONCILER}":
            return Applier.KEYHOLE
        is_machine = name.startswith(_SERVICE_ACCOUNT) or name == _CONTROLLER_MANAGER
        return Applier.SERVICE_ACCOUNT if is_machine else Applier.USER


class MeteredAdmission:
    """Wraps an admission with metrics and the log. It is the outermost one, so it sees every answer.

    Only `kinds` and workloads are counted by name. Whoever is not of the `appliers` is counted by what they are.

    A refusal, and an admission that is allowed with warnings, is a line at info. All others are lines at debug, and so
    are refusals for overload, of which there may be hundreds a second.
    """

    def __init__(
        self, admission: Admits, meters: Meters, kinds: Kinds = ONLY_SECRETS, appliers: Appliers = Appliers()
    ) -> None:
        self._admission = admission
        self._meters = meters
        self._codecs = kinds.by_group_and_kind
        self._appliers = appliers

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
        if not request.dry_run and answer.is_change:
            meters.add(APPLIERS, self._appliers.applier(request.requester, request.namespace))

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
