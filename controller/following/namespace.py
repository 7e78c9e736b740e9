"""One namespace that is followed: its rounds, and the restarts that come after them."""

from collections.abc import Callable
from typing import Final

from controller.following.listing import managed_objects
from controller.following.memory import NamespaceMemory
from controller.following.round import Round, Tools
from kube.objects import Metadata
from kube.tenant_clients import TenantApi
from manifests.following.workload import is_used_by_pods

_BASELINES_EVERY_SECONDS: Final = 600.0


class FollowedNamespace:
    """One namespace. Only one thread at a time works on it.

    `metadata` is the Namespace's own. `interval_seconds` is the time between two rounds; 0 before the first one.
    `objects` and `paths` are how many are followed. `told` is what the log last said about it.
    """

    def __init__(self, metadata: Metadata) -> None:
        self.metadata = metadata
        self.memory = NamespaceMemory()
        self.interval_seconds = 0.0
        self.objects = 0
        self.paths = 0
        self.told = ""
        self._round: Round | None = None
        self._visit_at: float | None = None

    @property
    def name(self) -> str:
        """The namespace's name."""
        return self.metadata.name.name

    def work(self, tenant: TenantApi, tools: Tools, go_on: Callable[[], None], *, is_round: bool) -> float | None:
        """Work for a while: on a new round if `is_round`, else on what was begun.

        Returns in how many seconds to go on; None means with the next round.
        Raises the errors of `kube`, `NoWebhook` or `Interrupted`. The next round finds again what was not done then.
        """
        # A round that fails is not taken up again.
        current, self._round = self._round, None
        if current is None and is_round:
            current = Round(self.metadata, tenant, self.memory, tools, go_on)
            current.begin()
        if current is not None:
            if not current.ask_some() or not current.refresh_some():
                self._round = current
                return 0.0
            current.end()
            self._ended(current, tenant, tools, go_on)
        return self._restart(tenant, tools, go_on)

    def _ended(self, ended: Round, tenant: TenantApi, tools: Tools, go_on: Callable[[], None]) -> None:
        self.interval_seconds = ended.interval_seconds
        self.objects, self.paths = ended.survey.objects, len(ended.survey.paths)
        if tools.restarts is None:
            return
        if ended.refreshed or ended.survey.changes != self.memory.changes:
            self._visit_at = tools.clock()
        elif tools.clock() - self.memory.baselines_at >= _BASELINES_EVERY_SECONDS:
            self.memory.baselines_at = tools.clock()
            tools.restarts.baselines(tenant, self.metadata, ended.survey.listed, go_on)
        self.memory.changes = ended.survey.changes

    def _restart(self, tenant: TenantApi, tools: Tools, go_on: Callable[[], None]) -> float | None:
        """Restart what has to be, if it is time, and return in how many seconds to look again."""
        if tools.restarts is None or self._visit_at is None:
            return None
        if tools.clock() >= self._visit_at:
            kinds = [codec for codec in tools.kinds if is_used_by_pods(codec)]
            used = list(managed_objects(tenant, kinds, tools.unlisted, go_on))
            wait_seconds = tools.restarts.visit(tenant, self.metadata, used, go_on)
            self._visit_at = None if wait_seconds is None else tools.clock() + wait_seconds
        return None if self._visit_at is None else max(0.0, self._visit_at - tools.clock())
