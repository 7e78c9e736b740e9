"""The admission of workloads: their templates get variables. Neither Vault nor anybody's rights are asked.

Whoever writes a workload may use any Secret of its namespace in it, so it says nothing about secrets that its author
could not have said with `secretKeyRef`. The values are in a Secret of its own, which `keyhole controller` makes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from kube.namespaces import OptedIn
from manifests.annotations import ENV_SECRET, VARIABLES
from manifests.fields.problem import Problem
from manifests.planning.planned_field import Action, PlannedField
from manifests.variables.asked import AskedFor
from manifests.variables.prepare import prepare
from manifests.variables.templates import BY_GROUP_AND_KIND, Workload
from resolver.budget import Budget, Process
from resolver.causes import Cause
from resolver.deadline import Deadline
from webhook.model import AdmissionRequest, Fate, FieldOutcome

_KUBERNETES_SECONDS: Final = 5.0
_NOT_SERVED: Final = "asks for variables, and Keyhole runs without them (`keyhole serve --variables`)"
_NOT_ENABLED: Final = "asks for variables, but the namespace has not opted in; label it with keyhole.dev/enabled=true"
_NO_VARIABLES: Final = f"asks for variables, and its namespace may not have any; label it with {VARIABLES}=true"
_ORIGIN: Final = "the template"


class VariablesOptIn(Protocol):
    """Knows what namespaces have opted in to, as `kube.namespaces.Namespaces` does."""

    def opted_in(self, namespace: str, timeout_seconds: float) -> OptedIn:
        """Return what the namespace has opted in to."""
        ...


@dataclass(frozen=True, slots=True)
class Worked:
    """What becomes of a workload: a JSON Patch (RFC 6902) if anything changes, and the outcome of each variable.

    With problems it is refused, and the outcomes say what it asked for.
    """

    patch: bytes | None = None
    warnings: Sequence[str] = ()
    problems: Sequence[Problem] = ()
    outcomes: Sequence[FieldOutcome] = field(default=(), repr=False)


class Workloads:
    """Gives the templates of workloads their variables. Threads may share it. `serves` is the switch `--variables`."""

    def __init__(self, namespaces: VariablesOptIn, process: Process, *, serves: bool) -> None:
        self._namespaces = namespaces
        self._process = process
        self._serves = serves

    @staticmethod
    def handles(request: AdmissionRequest) -> bool:
        """Whether the request is about a kind of workload."""
        return (request.group, request.kind) in BY_GROUP_AND_KIND

    def work(self, request: AdmissionRequest, deadline: Deadline) -> Worked:
        """Return what becomes of a workload.

        Raises the errors of `kube` and `resolver.errors.TemporaryError` if the namespace's labels cannot be read, and
        `resolver.budget.TooMuchWork`.
        """
        workload = BY_GROUP_AND_KIND[request.group, request.kind]
        is_owned = _is_owned(request.manifest)
        if is_owned and not _is_filled_although_owned(workload, request):
            return Worked()
        name = "" if is_owned or _is_generated(request) else request.name
        pay = Budget(request.namespace, deadline, self._process).spend
        prepared = prepare(workload, name, request.manifest, request.old_manifest, pay)
        outcomes = [_outcome(each) for each in prepared.variables]
        if prepared.asks and (forbidden := self._forbidden(request, deadline)):
            return Worked(problems=[forbidden], outcomes=outcomes)
        if prepared.problems:
            return Worked(warnings=prepared.warnings, problems=prepared.problems, outcomes=outcomes)
        patch = json.dumps(list(prepared.operations)).encode() if prepared.operations else None
        return Worked(patch, prepared.warnings, outcomes=outcomes)

    def _forbidden(self, request: AdmissionRequest, deadline: Deadline) -> Problem | None:
        if not self._serves:
            return Problem(_ORIGIN, _NOT_SERVED, Cause.VARIABLES_NOT_ENABLED)
        found = self._namespaces.opted_in(request.namespace, deadline.at_most_seconds(_KUBERNETES_SECONDS))
        if not found.is_enabled:
            return Problem(_ORIGIN, _NOT_ENABLED, Cause.NAMESPACE_NOT_ENABLED)
        if not found.has_variables:
            return Problem(_ORIGIN, _NO_VARIABLES, Cause.VARIABLES_NOT_ENABLED)
        return None


def _outcome(asked: AskedFor) -> FieldOutcome:
    # Nothing is done here to what the reference stands for, whether it is a dry run or not.
    planned = PlannedField(asked.field, Action.LEAVE)
    references = dict.fromkeys(asked.field.template.references)
    return FieldOutcome(asked.pointer, Fate.VARIABLE, planned, references=references)


def _is_owned(manifest: Mapping[str, Any]) -> bool:
    """Whether a controller made the object, and would put its template right again."""
    owners = (manifest.get("metadata") or {}).get("ownerReferences")
    return isinstance(owners, list) and any(isinstance(one, dict) and one.get("controller") is True for one in owners)


def _is_filled_although_owned(workload: Workload, request: AdmissionRequest) -> bool:
    """Whether an object with a controller gets variables all the same: it cannot change, and its owner had no marker.

    So the pods of an owner get them of whose kind nobody knows where the template stands.
    """
    template = workload.template(request.manifest) or {}
    notes = (template.get("metadata") or {}).get("annotations") or {}
    return workload.is_fixed and request.operation == "CREATE" and ENV_SECRET not in notes


def _is_generated(request: AdmissionRequest) -> bool:
    """Whether the API server makes up the name, which nobody knows yet when the object is created."""
    manifests = (request.manifest, request.old_manifest or {})
    return any((manifest.get("metadata") or {}).get("generateName") for manifest in manifests)
