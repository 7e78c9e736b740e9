"""What becomes of each field of a plan: Vault is asked about those that need it, in the namespace's name.

A field that needs a new value may have the object refused. One whose live value is proved may not: if it cannot be
verified, for whatever reason, its value stays, with a warning.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kube.access import Subject
from kube.errors import KubernetesError, KubernetesUnavailable
from manifests import annotations
from manifests.fields.problem import Problem
from manifests.planning.plan import Plan, references
from manifests.planning.planned_field import Action, PlannedField
from manifests.provenance.evidence import sends_record
from manifests.provenance.mac import Provenance
from resolver.causes import Cause
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded, TemporaryError
from resolver.references.characters import named
from resolver.references.grammar import Reference
from resolver.resolve import Outcome
from resolver.vault.http import Limit
from runtime.logs import frames
from webhook.admission.freshness import Freshness
from webhook.admission.refusal import refusal
from webhook.admission.results import SHOWN, FieldEnd, Results, left_bytes
from webhook.http.admission_review import AdmissionRequest, Answer

log = logging.getLogger("keyhole.admission")

# Every call below keeps to the deadline; what does not is ended this much later.
GRACE_SECONDS = 0.1
_KUBERNETES_SECONDS = 5.0
# A value that stays anyway is not worth a longer wait.
_VERIFY_SECONDS = 3.0
_VERIFY_SHARE = 0.5
# The longest that a request takes. A value that comes along with a valid record after that is a backup; so is one whose
# record the client sent.
_REINVOCATION_SECONDS = 30.0


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


@dataclass(slots=True)
class Trace:
    """How an answer came about: the plan, the outcome of each reference, and what became of each field.

    `ends` is by key of `data`. For a refused object it says what would have become of the field.
    """

    plan: Plan = field(default_factory=Plan)
    outcomes: Mapping[Reference, Outcome] = field(default_factory=dict)
    ends: Mapping[str, FieldEnd] = field(default_factory=dict)


class Settlement:
    """Carries plans out. Threads may share it."""

    def __init__(self, references: References, namespaces: OptIn, rights: Rights, limit: Limit) -> None:
        self._references = references
        self._namespaces = namespaces
        self._rights = rights
        self._limit = limit
        self._freshness = Freshness()

    def results(
        self, request: AdmissionRequest, provenance: Provenance | None, deadline: Deadline, trace: Trace
    ) -> Results | Answer:
        """Ask Vault about the fields that need it, and return what becomes of each; an answer is a refusal."""
        plan = trace.plan
        asked = [planned for planned in plan.fields if self._must_ask(planned, request)]
        is_needed = any(planned.action is Action.RESOLVE for planned in asked) or any(
            planned.action in SHOWN for planned in plan.fields
        )
        doubt: Problem | None = None
        if is_needed:
            denial = self._denial(request, deadline)
            if denial is not None:
                # No warnings: some of them say what a record proves.
                return refusal(request, [*plan.problems, denial], ())
            trace.outcomes = self._resolve(request, asked, deadline)
        elif plan.problems:
            return refusal(request, plan.problems, plan.warnings)
        elif asked:
            doubt = self._verify(request, asked, deadline, trace)
        left = left_bytes(plan, request.manifest)
        results = Results(self._freshness, provenance, trace.outcomes, request.dry_run, doubt, left)
        trace.ends = results.ends
        asked_keys = {planned.wanted.key for planned in asked}
        for planned in plan.fields:
            results.add(planned, is_asked=planned.wanted.key in asked_keys)
        return results

    def comparison_denial(self, request: AdmissionRequest, plan: Plan, deadline: Deadline) -> Problem | None:
        """Say that the requester may not be told what the plan says; None when they may.

        Whether an answer is yes or no, and every warning, would tell who may write and not read whether a guess at the
        live value is right.
        """
        if not plan.compares or request.is_shown_anyway:
            return None
        return self._requester_denial(request, deadline)

    def _must_ask(self, planned: PlannedField, request: AdmissionRequest) -> bool:
        """Return whether Vault has to be asked for a field."""
        if planned.action not in {Action.VERIFY, Action.RESOLVE}:
            return False
        if planned.entry is None:
            return True
        if annotations.REFRESH in request.annotations:
            return True
        within = self._references.refresh_seconds(planned.wanted.template.references)
        if planned.action is Action.RESOLVE:
            if sends_record(request.manifest):
                return True
            within = min(within, _REINVOCATION_SECONDS)
        return not self._freshness.is_fresh(planned.entry.mac, within)

    def _denial(self, request: AdmissionRequest, deadline: Deadline) -> Problem | None:
        """Say why the namespace or the requester may not have what the object asks for; None when they may."""
        if not self._namespaces.is_enabled(request.namespace, deadline.at_most_seconds(_KUBERNETES_SECONDS)):
            message = "has references, and the namespace has not opted in by the label keyhole.dev/enabled=true"
            return Problem("the object", message, Cause.NAMESPACE_NOT_ENABLED)
        return self._requester_denial(request, deadline)

    def _requester_denial(self, request: AdmissionRequest, deadline: Deadline) -> Problem | None:
        """Say that the requester may not read the object; None when they may."""
        who = request.requester
        subject = Subject(who.username, who.uid, who.groups, who.extra)
        seconds = deadline.at_most_seconds(_KUBERNETES_SECONDS)
        if self._rights.may_get(subject, request.namespace, request.name, seconds):
            return None
        requester = named(who.username) if who.username else "an unknown user"
        message = (
            f"{requester} may not get this Secret, and so may neither have Keyhole fill it nor replace what it filled; "
            "it takes the verb get on secrets in the namespace"
        )
        return Problem("the object", message, Cause.REQUESTER_MAY_NOT_READ)

    def _resolve(
        self, request: AdmissionRequest, asked: Sequence[PlannedField], deadline: Deadline
    ) -> Mapping[Reference, Outcome]:
        needed = references(asked)
        return self._references.resolve(needed, request.namespace, deadline) if needed else {}

    def _verify(
        self, request: AdmissionRequest, asked: Sequence[PlannedField], deadline: Deadline, trace: Trace
    ) -> Problem | None:
        """Ask Vault about values that stay whatever happens; return why that could not be done, if it could not."""
        seconds = min(_VERIFY_SECONDS, deadline.remaining_seconds() * _VERIFY_SHARE)
        sooner = Deadline.after(seconds)
        try:
            with self._limit(seconds + GRACE_SECONDS):
                denial = self._denial(request, sooner)
                if denial is None:
                    trace.outcomes = self._resolve(request, asked, sooner)
                return denial
        except TimeoutError:
            return edge_problem(request, DeadlineExceeded())
        except (KubernetesUnavailable, KubernetesError, TemporaryError) as error:
            return edge_problem(request, error)
        except Exception as error:  # noqa: BLE001 - not even a bug of ours takes away a value that is proved
            log.error("bug in admission %s: %s at %s", request.uid, type(error).__name__, frames(error))  # noqa: TRY400
            problem = f"a bug in Keyhole; its log has it under {request.uid}"
            return Problem("the object", problem, Cause.INTERNAL_ERROR, temporary=True)


def edge_problem(request: AdmissionRequest, error: KubernetesUnavailable | KubernetesError | TemporaryError) -> Problem:
    """Return what kept the API server or Vault from being asked, as a problem of the object."""
    origin = f"namespace {request.namespace}"
    if isinstance(error, KubernetesUnavailable):
        return Problem(origin, f"{error}; a retry may work", Cause.KUBERNETES_UNAVAILABLE)
    if isinstance(error, KubernetesError):
        return Problem(origin, str(error), Cause.KUBERNETES_REFUSED)
    return Problem("the object", error.message, error.cause, temporary=True)
