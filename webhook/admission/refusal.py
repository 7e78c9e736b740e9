"""How a refusal is told: with every problem, the status of the one that decides, and what became of each field."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final

from kube.errors import KubernetesError, KubernetesUnavailable
from manifests.fields.problem import Problem
from manifests.kinds.secret import SECRET
from manifests.planning.plan import Plan
from resolver.causes import Cause
from resolver.errors import TemporaryError
from resolver.references.characters import visible
from resolver.references.grammar import Reference
from resolver.resolve import Outcome
from webhook.admission.outcomes import THE_OBJECT, of_refused, untouched
from webhook.model import AdmissionRequest, Answer, FieldOutcome

_RETRY_AFTER_SECONDS = 5
# Kubernetes clients wait as long as they are told, and say nothing meanwhile.
_MOST_RETRY_AFTER_SECONDS = 30
_MOST_PROBLEMS_TOLD = 20
# The longest annotation name that Kubernetes takes has about 600 characters, with a pointer behind it.
_MOST_ORIGIN_CHARACTERS = 640
# The longest reference, and as much text around it.
_MOST_MESSAGE_CHARACTERS = 4096
# As long as no field is planned, any codec will do.
_NOTHING_PLANNED: Final = Plan(SECRET)


@dataclass(slots=True)
class Progress:
    """How far an admission has come, so that a refusal can say what became of each field."""

    plan: Plan = _NOTHING_PLANNED
    outcomes: Sequence[FieldOutcome] = ()
    found: dict[Reference, Outcome] = field(default_factory=dict)
    """What Vault said. The audit trail accounts for it even if the admission ends before there are outcomes."""

    @property
    def planned(self) -> Plan | None:
        """What was planned; None as long as nothing is."""
        return None if self.plan is _NOTHING_PLANNED else self.plan

    def refused(self, decisive: Problem) -> list[FieldOutcome]:
        """Return the outcomes if the object is refused now, for this problem before all others."""
        return of_refused(self.outcomes or untouched(self.plan, self.found), self.plan.problems, decisive)


def refusal(
    request: AdmissionRequest, progress: Progress, problems: Sequence[Problem], warnings: Sequence[str] = ()
) -> Answer:
    """Refuse with every problem. One that a retry does not help decides the status and the cause."""
    lasting = [problem for problem in problems if not problem.is_temporary]
    decisive = (lasting or problems)[0]
    answer = Answer(
        False,
        decisive.cause.status if lasting else HTTPStatus.SERVICE_UNAVAILABLE,
        f"{decisive.cause}: {request.described}: {_told(problems)}",
        decisive.cause,
        warnings=warnings,
        plan=progress.planned,
        outcomes=progress.refused(decisive),
        problems=problems,
        unreadable=progress.plan.problems,
    )
    if lasting:
        return answer
    waits = [problem.retry_after_seconds for problem in problems if problem.retry_after_seconds is not None]
    return replace(answer, retry_after_seconds=min(max(waits, default=_RETRY_AFTER_SECONDS), _MOST_RETRY_AFTER_SECONDS))


def bug(request: AdmissionRequest, progress: Progress) -> Answer:
    """Answer that Keyhole has a bug, and where its log tells more."""
    message = f"a bug in Keyhole; its log has it under {request.uid}"
    problem = Problem(THE_OBJECT, message, Cause.INTERNAL_ERROR)
    return Answer(
        False,
        problem.cause.status,
        f"{problem.cause}: {request.described}: {message}",
        problem.cause,
        plan=progress.planned,
        outcomes=progress.refused(problem),
        unreadable=progress.plan.problems,
    )


def _told(problems: Sequence[Problem]) -> str:
    """Name each failing field. Fields that fail in the same way are named together."""
    origins: dict[str, list[str]] = {}
    for problem in problems:
        message = visible(problem.message, _MOST_MESSAGE_CHARACTERS)
        origins.setdefault(message, []).append(visible(problem.origin, _MOST_ORIGIN_CHARACTERS))
    told = [f"{', '.join(_cut(fields))}: {message}" for message, fields in origins.items()]
    return "; ".join(_cut(told))


def _cut(items: Sequence[str]) -> list[str]:
    shown = list(items[:_MOST_PROBLEMS_TOLD])
    return shown if len(items) <= _MOST_PROBLEMS_TOLD else [*shown, f"and {len(items) - _MOST_PROBLEMS_TOLD} more"]


def edge_problem(request: AdmissionRequest, error: KubernetesUnavailable | KubernetesError | TemporaryError) -> Problem:
    """Return why the API server or Vault could not be asked, as a problem of the object."""
    origin = f"namespace {request.namespace}"
    if isinstance(error, KubernetesUnavailable):
        return Problem(origin, f"{error}; a retry may work", Cause.KUBERNETES_UNAVAILABLE)
    if isinstance(error, KubernetesError):
        return Problem(origin, str(error), Cause.KUBERNETES_REFUSED)
    return Problem(THE_OBJECT, error.message, error.cause, temporary=True)
