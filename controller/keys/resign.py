"""Has records signed again: patches managed objects as their namespace's tenant, and the webhook does the rest."""

import logging
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from http import HTTPStatus

from controller.errors import Interrupted
from controller.following.pacing.budget import Budget, Priority
from controller.managed import Managed
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.metadata_pages import MOST_BYTES, Oversized
from kube.namespaces import Namespaces
from kube.objects import Metadata
from kube.objects_of import resource_of
from kube.tenant_clients import TenantApi, TenantClients
from manifests.annotations import MANAGED, RECORD, REFRESH
from manifests.kinds.codec import Codec
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.provenance import record
from manifests.provenance.key_status import MOST_LEFT_NAMES, Progress
from resolver.identity import RECONCILER
from runtime.bugs import described

log = logging.getLogger("keyhole.controller")

_UNSEEN = "no webhook took notice of the request"
_NOT_SIGNED = "the webhook could not confirm a value and left the record as it was"

_NOT_SERVED = "it was filled in version {}, which the API server no longer serves"
_OVERSIZED = f"its metadata has more than {MOST_BYTES} bytes, so nobody looked for a record in it"

_CALL_SECONDS = 10.0
# If the webhook or Vault is down, every object of the namespace is refused. The next pass tries again.
_MOST_FAILURES_IN_A_ROW = 3


class RecordResigner:
    """Goes through the namespaces that have opted in.

    It patches when nobody else in this process has anything to patch. `go_on` is asked before each request and raises
    `controller.errors.Interrupted` when the work must stop.
    """

    def __init__(
        self,
        namespaces: Namespaces,
        tenants: TenantClients,
        budget: Budget,
        go_on: Callable[[], None],
        kinds: Kinds = ONLY_SECRETS,
    ) -> None:
        self._namespaces = namespaces
        self._tenants = tenants
        self._budget = budget
        self._go_on = go_on
        self._kinds = kinds

    def resign(
        self, old_ids: Collection[str], mark: str, before: Progress, report: Callable[[Progress], None]
    ) -> Progress:
        """Go through all namespaces once and return the result, including what could not be done.

        Objects whose record is signed under one of `old_ids`, if only for one field, get the annotation
        `keyhole.dev/refresh` with the value `mark`.
        `before` is what came of earlier passes. `report` is told the progress after each namespace. Raises
        `kube.errors.KubernetesUnavailable` or `KubernetesError` when namespaces cannot be listed, or `Interrupted`.
        """
        self._go_on()
        namespaces = self._namespaces.list_enabled(_CALL_SECONDS)
        progress = Progress(namespaces=len(namespaces), refreshed=before.refreshed, passes=before.passes)
        problems: dict[str, str] = {}
        for visited, namespace in enumerate(namespaces, 1):
            done = _Namespace(namespace, frozenset(old_ids), mark)
            try:
                self._visit(done)
            except Interrupted:
                raise
            except (KubernetesError, KubernetesUnavailable) as error:
                done.problem = str(error)
            except Exception as error:  # noqa: BLE001 - one namespace must not stop the work for the others
                done.problem = f"a bug in Keyhole: {described(error)}"
                log.error("namespace %s: %s", namespace, done.problem)  # noqa: TRY400 - a traceback may quote values
            done.leave_rest()
            if done.problem:
                problems[namespace] = done.problem
            progress = replace(progress, visited=visited, refreshed=progress.refreshed + done.refreshed)
            progress = progress.with_left(done.left, done.left_names).with_problems(problems)
            report(progress)
        return replace(progress, passes=before.passes + 1)

    def _visit(self, namespace: "_Namespace") -> None:
        self._go_on()
        # Listed to the end before anything is patched, because a list's continue token expires after some minutes.
        tenant = self._tenant(namespace)
        for codec in self._kinds:
            try:
                namespace.due.extend(self._due(namespace, tenant, codec))
            except (KubernetesError, KubernetesUnavailable) as error:
                if not codec.is_listed:
                    raise
                # The other kinds are signed all the same. Of one that the cluster does not know there is nothing.
                if getattr(error, "status", None) != HTTPStatus.NOT_FOUND:
                    namespace.problem = namespace.problem or f"{error}{_advice(error)}"
        while namespace.due:
            with self._budget.patch(namespace.name, self._go_on, priority=Priority.RESIGN):
                self._go_on()
                namespace.patch(self._tenant(namespace), namespace.due.popleft())

    def _tenant(self, namespace: "_Namespace") -> TenantApi:
        """Return the API server as the tenant sees it, for one request: a token is good for minutes."""
        return self._tenants.acting_as(RECONCILER, namespace.name, _CALL_SECONDS)

    def _due(self, namespace: "_Namespace", tenant: TenantApi, codec: Codec) -> Iterator[Managed]:
        """Yield the objects of a kind with a record under an old key, without what makes them large."""
        objects = tenant.of(resource_of(codec))
        for found in objects.list_metadata(namespace.name, f"{MANAGED}=true", _CALL_SECONDS, self._go_on):
            if isinstance(found, Oversized):
                namespace.leave(_OVERSIZED, f"{namespace.name}/{found.name}" if found.name else f"a {codec.kind}")
            elif record_keys(found) & namespace.old_ids:
                version = record.parse(found.annotations.get(RECORD)).version if codec.is_versioned else ""
                yield Managed(codec, replace(found, annotations={}, labels={}, owners=()), version)


class _Namespace:
    """The work in one namespace. `due` has the objects that still have to be patched."""

    def __init__(self, name: str, old_ids: frozenset[str], mark: str) -> None:
        self.name = name
        self.old_ids = old_ids
        self.due: deque[Managed] = deque()
        self.refreshed = 0
        self.left = 0
        self.left_names: list[str] = []
        self.problem = ""
        self._mark = mark
        self._failures_in_a_row = 0

    def patch(self, tenant: TenantApi, due: Managed) -> None:
        """Have one object admitted again. Raises if there is no point in going on in this namespace."""
        try:
            after = due.among(tenant).change(due.name, {REFRESH: self._mark}, _CALL_SECONDS).metadata
        except KubernetesUnavailable as error:
            self.leave(str(error), _shown(due))
            self._failures_in_a_row += 1
            if self._failures_in_a_row == _MOST_FAILURES_IN_A_ROW:
                raise
            return
        except KubernetesError as error:
            # An object that was deleted meanwhile no longer has a record.
            if error.status != HTTPStatus.NOT_FOUND:
                self.leave(str(error), _shown(due))
            elif due.is_in_another_version(tenant, _CALL_SECONDS):
                self.leave(_NOT_SERVED.format(due.api_version), _shown(due))
            return
        self._failures_in_a_row = 0
        if not record_keys(after) & self.old_ids:
            self.refreshed += 1
        else:
            self.leave(_UNSEEN if REFRESH in after.annotations else _NOT_SIGNED, _shown(due))

    def leave_rest(self) -> None:
        """Count what was not reached: if the old key is dropped, these records have to be reported too."""
        while self.due:
            self.leave("it was not tried", _shown(self.due.popleft()))

    def leave(self, why: str, what: str) -> None:
        """Count an object whose record may still be under an old key, and say why."""
        self.left += 1
        if len(self.left_names) < MOST_LEFT_NAMES:
            self.left_names.append(what)
        self.problem = self.problem or f"{what}: {why}"


def _shown(managed: Managed) -> str:
    """Return NAMESPACE/NAME of a Secret, and KIND NAMESPACE/NAME of anything else."""
    return str(managed) if managed.codec.is_listed else str(managed.name)


def _advice(error: Exception) -> str:
    is_forbidden = isinstance(error, KubernetesError) and error.status == HTTPStatus.FORBIDDEN
    return ". Apply the tenant bundle again, as `keyhole tenant --kinds` prints it" if is_forbidden else ""


def record_keys(metadata: Metadata) -> frozenset[str]:
    """Return the ids of the keys under which an object's record is signed. A field may have kept an older one."""
    found = record.parse(metadata.annotations.get(RECORD))
    return frozenset({found.key, *(entry.key for entry in found.entries.values())} - {""})
