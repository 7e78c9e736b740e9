"""One admission, from the request to the answer. This is the only module that turns outcomes and errors into an answer.

| cause                                                         | answer                        |
|---------------------------------------------------------------|-------------------------------|
| no references, or nothing changed                             | allowed, no patch             |
| the live value is proved, but Vault cannot verify it now      | allowed, with a warning       |
| a PUT depends on a live value, and Kubernetes cannot say      |                               |
| whether the requester may read it                             | 503 with retryAfterSeconds    |
| malformed reference, namespace not opted in                   | 403                           |
| the requester may not get the Secret                          | 403                           |
| Vault denies; path, field or version missing; not a KV mount  | 403 that names which          |
| more references than a record has room for                    | 403                           |
| more work, or more bytes, than one object may take            | 403                           |
| Vault or the API server sealed, unreachable, slow, or 429     | 503 with retryAfterSeconds    |
| Vault denies a token that may be older than its role          | 503 with retryAfterSeconds    |
| too many admissions (`webhook.scheduling.gate`)               | 429 with retryAfterSeconds    |
| a bug                                                         | 500 with the request's uid    |

Never 404, which controllers take for "the object is gone", and never 422, on which `kubectl apply --force` deletes it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import ClassVar

from kube.errors import KubernetesError, KubernetesUnavailable
from manifests.fields.problem import Problem
from manifests.fields.scan import has_annotations
from manifests.kinds.known import BY_GROUP_AND_KIND
from manifests.kinds.secret import SECRET
from manifests.planning.metadata import foreseen_oversize, metadata_change, oversize
from manifests.planning.plan import Plan, plan_object
from manifests.provenance.keyring import KeyRing
from manifests.provenance.mac import Provenance
from resolver.budget import ALONE, Budget, Process
from resolver.causes import Cause
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded, ResolverError, TemporaryError
from resolver.references.characters import visible
from resolver.references.grammar import Reference
from resolver.resolve import Outcome
from resolver.vault.http import Limit, no_limit
from runtime.logs import frames
from webhook.admission.execute import (
    GRACE_SECONDS,
    Denied,
    OptIn,
    PlanExecutor,
    References,
    Rights,
    edge_problem,
)
from webhook.admission.outcomes import THE_OBJECT, filled, has_new_values, of_refused, untouched, warnings_of
from webhook.admission.patch import object_patch
from webhook.model import AdmissionRequest, Answer, Fate, FieldOutcome

log = logging.getLogger("keyhole.admission")

_RETRY_AFTER_SECONDS = 5
# Kubernetes clients wait as long as they are told, and say nothing meanwhile.
_MOST_RETRY_AFTER_SECONDS = 30
_MOST_PROBLEMS_TOLD = 20
# The longest annotation name that Kubernetes takes has about 600 characters, with a pointer behind it.
_MOST_ORIGIN_CHARACTERS = 640
# The longest reference, and as much text around it.
_MOST_MESSAGE_CHARACTERS = 4096


class RecordKeyUnavailable(TemporaryError):
    """There is no key to sign and check records with, or none that is still believed."""

    cause: ClassVar[Cause] = Cause.RECORD_KEY_UNAVAILABLE

    def __init__(self) -> None:
        super().__init__(
            "this replica of Keyhole has no key for its records, or could not read it for a long time; a retry may work"
        )


@dataclass(slots=True)
class _Progress:
    """How far an admission has come, so that a refusal can say what became of each field."""

    # As long as no field is planned, any codec will do.
    plan: Plan = field(default_factory=lambda: Plan(SECRET))
    outcomes: Sequence[FieldOutcome] = ()
    found: dict[Reference, Outcome] = field(default_factory=dict)
    """What Vault said. The audit trail accounts for it even if the admission ends before there are outcomes."""

    def refused(self, decisive: Problem) -> list[FieldOutcome]:
        """Return the outcomes if the object is refused now, for this problem before all others."""
        return of_refused(self.outcomes or untouched(self.plan, self.found), self.plan.problems, decisive)


class Admission:
    """Answers admission requests. Threads may share it. `keys` returns the record keys, None while there are none.

    This is the innermost `Admits`.
    """

    def __init__(
        self,
        references: References,
        namespaces: OptIn,
        rights: Rights,
        keys: Callable[[], KeyRing | None],
        limit: Limit = no_limit,
        *,
        process: Process = ALONE,
    ) -> None:
        self._executor = PlanExecutor(references, namespaces, rights, limit)
        self._keys = keys
        self._limit = limit
        self._process = process

    def answer(self, request: AdmissionRequest, deadline: Deadline) -> Answer:
        """Return the answer to a request, within the deadline. Never raises."""
        progress = _Progress()
        try:
            with self._limit(deadline.remaining_seconds() + GRACE_SECONDS):
                return self._answer(request, deadline, progress)
        except TimeoutError:
            late = DeadlineExceeded()
            problem = Problem(THE_OBJECT, late.message, late.cause)
        except (KubernetesUnavailable, KubernetesError, TemporaryError) as error:
            problem = edge_problem(request, error)
        except ResolverError as error:
            problem = Problem(THE_OBJECT, error.message, error.cause)
        except Exception as error:  # noqa: BLE001 - the edge: a bug is answered, and no worker dies of it
            # The traceback's text may quote values (an exception's arguments); its frames do not.
            log.error("bug in admission %s: %s at %s", request.uid, type(error).__name__, frames(error))  # noqa: TRY400
            return _bug(request, progress)
        return _refusal(request, progress, [problem])

    def _answer(self, request: AdmissionRequest, deadline: Deadline, progress: _Progress) -> Answer:
        if request.operation not in {"CREATE", "UPDATE"}:
            return Answer(allowed=True)
        codec = BY_GROUP_AND_KIND.get((request.group, request.kind))
        if codec is None:
            return _other_kind(request)
        keys = self._keys()
        provenance = _provenance(request, keys)
        pay = Budget(request.namespace, deadline, self._process).spend
        plan = plan_object(codec, request.manifest, request.old_manifest, provenance, dry_run=request.dry_run, pay=pay)
        progress.plan = plan
        try:
            self._executor.check_comparison(request, plan, deadline)
        except Denied as denied:
            return _refusal(request, progress, [denied.problem])
        if plan.fields or plan.rewrites_metadata:
            return self._carried_out(request, keys, provenance, deadline, progress)
        if plan.problems:
            return _refusal(request, progress, plan.problems, plan.warnings)
        return Answer(allowed=True, warnings=plan.warnings)

    def _carried_out(
        self,
        request: AdmissionRequest,
        keys: KeyRing | None,
        provenance: Provenance | None,
        deadline: Deadline,
        progress: _Progress,
    ) -> Answer:
        if keys is None:
            raise RecordKeyUnavailable
        try:
            progress.outcomes = self._executor.execute(request, progress.plan, provenance, deadline, progress.found)
        except Denied as denied:
            # No warnings: some of them say what a record proves.
            return _refusal(request, progress, [*progress.plan.problems, denied.problem])
        return _finished(request, progress, keys)


def _provenance(request: AdmissionRequest, keys: KeyRing | None) -> Provenance | None:
    if keys is None or not request.name:
        return None
    return Provenance(keys, request.group, request.kind, request.namespace, request.name)


def _finished(request: AdmissionRequest, progress: _Progress, keys: KeyRing) -> Answer:
    """Return the answer once each field has its outcome."""
    plan, outcomes = progress.plan, progress.outcomes
    # Fields that cannot be read are told together with those that cannot be resolved.
    problems = [*plan.problems, *(each for one in outcomes if one.fate is Fate.REFUSED for each in one.problems)]
    warnings = [*plan.warnings, *warnings_of(outcomes)]
    fields, is_new = filled(outcomes), has_new_values(outcomes)
    change = metadata_change(plan, fields, request.manifest, keys, dry_run=request.dry_run)
    too_large = oversize(change, request.manifest) if is_new else None
    if request.dry_run and request.name:
        too_large = foreseen_oversize(plan, fields, request.manifest, keys)
    if too_large is not None:
        problems.append(too_large)
    if problems:
        return _refusal(request, progress, problems, warnings)
    values = [(each.planned.wanted, each.value) for each in fields if each.value is not None]
    patch = object_patch(plan.codec, request.manifest, values, plan.removed, change)
    # Nobody needs the values any more. The trail may have to wait, and would hold them meanwhile.
    progress.outcomes = [replace(each, value=None) for each in outcomes]
    return Answer(True, patch=patch, warnings=warnings, outcomes=progress.outcomes)


def _other_kind(request: AdmissionRequest) -> Answer:
    if not has_annotations(request.manifest):
        return Answer(allowed=True)
    problem = Problem(THE_OBJECT, "holds references, and Keyhole does not fill objects of this kind")
    return _refusal(request, _Progress(), [problem])


def _refusal(
    request: AdmissionRequest, progress: _Progress, problems: Sequence[Problem], warnings: Sequence[str] = ()
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
        outcomes=progress.refused(decisive),
        problems=problems,
        unreadable=progress.plan.problems,
    )
    if lasting:
        return answer
    waits = [problem.retry_after_seconds for problem in problems if problem.retry_after_seconds is not None]
    return replace(answer, retry_after_seconds=min(max(waits, default=_RETRY_AFTER_SECONDS), _MOST_RETRY_AFTER_SECONDS))


def _bug(request: AdmissionRequest, progress: _Progress) -> Answer:
    message = f"a bug in Keyhole; its log has it under {request.uid}"
    problem = Problem(THE_OBJECT, message, Cause.INTERNAL_ERROR)
    return Answer(
        False,
        problem.cause.status,
        f"{problem.cause}: {request.described}: {message}",
        problem.cause,
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
