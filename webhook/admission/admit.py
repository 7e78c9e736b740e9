"""One admission, from the request to the answer; the one place that turns an error into an answer.

| cause                                                     | answer                        |
|-----------------------------------------------------------|-------------------------------|
| no references, or nothing that changed                    | allowed, no patch             |
| a proved value, and whatever fails when it is verified    | allowed, with a warning       |
| a PUT that depends on a live value, and nobody can say    |                               |
| whether the requester may get it                          | 503 with retryAfterSeconds    |
| malformed reference, namespace not opted in               | 403                           |
| the requester may not get the Secret                      | 403                           |
| Vault denies; path, field or version missing; not KV      | 403, naming which             |
| more references than a record has room for                | 403                           |
| more work, or more bytes, than one object may take        | 403                           |
| Vault or the API server sealed, unreachable, slow, 429    | 503 with retryAfterSeconds    |
| Vault denies a token that may be older than its role      | 503 with retryAfterSeconds    |
| no place left for the namespace (`webhook.scheduling.gated`)         | 429 with retryAfterSeconds    |
| a bug                                                     | 500 with the request's uid    |

Never 404 (controllers take it for "object gone"), never 422 (`kubectl apply --force` deletes the object on it).
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from kube.errors import KubernetesError, KubernetesUnavailable
from manifests.fields.problem import Problem
from manifests.fields.scan import has_annotations
from manifests.planning.metadata import foreseen_oversize, metadata_change, oversize
from manifests.planning.plan import Plan, plan_secret
from manifests.provenance.keyring import KeyRing
from manifests.provenance.mac import Provenance
from resolver.budget import ALONE, Budget, Process
from resolver.causes import Cause
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded, ResolverError, TemporaryError
from resolver.vault.http import Limit, no_limit
from runtime.logs import frames
from webhook.admission.execute import GRACE_SECONDS, OptIn, References, Rights, Settlement, Trace, edge_problem
from webhook.admission.patch import secret_patch
from webhook.admission.refusal import refusal
from webhook.admission.results import Results
from webhook.admission.tally import Fate
from webhook.http.admission_review import AdmissionRequest, Answer

log = logging.getLogger("keyhole.admission")


class RecordKeyUnavailable(TemporaryError):
    """There is no key to sign and check records with, or none that is still believed."""

    cause: ClassVar[Cause] = Cause.RECORD_KEY_UNAVAILABLE

    def __init__(self) -> None:
        super().__init__(
            "this replica of Keyhole has no key for its records, or could not read it for long; a retry may work"
        )


class Admission:
    """Answers admission requests. Threads may share it. `keys` gives the keys of records, None while there are none."""

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
        self._settlement = Settlement(references, namespaces, rights, limit)
        self._keys = keys
        self._limit = limit
        self._process = process

    def answer(self, request: AdmissionRequest, deadline: Deadline) -> Answer:
        """Return the answer to a request, within the deadline. Never raises."""
        return self.decide(request, deadline, Trace())

    def decide(self, request: AdmissionRequest, deadline: Deadline, trace: Trace) -> Answer:
        """Return the answer to a request, and leave in `trace` how it came about. Never raises."""
        try:
            with self._limit(deadline.remaining_seconds() + GRACE_SECONDS):
                return self._answer(request, deadline, trace)
        except TimeoutError:
            late = DeadlineExceeded()
            problem = Problem("the object", late.message, late.cause)
        except (KubernetesUnavailable, KubernetesError, TemporaryError) as error:
            problem = edge_problem(request, error)
        except ResolverError as error:
            problem = Problem("the object", error.message, error.cause)
        except Exception as error:  # noqa: BLE001 - the edge: a bug is answered, and no worker dies of it
            # The traceback's text may quote values (an exception's arguments); its frames do not.
            log.error("bug in admission %s: %s at %s", request.uid, type(error).__name__, frames(error))  # noqa: TRY400
            cause = Cause.INTERNAL_ERROR
            message = f"{cause}: {request.described}: a bug in Keyhole; its log has it under {request.uid}"
            return Answer(allowed=False, status=cause.status, message=message, cause=cause)
        return refusal(request, [problem], ())

    def _answer(self, request: AdmissionRequest, deadline: Deadline, trace: Trace) -> Answer:
        if request.operation not in {"CREATE", "UPDATE"}:
            return Answer(allowed=True)
        if (request.group, request.kind) != ("", "Secret"):
            return _other_kind(request)
        keys = self._keys()
        provenance = _provenance(request, keys)
        pay = Budget(request.namespace, deadline, self._process).spend
        plan = plan_secret(request.manifest, request.old_manifest, provenance, dry_run=request.dry_run, pay=pay)
        trace.plan = plan
        denial = self._settlement.comparison_denial(request, plan, deadline)
        if denial is not None:
            return refusal(request, [denial], ())
        if not plan.fields and not plan.rewrites_metadata:
            return refusal(request, plan.problems, plan.warnings) if plan.problems else _untouched(plan)
        if keys is None:
            raise RecordKeyUnavailable
        results = self._settlement.results(request, provenance, deadline, trace)
        return results if isinstance(results, Answer) else _finished(request, plan, results, keys)


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
    if request.dry_run and request.name:
        too_large = foreseen_oversize(plan, results.filled, request.manifest, keys)
    if too_large is not None:
        problems.append(too_large)
    if problems:
        return refusal(request, problems, warnings)
    values = [(each.planned.wanted, each.value) for each in results.filled if each.value is not None]
    patch = secret_patch(request.manifest, values, plan.removed, change)
    tally = results.tally
    tally = replace(tally, fates=[*tally.fates, *(Fate.REMOVED for _ in plan.removed)])
    return Answer(True, patch=patch, warnings=warnings, tally=tally)


def _untouched(plan: Plan) -> Answer:
    return Answer(allowed=True, warnings=plan.warnings)


def _other_kind(request: AdmissionRequest) -> Answer:
    if not has_annotations(request.manifest):
        return Answer(allowed=True)
    problem = Problem("the object", "holds references, and Keyhole does not fill objects of this kind")
    return refusal(request, [problem], ())
