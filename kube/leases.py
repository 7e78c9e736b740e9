"""Leader election among several processes: a Lease, held by whoever renews it.

Sources: Kubernetes, *Leases*; client-go's `leaderelection`, whose rules these are: times of other machines are never
compared with our own clock, only whether a Lease changed while we looked. The kubernetes package's own election trusts
the wall clock, waits without a limit for answers and keeps a Lease for its whole duration after it ended.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from math import ceil

from kubernetes import client

from kube.client import call
from kube.errors import Conflict, KubernetesError
from kube.objects import ObjectName

# client-go's own numbers.
DURATION_SECONDS = 15.0
RENEW_WITHIN_SECONDS = 10.0
_MERGE = "application/merge-patch+json"
_APPLY = "application/apply-patch+yaml"
_MANAGER = "keyhole"


class LeaseHolder:
    """One candidate for a Lease. `identity` must be unique among candidates. Times are monotonic, in seconds.

    Not for several threads at once, but for `is_held`.
    """

    def __init__(
        self,
        api: client.ApiClient,
        name: ObjectName,
        identity: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        duration_seconds: float = DURATION_SECONDS,
        renew_within_seconds: float = RENEW_WITHIN_SECONDS,
    ) -> None:
        self.identity = identity
        self._coordination = client.CoordinationV1Api(api)
        self._name = name
        self._clock = clock
        self._duration_seconds = duration_seconds
        self._renew_within_seconds = renew_within_seconds
        self._held_until = 0.0
        self._seen: tuple[str, float] = ("", 0.0)

    @property
    def is_held(self) -> bool:
        """Whether the Lease is ours. It expires for us well before anyone else may take it."""
        return self._clock() < self._held_until

    def hold(self, timeout_seconds: float) -> bool:
        """Take the Lease if it is free, or renew it, and return whether it is ours.

        Raises `kube.errors.KubernetesUnavailable` or `KubernetesError`; what was held is held until it ends by itself.
        """
        asked_at = self._clock()
        lease = self._read(timeout_seconds)
        if lease is not None and not self._may_take(lease, asked_at):
            self._held_until = 0.0
            return False
        try:
            self._write(lease, self.identity, timeout_seconds)
        except Conflict:
            self._held_until = 0.0
            return False
        # Counted from before the request, because the others count from a later moment.
        self._held_until = asked_at + self._renew_within_seconds
        return True

    def release(self, timeout_seconds: float) -> None:
        """Give the Lease back at once, if it is ours. Raises what `hold` raises."""
        if not self.is_held:
            return
        self._held_until = 0.0
        lease = self._read(timeout_seconds)
        if lease is not None and lease.spec is not None and lease.spec.holder_identity == self.identity:
            self._write(lease, "", timeout_seconds)

    def _may_take(self, lease: client.V1Lease, now: float) -> bool:
        spec = lease.spec or client.V1LeaseSpec()
        version = str(lease.metadata.resource_version if lease.metadata else None)
        if version != self._seen[0]:
            self._seen = (version, now)
        if not spec.holder_identity or spec.holder_identity == self.identity:
            return True
        return now >= self._seen[1] + (spec.lease_duration_seconds or self._duration_seconds)

    def _read(self, timeout_seconds: float) -> client.V1Lease | None:
        try:
            return call(
                f"reading Lease {self._name}",
                lambda: self._coordination.read_namespaced_lease(
                    self._name.name, self._name.namespace, _request_timeout=timeout_seconds
                ),
            )
        except KubernetesError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def _write(self, lease: client.V1Lease | None, holder: str, timeout_seconds: float) -> None:
        now = _now()
        before = (lease.spec if lease else None) or client.V1LeaseSpec()
        is_change = before.holder_identity != holder
        acquired = now if is_change or before.acquire_time is None else _written(before.acquire_time)
        spec = {
            "holderIdentity": holder,
            "leaseDurationSeconds": ceil(self._duration_seconds),
            "acquireTime": acquired,
            "renewTime": now,
            "leaseTransitions": (before.lease_transitions or 0) + (1 if is_change and holder else 0),
        }
        if lease is None:
            lease = self._make(timeout_seconds)
        # The request names the version that was read, so of two candidates one gets a conflict.
        version = lease.metadata.resource_version if lease.metadata else None
        call(
            f"renewing Lease {self._name}",
            lambda: self._coordination.patch_namespaced_lease(
                self._name.name,
                self._name.namespace,
                {"metadata": {"resourceVersion": version}, "spec": spec},
                field_manager=_MANAGER,
                _content_type=_MERGE,
                _request_timeout=timeout_seconds,
            ),
        )

    def _make(self, timeout_seconds: float) -> client.V1Lease:
        """Create the Lease without a holder. Candidates that do so at the same time get the same Lease."""
        # By server-side apply, whose URL has the name, so that RBAC can grant the right for this name only.
        metadata = {"name": self._name.name, "namespace": self._name.namespace}
        applied = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
        return call(
            f"making Lease {self._name}",
            lambda: self._coordination.patch_namespaced_lease(
                self._name.name,
                self._name.namespace,
                applied,
                field_manager=_MANAGER,
                _content_type=_APPLY,
                _request_timeout=timeout_seconds,
            ),
        )


def _now() -> str:
    return _written(datetime.now(UTC))


def _written(moment: datetime) -> str:
    # A MicroTime always has a fraction.
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
