"""One admission, from the request to the answer; the one place that turns an error into an answer.

| cause                                                     | answer                        |
|-----------------------------------------------------------|-------------------------------|
| no references, or nothing that changed                    | allowed, no patch             |
| a proved value, and whatever fails when it is verified    | allowed, with a warning       |
| malformed reference, namespace not opted in               | 403                           |
| the requester may not get the Secret                      | 403                           |
| Vault denies; path, field or version missing; not KV      | 403, naming which             |
| more references than a record has room for                | 403                           |
| Vault or the API server sealed, unreachable, slow, 429    | 503 with retryAfterSeconds    |
| a bug                                                     | 500 with the request's uid    |

Never 404 (controllers take it for "object gone"), never 422 (`kubectl apply --force` deletes the object on it).
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol

from kube.access import Subject
from kube.errors import KubernetesError, KubernetesUnavailable
from manifests import annotations
from manifests.fields import has_annotations
from manifests.keyring import KeyRing
from manifests.metadata import metadata_change, oversize
from manifests.plan import Plan, plan_secret, references
from manifests.problem import Problem
from manifests.provenance import Provenance
from manifests.step import Action, Step
from resolver.deadline import Deadline
from resolver.edge_errors import DeadlineExceeded, TemporaryError
from resolver.grammar import Reference
from resolver.resolve import Outcome
from resolver.wire import Limit, no_limit
from webhook.freshness import Freshness
from webhook.logs import frames
from webhook.patch import secret_patch
from webhook.refusal import refusal
from webhook.results import SHOWN, Results
from webhook.review import AdmissionRequest, Answer

log = logging.getLogger("keyhole.admission")

# Every call below keeps to the deadline; what does not is ended this much later.
_GRACE_SECONDS = 0.1
_KUBERNETES_SECONDS = 5.0
# A value that stays anyway is not worth a longer wait.
_VERIFY_SECONDS = 3.0
_VERIFY_SHARE = 0.5


class References(Protocol):
    """What turns references into values: `resolver.resolve.Resolver`."""

    def resolve(
        self, references: Iterable[Reference], namespace: str, deadline: Deadline
    ) -> Mapping[Reference, Outcome]:
        """Return each reference's value or error."""
        ...

    def refresh_seconds(self, references: Iterable[Reference]) -> float:
        """Return how long values of these references may be kept without asking Vault."""
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


class RecordKeyUnavailable(TemporaryError):
    """There is no key to sign and check records with yet."""

    cause = "RecordKeyUnavailable"

    def __init__(self) -> None:
        super().__init__("Keyhole has no key for its records yet: keyhole controller makes it; a retry may work")


@dataclass(slots=True)
class Trace:
    """How an answer came about, as far as it did: what was planned, and what became of the references."""

    plan: Plan = field(default_factory=Plan)
    outcomes: Mapping[Reference, Outcome] = field(default_factory=dict)


class Admission:
    """Answers admission requests. Threads may share it. `keys` gives the keys of records, None while there are none."""

    def __init__(
        self,
        references: References,
        namespaces: OptIn,
        rights: Rights,
        keys: Callable[[], KeyRing | None],
        limit: Limit = no_limit,
    ) -> None:
        self._references = references
        self._namespaces = namespaces
        self._rights = rights
        self._keys = keys
        self._limit = limit
        self._freshness = Freshness()

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
        except (KubernetesUnavailable, KubernetesError, TemporaryError) as error:
            problem = _edge_problem(request, error)
        except Exception as error:  # noqa: BLE001 - the edge: a bug is answered, and no worker dies of it
            # The traceback's text may quote values (an exception's arguments); its frames do not.
            log.error("bug in admission %s: %s at %s", request.uid, type(error).__name__, frames(error))  # noqa: TRY400
            message = f"InternalError: {request.described}: a bug in Keyhole; its log has it under {request.uid}"
            return Answer(
                allowed=False, status=HTTPStatus.INTERNAL_SERVER_ERROR, message=message, cause="InternalError"
            )
        return refusal(request, [problem], ())

    def _answer(self, request: AdmissionRequest, deadline: Deadline, trace: Trace) -> Answer:
        if request.operation not in {"CREATE", "UPDATE"}:
            return Answer(allowed=True)
        if (request.group, request.kind) != ("", "Secret"):
            return _other_kind(request)
        keys = self._keys()
        provenance = _provenance(request, keys)
        plan = plan_secret(request.manifest, request.old_manifest, provenance, dry_run=request.dry_run)
        trace.plan = plan
        if not plan.steps and not plan.rewrites_metadata:
            return refusal(request, plan.problems, plan.warnings) if plan.problems else _untouched(plan)
        if keys is None:
            raise RecordKeyUnavailable
        results = self._results(request, provenance, deadline, trace)
        return results if isinstance(results, Answer) else _finished(request, plan, results, keys)

    def _results(
        self, request: AdmissionRequest, provenance: Provenance | None, deadline: Deadline, trace: Trace
    ) -> Results | Answer:
        """Ask Vault about the fields that need it, and return what becomes of each; an answer is a refusal."""
        plan = trace.plan
        asked = [step for step in plan.steps if self._must_ask(step, request)]
        is_needed = any(step.action is Action.RESOLVE for step in asked) or any(
            step.action in SHOWN for step in plan.steps
        )
        doubt: Problem | None = None
        if is_needed:
            denial = self._denial(request, deadline)
            if denial is not None:
                return refusal(request, [*plan.problems, denial], plan.warnings)
            trace.outcomes = self._resolve(request, asked, deadline)
        elif plan.problems:
            return refusal(request, plan.problems, plan.warnings)
        elif asked:
            doubt = self._verify(request, asked, deadline, trace)
        results = Results(self._freshness, provenance, trace.outcomes, request.dry_run, doubt)
        asked_keys = {step.want.key for step in asked}
        for step in plan.steps:
            results.add(step, is_asked=step.want.key in asked_keys)
        return results

    def _must_ask(self, step: Step, request: AdmissionRequest) -> bool:
        """Return whether Vault has to be asked for a field."""
        if step.action not in {Action.VERIFY, Action.RESOLVE}:
            return False
        if step.entry is None:
            return True
        if step.action is Action.VERIFY and annotations.REFRESH in request.annotations:
            return True
        within = self._references.refresh_seconds(step.want.filling.references)
        return not self._freshness.is_fresh(step.entry.mac, within)

    def _denial(self, request: AdmissionRequest, deadline: Deadline) -> Problem | None:
        """Say why the namespace or the requester may not have what the object asks for; None when they may."""
        if not self._namespaces.is_enabled(request.namespace, deadline.at_most_seconds(_KUBERNETES_SECONDS)):
            message = "has references, and the namespace has not opted in by the label keyhole.dev/enabled=true"
            return Problem("the object", message, "NamespaceNotEnabled")
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

    def _resolve(
        self, request: AdmissionRequest, asked: Sequence[Step], deadline: Deadline
    ) -> Mapping[Reference, Outcome]:
        needed = references(asked)
        return self._references.resolve(needed, request.namespace, deadline) if needed else {}

    def _verify(
        self, request: AdmissionRequest, asked: Sequence[Step], deadline: Deadline, trace: Trace
    ) -> Problem | None:
        """Ask Vault about values that stay whatever happens; return why that could not be done, if it could not."""
        seconds = min(_VERIFY_SECONDS, deadline.remaining_seconds() * _VERIFY_SHARE)
        sooner = Deadline.after(seconds)
        try:
            with self._limit(seconds + _GRACE_SECONDS):
                denial = self._denial(request, sooner)
                if denial is None:
                    trace.outcomes = self._resolve(request, asked, sooner)
                return denial
        except TimeoutError:
            return _edge_problem(request, DeadlineExceeded())
        except (KubernetesUnavailable, KubernetesError, TemporaryError) as error:
            return _edge_problem(request, error)


def _provenance(request: AdmissionRequest, keys: KeyRing | None) -> Provenance | None:
    if keys is None or not request.name:
        return None
    return Provenance(keys, request.group, request.kind, request.namespace, request.name)


def _finished(request: AdmissionRequest, plan: Plan, results: Results, keys: KeyRing) -> Answer:
    """Put together what is answered once every field has what it gets, or a problem."""
    # Fields that cannot be read are told together with those that cannot be resolved.
    problems = [*plan.problems, *results.problems]
    warnings = [*plan.warnings, *results.warnings]
    change = metadata_change(plan, results.filled, request.manifest, keys, dry_run=request.dry_run)
    too_large = oversize(change, request.manifest) if results.has_new_values else None
    if too_large is not None:
        problems.append(too_large)
    if problems:
        return refusal(request, problems, warnings)
    values = [(each.step.want, each.value) for each in results.filled if each.value is not None]
    return Answer(True, patch=secret_patch(request.manifest, values, plan.removed, change), warnings=warnings)


def _untouched(plan: Plan) -> Answer:
    return Answer(allowed=True, warnings=plan.warnings)


def _other_kind(request: AdmissionRequest) -> Answer:
    if not has_annotations(request.manifest):
        return Answer(allowed=True)
    problem = Problem("the object", "holds references, and Keyhole does not fill objects of this kind")
    return refusal(request, [problem], ())


def _edge_problem(
    request: AdmissionRequest, error: KubernetesUnavailable | KubernetesError | TemporaryError
) -> Problem:
    origin = f"namespace {request.namespace}"
    if isinstance(error, KubernetesUnavailable):
        return Problem(origin, f"{error}; a retry may work", "KubernetesUnavailable", temporary=True)
    if isinstance(error, KubernetesError):
        return Problem(origin, str(error), "KubernetesRefused")
    return Problem("the object", error.message, error.cause, temporary=True)
