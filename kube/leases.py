"""Who of several processes leads: a Lease, held by whoever renews it.

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


class LeaseHolder:
    """One candidate for a Lease. `identity` is unlike every other candidate's. Times are monotonic, in seconds.

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
        """Whether the Lease is ours. It ends by itself, well before anybody else may take it."""
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
        # Counted from before the question: the others' time began no earlier than that.
        self._held_until = asked_at + self._renew_within_seconds
        return True

    def release(self, timeout_seconds: float) -> None:
        """Give the Lease back at once, if it is ours; raises as `hold` does."""
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
        spec = client.V1LeaseSpec(
            holder_identity=holder,
            lease_duration_seconds=ceil(self._duration_seconds),
            acquire_time=now if is_change else before.acquire_time,
            renew_time=now,
            lease_transitions=(before.lease_transitions or 0) + (1 if is_change and holder else 0),
        )
        name, namespace = self._name.name, self._name.namespace
        if lease is None:
            made = client.V1Lease(metadata=client.V1ObjectMeta(name=name, namespace=namespace), spec=spec)
            call(
                f"making Lease {self._name}",
                lambda: self._coordination.create_namespaced_lease(namespace, made, _request_timeout=timeout_seconds),
            )
            return
        # With the resourceVersion that was read: of two candidates one gets a conflict.
        lease.spec = spec
        call(
            f"renewing Lease {self._name}",
            lambda: self._coordination.replace_namespaced_lease(
                name, namespace, lease, _request_timeout=timeout_seconds
            ),
        )


def _now() -> datetime:
    now = datetime.now(UTC)
    # The package writes whole seconds without a fraction, which the API server does not take for a MicroTime.
    return now if now.microsecond else now.replace(microsecond=1)
