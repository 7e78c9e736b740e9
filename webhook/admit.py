"""One admission, from the request to the answer; the one place that turns an error into an answer.

| cause                                                     | answer                        |
|-----------------------------------------------------------|-------------------------------|
| no references                                             | allowed, no patch             |
| malformed reference, namespace not opted in               | 403                           |
| the requester may not get the Secret                      | 403                           |
| Vault denies; path, field or version missing; not KV      | 403, naming which             |
| Vault or the API server sealed, unreachable, slow, 429    | 503 with retryAfterSeconds    |
| a bug                                                     | 500 with the request's uid    |

Never 404 (controllers take it for "object gone"), never 422 (`kubectl apply --force` deletes the object on it).
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

from kube.access import Subject
from kube.errors import KubernetesError, KubernetesUnavailable
from manifests.fields import Want, has_annotations, scan_secret
from manifests.plan import Plan, fill, plan_secret
from manifests.problem import Problem
from resolver.deadline import Deadline
from resolver.edge_errors import DeadlineExceeded, TemporaryError
from resolver.errors import ResolverError
from resolver.grammar import Reference
from resolver.resolve import Outcome, Resolved
from resolver.transport import Limit, no_limit
from resolver.value import SecretValue
from webhook.logs import frames
from webhook.patch import secret_patch
from webhook.review import AdmissionRequest, Answer

log = logging.getLogger("keyhole.admission")

_RETRY_AFTER_SECONDS = 5
# Clients of Kubernetes wait as long as they are told, and say nothing meanwhile.
_MOST_RETRY_AFTER_SECONDS = 30
# Every call below keeps to the deadline; what does not is ended this much later.
_GRACE_SECONDS = 0.1
_MOST_PROBLEMS_TOLD = 20
_KUBERNETES_SECONDS = 5.0


class References(Protocol):
    """What turns references into values: `resolver.resolve.Resolver`."""

    def resolve(
        self, references: Iterable[Reference], namespace: str, deadline: Deadline
    ) -> Mapping[Reference, Outcome]:
        """Return each reference's value or error."""
        ...


class OptIn(Protocol):
    """What knows which namespaces opted in: `kube.namespaces.Namespaces`."""

    def is_enabled(self, namespace: str, timeout_seconds: float) -> bool:
        """Return whether the namespace opted in."""
        ...


class Rights(Protocol):
    """What knows who may read which Secret: `kube.access.SecretAccess`."""

    def may_get(self, subject: Subject, namespace: str, name: str, timeout_seconds: float) -> bool:
        """Return whether the subject may get the Secret."""
        ...


@dataclass(slots=True)
class Trace:
    """How an answer came about, as far as it did: what was planned, and what became of the references."""

    plan: Plan = field(default_factory=Plan)
    outcomes: Mapping[Reference, Outcome] = field(default_factory=dict)


class Admission:
    """Answers admission requests. Threads may share it."""

    def __init__(self, references: References, namespaces: OptIn, rights: Rights, limit: Limit = no_limit) -> None:
        self._references = references
        self._namespaces = namespaces
        self._rights = rights
        self._limit = limit

    def answer(self, request: AdmissionRequest, deadline: Deadline) -> Answer:
        """Return the answer to a request, within the deadline. Never raises."""
        return self.decide(request, deadline, Trace())

    def decide(self, request: AdmissionRequest, deadline: Deadline, trace: Trace) -> Answer:
        """Return the answer to a request, and leave in `trace` how it came about. Never raises."""
        try:
            with self._limit(deadline.remaining_seconds() + _GRACE_SECONDS):
                return self._answer(request, deadline, trace)
        except TimeoutError:
            late = DeadlineExceeded()
            problem = Problem("the object", late.message, late.cause, temporary=True)
        except KubernetesUnavailable as error:
            problem = Problem(
                f"namespace {request.namespace}", f"{error}; a retry may work", "KubernetesUnavailable", temporary=True
            )
        except KubernetesError as error:
            problem = Problem(f"namespace {request.namespace}", str(error), "KubernetesRefused")
        except TemporaryError as error:
            problem = Problem("the object", error.message, error.cause, temporary=True)
        except Exception as error:  # noqa: BLE001 - the edge: a bug is answered, and no worker dies of it
            # The traceback's text may quote values (an exception's arguments); its frames do not.
            log.error("bug in admission %s: %s at %s", request.uid, type(error).__name__, frames(error))  # noqa: TRY400
            message = f"InternalError: {request.described}: a bug in Keyhole; its log has it under {request.uid}"
            return Answer(
                allowed=False, status=HTTPStatus.INTERNAL_SERVER_ERROR, message=message, cause="InternalError"
            )
        return _refusal(request, [problem], ())

    def _answer(self, request: AdmissionRequest, deadline: Deadline, trace: Trace) -> Answer:
        if request.operation not in {"CREATE", "UPDATE"}:
            return Answer(allowed=True)
        if (request.group, request.kind) != ("", "Secret"):
            return _other_kind(request)
        scan = scan_secret(request.manifest)
        plan = plan_secret(scan, request.manifest, request.old_manifest, dry_run=request.dry_run)
        trace.plan = plan
        if not plan.steps:
            return _refusal(request, plan.problems, plan.warnings) if plan.problems else _untouched(plan)
        denial = self._denial(request, plan, deadline)
        if denial is not None:
            return _refusal(request, [*plan.problems, denial], plan.warnings)
        return self._filled(request, plan, deadline, trace)

    def _denial(self, request: AdmissionRequest, plan: Plan, deadline: Deadline) -> Problem | None:
        """Say why the namespace or the requester may not have what the object asks for; None when they may."""
        if not self._namespaces.is_enabled(request.namespace, deadline.at_most_seconds(_KUBERNETES_SECONDS)):
            message = "has references, and the namespace has not opted in by the label keyhole.dev/enabled=true"
            return Problem("the object", message, "NamespaceNotEnabled")
        if not plan.needs_new_value:
            return None
        who = request.requester
        subject = Subject(who.username, who.uid, who.groups, who.extra)
        seconds = deadline.at_most_seconds(_KUBERNETES_SECONDS)
        if self._rights.may_get(subject, request.namespace, request.name, seconds):
            return None
        message = (
            f"{who.username or 'an unknown user'} may not get this Secret, and so may not have Keyhole fill it; "
            "it takes the verb get on secrets in the namespace"
        )
        return Problem("the object", message, "RequesterMayNotRead")

    def _filled(self, request: AdmissionRequest, plan: Plan, deadline: Deadline, trace: Trace) -> Answer:
        references = plan.references
        outcomes = self._references.resolve(references, request.namespace, deadline) if references else {}
        trace.outcomes = outcomes
        values = {reference: outcome.value for reference, outcome in outcomes.items() if isinstance(outcome, Resolved)}
        filled: list[tuple[Want, SecretValue]] = []
        # Fields that cannot be read are told together with those that cannot be resolved.
        problems = list(plan.problems)
        for step in plan.steps:
            failures = [
                outcome
                for reference in dict.fromkeys(step.want.filling.references)
                if isinstance(outcome := outcomes.get(reference), ResolverError)
            ]
            try:
                value = None if failures else fill(step, values)
            except ResolverError as error:
                failures = [error]
            else:
                if value is not None:
                    filled.append((step.want, value))
            problems += [_problem(step.want, failure) for failure in failures]
        if problems:
            return _refusal(request, problems, plan.warnings)
        return Answer(allowed=True, patch=secret_patch(request.manifest, filled), warnings=plan.warnings)


def _untouched(plan: Plan) -> Answer:
    return Answer(allowed=True, warnings=plan.warnings)


def _other_kind(request: AdmissionRequest) -> Answer:
    if not has_annotations(request.manifest):
        return Answer(allowed=True)
    problem = Problem("the object", "holds references, and Keyhole does not fill objects of this kind")
    return _refusal(request, [problem], ())


def _problem(want: Want, error: ResolverError) -> Problem:
    if isinstance(error, TemporaryError):
        return Problem(
            want.origin, error.message, error.cause, temporary=True, retry_after_seconds=error.retry_after_seconds
        )
    return Problem(want.origin, error.message, error.cause)


def _refusal(request: AdmissionRequest, problems: Sequence[Problem], warnings: Sequence[str]) -> Answer:
    """Refuse with every problem. One that stays decides the status: a retry would not help then."""
    lasting = [problem for problem in problems if not problem.temporary]
    cause = (lasting or problems)[0].cause
    message = f"{cause}: {request.described}: {_told(problems)}"
    if lasting:
        return Answer(False, HTTPStatus.FORBIDDEN, message, cause, warnings=warnings)
    waits = [problem.retry_after_seconds for problem in problems if problem.retry_after_seconds is not None]
    wait = min(max(waits, default=_RETRY_AFTER_SECONDS), _MOST_RETRY_AFTER_SECONDS)
    return Answer(False, HTTPStatus.SERVICE_UNAVAILABLE, message, cause, warnings=warnings, retry_after_seconds=wait)


def _told(problems: Sequence[Problem]) -> str:
    """Name each failing field; fields that fail in the same way are told together."""
    origins: dict[str, list[str]] = {}
    for problem in problems:
        origins.setdefault(problem.message, []).append(problem.origin)
    told = [f"{', '.join(_cut(fields))}: {message}" for message, fields in origins.items()]
    return "; ".join(_cut(told))


def _cut(items: Sequence[str]) -> list[str]:
    shown = list(items[:_MOST_PROBLEMS_TOLD])
    return shown if len(items) <= _MOST_PROBLEMS_TOLD else [*shown, f"and {len(items) - _MOST_PROBLEMS_TOLD} more"]
