"""Finds the owners of generated Secrets: asks the API server what a pod's metadata leaves open, and remembers it."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Final

from controller.variables.need import reference
from kube.objects import Metadata
from kube.objects_of import Resource
from kube.tenant_clients import TenantApi
from kube.variables.owners import read_owner
from manifests.variables.owners import Found, NoOwner, OwnerReference, PodFacts, owner, sought

_CALL_SECONDS: Final = 10.0
# Owners begin to go, and who is remembered as staying would be an owner again.
_REMEMBERED_SECONDS: Final = 30.0
_MOST_REMEMBERED: Final = 5_000


class OwnerLookup:
    """Finds owners, for any tenant. Threads may share it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives monotonic seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        self._remembered: OrderedDict[tuple[str, str, str], tuple[OwnerReference, float]] = OrderedDict()

    def owners(self, tenant: TenantApi, pods: Collection[PodFacts]) -> dict[tuple[str, str], OwnerReference]:
        """Return the owner for each pod, by the pod's key; those pods that go with their owners are left out.

        Raises the errors of `kube`.
        """
        found: dict[tuple[str, str], OwnerReference] = {}
        for pod in pods:
            known = self._known(tenant.namespace, pod)
            if known is None:
                try:
                    known = owner(pod, _read(tenant, pod))
                except NoOwner:
                    continue
                self._remember(tenant.namespace, pod, known)
            found[pod.key] = known
        return found

    def _known(self, namespace: str, pod: PodFacts) -> OwnerReference | None:
        with self._lock:
            known, until = self._remembered.get((namespace, *pod.key), (None, 0.0))
            return known if self._clock() < until else None

    def _remember(self, namespace: str, pod: PodFacts, known: OwnerReference) -> None:
        with self._lock:
            key = (namespace, *pod.key)
            self._remembered[key] = known, self._clock() + _REMEMBERED_SECONDS
            self._remembered.move_to_end(key)
            if len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.popitem(last=False)


def _read(tenant: TenantApi, pod: PodFacts) -> Found | None:
    wanted = sought(pod)
    if wanted is None:
        return None
    resource = Resource(wanted.group, wanted.version, wanted.kind, wanted.plural)
    found = read_owner(tenant, resource, wanted.name, _CALL_SECONDS)
    return None if found is None else _found(found)


def _found(metadata: Metadata) -> Found:
    controller = next((each for each in metadata.owners if each.is_controller), None)
    return Found(metadata.uid, metadata.is_going, reference(controller) if controller else None)
