"""Refusals, in words: every problem of an object at once, and a status that says whether a retry may help."""

from collections.abc import Sequence
from http import HTTPStatus

from manifests.fields.problem import Problem
from manifests.fields.scan import WantedField
from resolver.errors import ResolverError, TemporaryError
from resolver.references.characters import visible
from webhook.admission.tally import Tally
from webhook.http.admission_review import AdmissionRequest, Answer

_RETRY_AFTER_SECONDS = 5
# Clients of Kubernetes wait as long as they are told, and say nothing meanwhile.
_MOST_RETRY_AFTER_SECONDS = 30
_MOST_PROBLEMS_TOLD = 20
# The longest name of an annotation that Kubernetes takes, with a pointer behind it, has some 600.
_MOST_ORIGIN_CHARACTERS = 640
# The longest reference, with as much text around it.
_MOST_MESSAGE_CHARACTERS = 4096


def field_problem(wanted: WantedField, error: ResolverError) -> Problem:
    """Return what kept a field from being filled, as a problem of the object."""
    temporary = isinstance(error, TemporaryError)
    wait = error.retry_after_seconds if isinstance(error, TemporaryError) else None
    return Problem(wanted.origin, error.message, error.cause, temporary=temporary, retry_after_seconds=wait)


def refusal(request: AdmissionRequest, problems: Sequence[Problem], warnings: Sequence[str]) -> Answer:
    """Refuse with every problem. One that stays decides the status: a retry would not help then."""
    lasting = [problem for problem in problems if not problem.is_temporary]
    cause = (lasting or problems)[0].cause
    message = f"{cause}: {request.described}: {_told(problems)}"
    tally = Tally(problems=tuple(problem.cause for problem in problems))
    if lasting:
        return Answer(False, cause.status, message, cause, warnings=warnings, tally=tally)
    waits = [problem.retry_after_seconds for problem in problems if problem.retry_after_seconds is not None]
    wait = min(max(waits, default=_RETRY_AFTER_SECONDS), _MOST_RETRY_AFTER_SECONDS)
    status = HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(False, status, message, cause, warnings=warnings, retry_after_seconds=wait, tally=tally)


def _told(problems: Sequence[Problem]) -> str:
    """Name each failing field; fields that fail in the same way are told together."""
    origins: dict[str, list[str]] = {}
    for problem in problems:
        message = visible(problem.message, _MOST_MESSAGE_CHARACTERS)
        origins.setdefault(message, []).append(visible(problem.origin, _MOST_ORIGIN_CHARACTERS))
    told = [f"{', '.join(_cut(fields))}: {message}" for message, fields in origins.items()]
    return "; ".join(_cut(told))


def _cut(items: Sequence[str]) -> list[str]:
    shown = list(items[:_MOST_PROBLEMS_TOLD])
    return shown if len(items) <= _MOST_PROBLEMS_TOLD else [*shown, f"and {len(items) - _MOST_PROBLEMS_TOLD} more"]
