"""The part of the loop that restarts, in the test's own process: real clients, and a clock that the test turns."""

from controller.following.listing import managed_objects
from controller.following.pacing.budget import Budget
from controller.following.unlisted import Unlisted
from controller.managed import Managed
from controller.restarting.restarts import Restarts
from controller.telling.meters import FollowMeters
from controller.telling.telling import Telling
from kube.objects import Metadata
from kube.tenant_clients import TenantClients
from manifests.kinds.known import ONLY_SECRETS
from metrics.meters import Meters
from resolver.identity import RECONCILER
from tests.clock import Clock
from tests.e2e.restarting.kubelet import Kubelet
from tests.e2e.restarting.workloads import Namespaced

_SECONDS = 10.0
_MOST_VISITS = 400


class Loop:
    """One leader's restarts in one namespace; `before` is the same leader in another one."""

    def __init__(
        self, clients: TenantClients, namespace: Namespaced, kubelet: Kubelet, before: "Loop | None" = None
    ) -> None:
        self.meters: Meters = before.meters if before else Meters.alone()
        self.clock: Clock = before.clock if before else Clock()
        self.waited: list[float | None] = []
        self._clients = clients
        self._namespace = namespace
        self._kubelet = kubelet
        budget = Budget(patches_per_second=1000)
        own = Restarts(budget, Telling(), FollowMeters(self.meters), self.clock)
        self.restarts: Restarts = before.restarts if before else own

    def baselines(self) -> None:
        """Do what the loop does before refreshes, and wait until the workloads are at rest again.

        An annotation is a new generation of a Deployment. Until its controller has seen it, a rollout is in progress.
        """
        tenant = self._clients.acting_as(RECONCILER, self._namespace.name, _SECONDS)
        self.restarts.baselines(tenant, self._metadata(), self._listed(), lambda: None)
        self._kubelet.settle()

    def visit(self) -> float | None:
        """Look once, and pass the time until the next look."""
        tenant = self._clients.acting_as(RECONCILER, self._namespace.name, _SECONDS)
        seconds = self.restarts.visit(tenant, self._metadata(), self._listed(), lambda: None)
        self.waited.append(seconds)
        self.clock.now += seconds or 0.0
        return seconds

    def run(self) -> None:
        """Go on until nothing is pending, or only what a person has to see to."""
        for _ in range(_MOST_VISITS):
            if self.visit() in {None, 60.0}:
                return
            self._kubelet.settle()
        raise AssertionError(self.waited[-10:])

    def counted(self, outcome: str) -> float:
        """Return how often something is counted to have happened."""
        begin = f'keyhole_follow_restarts_total{{outcome="{outcome}"}} '
        return next(
            float(line[len(begin) :]) for line in self.meters.text().decode().splitlines() if line.startswith(begin)
        )

    def _metadata(self) -> Metadata:
        answer = self._namespace.bed.kubernetes.request("GET", f"/api/v1/namespaces/{self._namespace.name}")
        return Metadata.of(answer.json())

    def _listed(self) -> list[Managed]:
        tenant = self._clients.acting_as(RECONCILER, self._namespace.name, _SECONDS)
        return list(managed_objects(tenant, ONLY_SECRETS, Unlisted(), lambda: None))
