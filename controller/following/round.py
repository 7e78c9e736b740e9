"""One round in one namespace: list its objects, ask Vault, compare, and have filled anew what differs.

A round is worked on in turns of a bounded number of refreshes, so that a namespace with thousands of them holds up no
other one.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from controller.following.comparison import Verdict
from controller.following.hints import hints
from controller.following.memory import Backoff, NamespaceMemory
from controller.following.pacing.budget import Budget
from controller.following.questions import Inquiry
from controller.following.refresh import Ending, Refreshed, refresh, withdraw
from controller.following.survey import Due, Survey
from controller.following.unlisted import Unlisted
from controller.managed import Managed
from controller.restarting.restarts import Restarts
from controller.telling.meters import FollowMeters
from controller.telling.meters import Refresh as Outcome
from controller.telling.telling import Telling
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.objects import Metadata
from kube.tenant_clients import TenantApi
from manifests.following.problem import Hindrance, Problem
from manifests.following.workload import Used, is_used_by_pods
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.provenance.keyring import KeyRing
from resolver.causes import Cause

log = logging.getLogger("keyhole.controller")

MOST_REFRESHES: Final = 100
"""How many refreshes one turn of a round makes. Then other namespaces have their turns."""
_MOST_FAILURES_IN_A_ROW: Final = 3

_OUTCOMES: Final[Mapping[Ending, Outcome]] = {
    Ending.REFRESHED: Outcome.REFRESHED,
    Ending.KEPT: Outcome.KEPT,
    Ending.CONFLICT: Outcome.CONFLICT,
    Ending.UNSEEN: Outcome.UNSEEN,
    Ending.IMMUTABLE: Outcome.IMMUTABLE,
    Ending.REFUSED: Outcome.FAILED,
    Ending.UNAVAILABLE: Outcome.FAILED,
}


class NoWebhook(Exception):
    """A request for a refresh came back as it was: no webhook looks at this namespace's objects of that kind."""

    def __init__(self, managed: Managed) -> None:
        super().__init__(f"no webhook took notice of the request to refresh {managed}")


@dataclass(frozen=True, slots=True)
class Tools:
    """What all rounds share. Threads may share it. Without `restarts` no workload is restarted.

    `keys` returns the record keys, or None while they are not known. `intervals` returns the seconds between two rounds
    for each connection that is followed.
    """

    inquiry: Inquiry
    budget: Budget
    telling: Telling
    meters: FollowMeters
    keys: Callable[[], KeyRing | None]
    intervals: Callable[[], Mapping[str, float]]
    restarts: Restarts | None = None
    kinds: Kinds = ONLY_SECRETS
    unlisted: Unlisted = field(default_factory=Unlisted)
    clock: Callable[[], float] = time.monotonic

    def forget(self, namespace: str) -> None:
        """Forget a namespace that is no longer followed."""
        self.telling.forget(namespace)
        self.unlisted.forget(namespace)
        if self.restarts is not None:
            self.restarts.forget(namespace)


class Round:
    """One round: `begin` once, then `ask_some` and `refresh_some` until they return True, then `end`."""

    def __init__(
        self,
        namespace: Metadata,
        tenant: TenantApi,
        memory: NamespaceMemory,
        tools: Tools,
        go_on: Callable[[], None],
    ) -> None:
        """`namespace` is the Namespace's own metadata. `go_on` raises `Interrupted` when the work must stop."""
        self.survey = Survey(tenant, memory, tools.keys)
        self._namespace = namespace
        self._tenant = tenant
        self._memory = memory
        self._tools = tools
        self._go_on = go_on
        self._left: deque[Due] = deque()
        self._is_compared = False
        self._failures_in_a_row = 0
        self.refreshed = 0
        """How many objects that pods can use were refreshed."""

    @property
    def interval_seconds(self) -> float:
        """In how many seconds the next round is due: the shortest interval of the connections that are used here."""
        intervals = self._tools.intervals()
        used = {asked.connection for asked in self.survey.paths} & intervals.keys()
        return min((intervals[name] for name in used or intervals), default=0.0)

    def begin(self) -> None:
        """List what is there. Raises the errors of `kube`, or `Interrupted`."""
        self.survey.list(self._tools.kinds, self._tools.unlisted, self._go_on)
        self.survey.plan(self._tools.intervals(), self._tools.clock())

    def ask_some(self) -> bool:
        """Ask about some of the paths, and compare once all answers are there. Returns whether they are.

        Raises the errors of `kube`, or `Interrupted`.
        """
        if self._is_compared:
            return True
        if not self.survey.ask_some(self._tools.inquiry, self._go_on):
            return False
        now = self._tools.clock()
        self.survey.compare(now, self._go_on)
        self._is_compared = True
        self._left.extend(self.survey.due)
        if self._tools.restarts is not None and any(is_used_by_pods(due.managed.codec) for due in self._left):
            self._note_baselines(self._tools.restarts, now)
        return True

    def _note_baselines(self, restarts: Restarts, now: float) -> None:
        """Note what workloads run on before it changes: else the first change would restart nothing.

        If that fails again and again, the values are worth more: a definition whose objects cannot be listed must not
        keep them back for ever.
        """
        try:
            restarts.baselines(self._tenant, self._namespace, self.survey.listed, self._go_on)
        except (KubernetesError, KubernetesUnavailable) as error:
            self._memory.baselines_failed += 1
            if self._memory.baselines_failed < _MOST_FAILURES_IN_A_ROW:
                raise
            log.warning(
                "namespace %s: refreshed although workloads cannot be noted: %s", self._namespace.name.name, error
            )
        else:
            self._memory.baselines_failed = 0
            self._memory.baselines_at = now

    def refresh_some(self, most: int = MOST_REFRESHES) -> bool:
        """Refresh at most so many objects. Returns whether none is left.

        Raises `NoWebhook`, `Interrupted`, and `KubernetesUnavailable` after a few failures in a row.
        """
        for _ in range(min(most, len(self._left))):
            self._refresh(self._left.popleft())
        return not self._left

    def end(self) -> None:
        """Tell what is wrong for good, and what no longer is. Raises `Interrupted`."""
        name, restarts = self._namespace.name.name, self._tools.restarts
        held = restarts.problems(name) if restarts is not None else {}
        for managed in self.survey.listed:
            uid, used = managed.metadata.uid, Used.of(managed.codec, managed.name.name)
            found = self.survey.problems.get(uid) or (held.get(used) if used else None)
            if found is not None or uid in self.survey.problems:
                self._tools.telling.problem(self._tenant, managed, found, self._go_on)
        self._tools.telling.retain(name, [managed.identity for managed in self.survey.listed])
        for word, text in hints(self.survey.answers, self.survey.left_out, self._tools.unlisted.denied(name)):
            self._tools.telling.hint(name, word, text)

    def _refresh(self, due: Due) -> None:
        done = refresh(self._tenant, due.managed, due.verdict, self.survey.verdict, self._tools.budget, self._go_on)
        if done.ending in _OUTCOMES:
            self._tools.meters.refreshed(_OUTCOMES[done.ending])
        self._failures_in_a_row = self._failures_in_a_row + 1 if done.ending is Ending.UNAVAILABLE else 0
        managed = due.managed
        tell = partial(
            self._tools.telling.event, self._tenant, managed.metadata, managed.codec.kind, managed.api_version
        )
        memory = self._memory.of(managed.metadata.uid)
        match done.ending:
            case Ending.REFRESHED:
                self.refreshed += is_used_by_pods(managed.codec)
                memory.backoff, memory.made_anew = None, frozenset()
                tell("Refreshed", _said(due.verdict), is_warning=False)
            case Ending.UNSEEN:
                after = withdraw(self._tenant, managed)
                problem = self._lasting(due, Hindrance.UNSEEN)
                self._tools.telling.problem(self._tenant, after, problem, self._go_on)
                raise NoWebhook(managed)
            case Ending.IMMUTABLE:
                memory.given_up |= frozenset(due.verdict.differences)
                self._lasting(due, Hindrance.IMMUTABLE)
                tell("NotRefreshed", "it is immutable, so it keeps the value that it has", is_warning=True)
            case Ending.KEPT | Ending.REFUSED:
                self._hold_back(due, done)
            case Ending.UNAVAILABLE if self._failures_in_a_row == _MOST_FAILURES_IN_A_ROW:
                raise KubernetesUnavailable("could not have objects filled again")

    def _hold_back(self, due: Due, done: Refreshed) -> None:
        """Try this object again later, and say why. After an outage of the webhook's, the next round tries again."""
        memory = self._memory.of(due.managed.metadata.uid)
        if any(done.cause == cause and cause.is_temporary for cause in Cause):
            memory.backoff = None
            return
        memory.backoff = memory.backoff or Backoff()
        problem = self._lasting(due, done.cause or Hindrance.NOT_REFRESHED)
        memory.backoff.failed(problem, self._tools.clock())

    def _lasting(self, due: Due, cause: str) -> Problem:
        problem = Problem(cause, due.followed.fields[0].pointer)
        self.survey.problems[due.managed.metadata.uid] = problem
        return problem


def _said(verdict: Verdict) -> str:
    """Return what changed, for an Event: paths and versions, no value."""
    parts = [
        f"{each.asked.path} version {each.version}" if each.version is not None else each.asked.path
        for each in verdict.differences
    ]
    return f"Vault has new values: {', '.join(parts)}"
