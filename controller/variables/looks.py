"""Looks at the pods of one namespace: lists its generated Secrets and its pods, and watches the pods for a while."""

import logging
import random
import threading
from collections.abc import Callable
from typing import Final

from controller.variables.meters import Refusal, VariablesMeters
from controller.variables.need import facts_of, needs
from controller.variables.shared import Shared
from controller.variables.telling import VariablesTelling
from kube.metadata_pages import Oversized
from kube.objects import Metadata
from kube.tenant_clients import TenantApi, TenantClients
from kube.variables.generated_secrets import GeneratedSecrets
from kube.variables.pods import Pods
from kube.variables.watch import Change, Watch
from manifests.annotations import GENERATED, USES_VARIABLES
from manifests.variables.generated import MarkerMismatch
from resolver.identity import RECONCILER
from runtime.bugs import described

log = logging.getLogger("keyhole.controller")

_CALL_SECONDS: Final = 10.0
_SELECTOR: Final = f"{USES_VARIABLES}=true"
# After that everything is listed again, whatever the watch has said.
_WATCHED_SECONDS: Final = 600
# While pods wait because there are too many Secrets, one of them may go at any time.
_WATCHED_SECONDS_WHEN_FULL: Final = 60
_TOO_MANY: Final = (
    "The namespace has as many generated Secrets as Keyhole makes in one. Each set of references of a workload has "
    "one. They go with the last revision that uses them."
)
# Listing takes memory for a page, so only a few do it at a time.
_MOST_LISTING: Final = 4


class Looks:
    """Looks at namespaces. Threads may share it."""

    def __init__(
        self, clients: TenantClients, shared: Shared, telling: VariablesTelling, meters: VariablesMeters
    ) -> None:
        self._clients = clients
        self._shared = shared
        self._telling = telling
        self._meters = meters
        self._listing = threading.Semaphore(_MOST_LISTING)

    def once(self, namespace: str, go_on: Callable[[], None]) -> Pods:
        """List the namespace's generated Secrets and its pods.

        Raises the errors of `kube`, and what `go_on` raises between requests.
        """
        with self._listing:
            go_on()
            tenant = self._clients.acting_as(RECONCILER, namespace, _CALL_SECONDS)
            secrets = GeneratedSecrets(tenant, GENERATED).list(_CALL_SECONDS, go_on)
            self._shared.listed(namespace, (one for one in secrets if not isinstance(one, Oversized)))
            pods = Pods(tenant, _SELECTOR)
            for pod in pods.list(_CALL_SECONDS, go_on):
                if not isinstance(pod, Oversized):
                    self.see(tenant, pod, is_listed=True)
            self._shared.pods_listed(namespace)
        return pods

    def watch(self, namespace: str, go_on: Callable[[], None], opened: Callable[[Watch | None], None]) -> None:
        """List as `once` does, and watch the pods until it is time to list again.

        `opened` is given the watch, and None after it. Raises the errors of `kube`, `kube.variables.watch.TooOld`, and
        what `go_on` raises at each event.
        """
        pods = self.once(namespace, go_on)
        tenant = self._clients.acting_as(RECONCILER, namespace, _CALL_SECONDS)
        seconds = _WATCHED_SECONDS_WHEN_FULL if self._shared.has_too_many(namespace) else _WATCHED_SECONDS
        watch = pods.watch(round(seconds * random.uniform(0.9, 1.1)))  # noqa: S311 - a spread, no secret
        try:
            opened(watch)
            for seen in watch.events(go_on):
                if seen.change is Change.DELETED:
                    self._shared.gone(namespace, seen.metadata.uid)
                else:
                    self.see(tenant, seen.metadata)
        finally:
            opened(None)
            watch.close()

    def see(self, tenant: TenantApi, pod: Metadata, *, is_listed: bool = False) -> None:
        """Note what a pod needs; `is_listed` as in `Shared.see`. Never raises errors of `kube`."""
        if pod.is_going:
            self._shared.gone(tenant.namespace, pod.uid)
            return
        try:
            needed = needs(pod)
        except MarkerMismatch as error:
            self._meters.refused(Refusal.MARKER)
            self._telling.missing(tenant, facts_of(pod), "", error.problem)
            return
        except Exception as error:  # noqa: BLE001 - what one pod says must not keep the others of the namespace waiting
            self._meters.refused(Refusal.BUG)
            log.error("bug with the pod %s: %s", pod.name, described(error))  # noqa: TRY400
            return
        if needed and not self._shared.see(tenant.namespace, pod.uid, needed, is_listed=is_listed):
            self._meters.refused(Refusal.TOO_MANY)
            self._telling.missing(tenant, facts_of(pod), needed[0].secret.name, _TOO_MANY)
