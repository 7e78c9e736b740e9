"""One admission, from the request to the answer. This is the only module that turns outcomes and errors into an answer.

| cause                                                         | answer                        |
|---------------------------------------------------------------|-------------------------------|
| no references, or nothing changed                             | allowed, no patch             |
| the live value is proved, but Vault cannot verify it now      | allowed, with a warning       |
| a PUT depends on a live value, and Kubernetes cannot say      |                               |
| whether the requester may read it                             | 503 with retryAfterSeconds    |
| malformed reference, namespace not opted in                   | 403                           |
| the requester may not get the object                          | 403                           |
| a workload asks for variables, and may not have any           | 403                           |
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
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from kube.errors import KubernetesError, KubernetesUnavailable
from manifests import annotations
from manifests.fields.problem import Problem
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.planning.metadata import foreseen_oversize, metadata_change, oversize
from manifests.planning.plan import plan_object
from manifests.provenance.keyring import KeyRing
from manifests.provenance.mac import Provenance
from resolver.budget import ALONE, Budget, Process
from resolver.causes import Cause
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded, ResolverError, TemporaryError
from resolver.vault.http import Limit, no_limit
from runtime.logs import frames
from webhook.admission.asked import OptIn, References, Rights
from webhook.admission.execute import (
    GRACE_SECONDS,
    Denied,
    PlanExecutor,
)
from webhook.admission.outcomes import THE_OBJECT, filled, has_new_values, warnings_of
from webhook.admission.patch import object_patch
from webhook.admission.refusal import Progress, bug, edge_problem, refusal
from webhook.admission.workloads import Workloads
from webhook.model import AdmissionRequest, Answer, Fate

log = logging.getLogger("keyhole.admission")


class RecordKeyUnavailable(TemporaryError):
    """There is no key to sign and check records with, or none that is still believed."""

    cause: ClassVar[Cause] = Cause.RECORD_KEY_UNAVAILABLE

    def __init__(self) -> None:
        super().__init__(
            "this replica of Keyhole has no key for its records, or could not read it for a long time; a retry may work"
        )


class Admission:
    """Answers admission requests. Threads may share it. `keys` returns the record keys, None while there are none.

    It fills objects of these `kinds` and refuses others that have references in annotations.

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
        kinds: Kinds = ONLY_SECRETS,
        workloads: Workloads | None = None,
    ) -> None:
        self._executor = PlanExecutor(references, namespaces, rights, limit)
        self._keys = keys
        self._limit = limit
        self._process = process
        self._codecs = kinds.by_group_and_kind
        self._workloads = workloads

    def answer(self, request: AdmissionRequest, deadline: Deadline) -> Answer:
        """Return the answer to a request, within the deadline. Never raises."""
        progress = Progress()
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
            return bug(request, progress)
        return refusal(request, progress, [problem])

    def _answer(self, request: AdmissionRequest, deadline: Deadline, progress: Progress) -> Answer:
        if request.operation not in {"CREATE", "UPDATE"}:
            return Answer(allowed=True)
        codec = self._codecs.get((request.group, request.kind))
        if codec is None:
            return self._without_codec(request, deadline, progress)
        keys = self._keys()
        provenance = _provenance(request, keys)
        pay = Budget(request.namespace, deadline, self._process).spend
        plan = plan_object(
            codec,
            request.manifest,
            request.old_manifest,
            provenance,
            dry_run=request.dry_run,
            version=request.version,
            pay=pay,
        )
        progress.plan = plan
        try:
            self._executor.check_comparison(request, plan, deadline)
        except Denied as denied:
            return refusal(request, progress, [denied.problem])
        if plan.fields or plan.rewrites_metadata:
            return self._carried_out(request, keys, provenance, deadline, progress)
        if plan.problems:
            return refusal(request, progress, plan.problems, plan.warnings)
        return Answer(allowed=True, warnings=plan.warnings)

    def _without_codec(self, request: AdmissionRequest, deadline: Deadline, progress: Progress) -> Answer:
        workloads = self._workloads
        if workloads is None or not workloads.handles(request):
            return _other_kind(request)
        worked = workloads.work(request, deadline)
        progress.outcomes = worked.outcomes
        if worked.problems:
            return replace(refusal(request, progress, worked.problems, worked.warnings), unreadable=worked.problems)
        return Answer(True, patch=worked.patch, warnings=worked.warnings, outcomes=worked.outcomes)

    def _carried_out(
        self,
        request: AdmissionRequest,
        keys: KeyRing | None,
        provenance: Provenance | None,
        deadline: Deadline,
        progress: Progress,
    ) -> Answer:
        if keys is None:
            raise RecordKeyUnavailable
        try:
            progress.plan, progress.outcomes = self._executor.execute(
                request, progress.plan, provenance, deadline, progress.found
            )
        except Denied as denied:
            # No warnings: some of them say what a record proves.
            return refusal(request, progress, [*progress.plan.problems, denied.problem])
        return _finished(request, progress, keys)


def _provenance(request: AdmissionRequest, keys: KeyRing | None) -> Provenance | None:
    if keys is None or not request.name:
        return None
    return Provenance(keys, request.group, request.kind, request.namespace, request.name)


def _finished(request: AdmissionRequest, progress: Progress, keys: KeyRing) -> Answer:
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
        return refusal(request, progress, problems, warnings)
    values = [(each.planned.wanted, each.value) for each in fields if each.value is not None]
    patch = object_patch(plan.codec, request.manifest, values, plan.removed, change)
    # Nobody needs the values any more. The trail may have to wait, and would hold them meanwhile.
    progress.outcomes = [replace(each, value=None) for each in outcomes]
    return Answer(True, patch=patch, warnings=warnings, plan=plan, outcomes=progress.outcomes)


def _other_kind(request: AdmissionRequest) -> Answer:
    if not annotations.fill_fields(request.annotations):
        return Answer(allowed=True)
    why = "holds references, and the list of kinds that Keyhole fills does not name this one (`keyhole serve --kinds`)"
    problem = Problem(THE_OBJECT, why)
    return refusal(request, Progress(), [problem])
