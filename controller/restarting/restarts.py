"""Restarts workloads when a Secret or ConfigMap that they use has changed, one at a time in a namespace.

What was done stands on the workloads (`keyhole.dev/rolled`), so a crash or a second leader repeats nothing, and what
happened meanwhile is seen. Memory holds what only costs time if it is lost.
"""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from controller.following.pacing.budget import Budget, Priority
from controller.managed import Managed
from controller.restarting.announcing import Announcer, names_of
from controller.restarting.opted_in import CALL_SECONDS, NoRight, OptedIn, Seen, states_of
from controller.telling.meters import FollowMeters, Restart
from controller.telling.telling import Telling
from kube.errors import Conflict, KubernetesError
from kube.objects import Metadata
from kube.tenant_clients import TenantApi
from kube.workloads import Workloads
from manifests.annotations import RESTART
from manifests.following.problem import Problem
from manifests.following.restarting import baseline_patch, decide, restart_patch
from manifests.following.rolled import Marks
from manifests.following.workload import Used

log = logging.getLogger("keyhole.controller")

GoOn = Callable[[], None]

# Objects that change one after another are one restart.
_QUIET_SECONDS: Final = 5.0
_LONGEST_QUIET_SECONDS: Final = 30.0
_FIRST_LOOK_SECONDS: Final = 2.0
_MOST_LOOK_SECONDS: Final = 15.0
# For what ends only when a person does something.
_IDLE_LOOK_SECONDS: Final = 60.0
_AGAIN_SECONDS: Final = 600.0
_MOST_IN_PROGRESS: Final = 5
# A namespace in which one progresses is looked at more often than that.
_IN_PROGRESS_SECONDS: Final = 120.0
# Then another namespace has its place: five that never become ready must not keep all others waiting.
_LONGEST_IN_PROGRESS_SECONDS: Final = 300.0
_MOST_REMEMBERED: Final = 50_000


@dataclass(slots=True)
class _Place:
    """What is remembered of a namespace."""

    workloads: OptedIn
    states: Marks | None = None
    changed_at: float = 0.0
    pending_at: float | None = None
    looks: int = 0
    refused_until: dict[str, float] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    problems: Mapping[Used, Problem] = field(default_factory=dict)
    told_until: float = 0.0


class Restarts:
    """Looks at one namespace at a time, and restarts at most one workload of it. Threads may share it.

    For one namespace only one thread at a time may call.
    """

    def __init__(
        self,
        budget: Budget,
        tell: Telling,
        meters: FollowMeters,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`clock` gives monotonic seconds, `now` the time of day in UTC."""
        self._budget = budget
        self._announcer = Announcer(tell)
        self._meters = meters
        self._clock = clock
        self._now = now
        self._lock = threading.Lock()
        self._places: OrderedDict[str, _Place] = OrderedDict()
        # Since when, and until when unless it is seen again. Kept when it has ended, so that nobody starts afresh.
        self._in_progress: dict[str, tuple[float, float]] = {}

    def baselines(self, tenant: TenantApi, namespace: Metadata, listed: Sequence[Managed], go_on: GoOn) -> None:
        """Note on each workload that opted in, and has no such note, what its pods have. Restarts nothing.

        To be called before a round's refreshes with the objects that the round has listed, and from time to time: one
        that changes before its users are noted restarts nothing. Raises errors of `kube`, and what `go_on` raises.
        """
        place = self._place(namespace.name.name)
        seen = self._look(place, tenant, namespace, listed, go_on)
        self._note_baselines(place, tenant, seen, states_of(listed, seen), go_on)

    def visit(self, tenant: TenantApi, namespace: Metadata, listed: Sequence[Managed], go_on: GoOn) -> float | None:
        """Look at the namespace's workloads, and restart the one that is due, if any.

        `listed` is a fresh list of the managed objects that pods can use. Returns in how many seconds to call again,
        None if nothing is pending. Raises errors of `kube`, and what `go_on` raises.
        """
        name = namespace.name.name
        place, now = self._place(name), self._clock()
        seen = self._look(place, tenant, namespace, listed, go_on)
        states = states_of(listed, seen)
        self._note_baselines(place, tenant, seen, states, go_on)
        if place.states != states:
            place.states, place.changed_at = states, now
        place.refused_until = {uid: until for uid, until in place.refused_until.items() if until > now}
        judged = {(one.workload.kind, one.workload.name): one for one in seen}
        found = decide([one.workload for one in seen if one.metadata.uid not in place.refused_until], states)
        self._count_held(place, [judged[one.kind, one.name].metadata.uid for one, _ in found.held])
        place.problems = self._announcer.tell(tenant, found, judged, states)
        self._set_in_progress(name, is_busy=bool(found.busy))
        if found.restart is not None:
            due = judged[found.restart.kind, found.restart.name]
            return self._quiet_seconds(place, now) or self._restart(place, tenant, due, states, go_on)
        place.pending_at = None
        if found.busy or found.waiting:
            place.looks += 1
            return min(_MOST_LOOK_SECONDS, _FIRST_LOOK_SECONDS * float(2 ** min(place.looks - 1, 8)))
        place.looks = 0
        return None if found.is_over and not place.refused_until else _IDLE_LOOK_SECONDS

    def problems(self, namespace: str) -> Mapping[Used, Problem]:
        """Return what keeps a changed value from its users, by the object that holds it, as of the last visit."""
        with self._lock:
            place = self._places.get(namespace)
        return place.problems if place else {}

    def forget(self, namespace: str) -> None:
        """Forget a namespace that is no longer followed."""
        with self._lock:
            self._places.pop(namespace, None)
            self._in_progress.pop(namespace, None)

    def _place(self, namespace: str) -> _Place:
        with self._lock:
            place = self._places.setdefault(namespace, _Place(OptedIn(self._clock)))
            self._places.move_to_end(namespace)
            left = sum(1 + len(one.workloads) for one in self._places.values()) - _MOST_REMEMBERED
            while left > 0 and len(self._places) > 1:
                _, oldest = self._places.popitem(last=False)
                left -= 1 + len(oldest.workloads)
            return place

    def _look(
        self, place: _Place, tenant: TenantApi, namespace: Metadata, listed: Sequence[Managed], go_on: GoOn
    ) -> list[Seen]:
        try:
            return place.workloads.look(tenant, namespace, go_on)
        except NoRight:
            asking = (namespace, *(one.metadata for one in listed))
            is_wanted = any(one.annotations.get(RESTART) == "true" for one in asking)
            if is_wanted and place.told_until <= self._clock():
                place.told_until = self._clock() + _AGAIN_SECONDS
                log.warning(
                    "namespace %s asks for restarts (%s) and does not let Keyhole do them: apply its bundle again, as"
                    " `keyhole tenant --restarts` prints it",
                    *(namespace.name.name, RESTART),
                )
            return []

    def _note_baselines(
        self, place: _Place, tenant: TenantApi, seen: Sequence[Seen], states: Marks, go_on: GoOn
    ) -> None:
        for one in seen:
            marks = one.workload.baseline(states)
            if marks is None or place.refused_until.get(one.metadata.uid, 0.0) > self._clock():
                continue
            if self._patch(place, tenant, one, baseline_patch(marks), go_on):
                self._meters.restarted(Restart.BASELINE)

    def _restart(self, place: _Place, tenant: TenantApi, due: Seen, states: Marks, go_on: GoOn) -> float:
        """Restart a workload if not too many are in progress, and return when to look again."""
        if not self._may_begin(due.metadata.name.namespace):
            return _QUIET_SECONDS
        at = self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        patch = restart_patch(due.kind.value, due.workload.after_restart(states), at)
        place.looks = 0
        if self._patch(place, tenant, due, patch, go_on):
            self._meters.restarted(Restart.RESTARTED)
            self._announcer.restarted(tenant, due, names_of(due.workload, states))
        else:
            self._set_in_progress(due.metadata.name.namespace, is_busy=False)
        return _FIRST_LOOK_SECONDS

    def _patch(self, place: _Place, tenant: TenantApi, one: Seen, body: Mapping[str, object], go_on: GoOn) -> bool:
        """Change that state of a workload, and return whether it was changed.

        If it has another state now, it is looked at again. If the API server refuses, that is told, and it is left
        alone for ten minutes: the refreshes of the namespace, and its other workloads, must not wait for it.
        """
        with self._budget.patch(tenant.namespace, go_on, priority=Priority.REFRESH):
            go_on()
            metadata = one.metadata
            try:
                Workloads(tenant.api).patch(one.kind, metadata.name, body, metadata.resource_version, CALL_SECONDS)
            except Conflict:
                return False
            except KubernetesError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    place.refused_until[metadata.uid] = self._clock() + _AGAIN_SECONDS
                    self._meters.restarted(Restart.FAILED)
                    self._announcer.refused(tenant, one, error.status)
                return False
        return True

    def _quiet_seconds(self, place: _Place, now: float) -> float:
        """Return how long to wait for further changes of the namespace's objects."""
        if place.pending_at is None:
            place.pending_at = now
        return max(0.0, min(place.changed_at + _QUIET_SECONDS, place.pending_at + _LONGEST_QUIET_SECONDS) - now)

    def _count_held(self, place: _Place, held: Collection[str]) -> None:
        for _ in set(held) - place.held:
            self._meters.restarted(Restart.HELD)
        place.held = frozenset(held)

    def _set_in_progress(self, namespace: str, *, is_busy: bool) -> None:
        with self._lock:
            now = self._clock()
            since, _ = self._in_progress.get(namespace, (now, 0.0))
            if is_busy:
                until = min(now + _IN_PROGRESS_SECONDS, since + _LONGEST_IN_PROGRESS_SECONDS)
                self._in_progress[namespace] = (since, until)
            elif namespace in self._in_progress:
                self._in_progress[namespace] = (since, now)

    def _may_begin(self, namespace: str) -> bool:
        """Whether fewer than five other namespaces have one in progress. If so, this one has."""
        with self._lock:
            now = self._clock()
            forgotten = now - 2 * _LONGEST_IN_PROGRESS_SECONDS
            self._in_progress = {name: one for name, one in self._in_progress.items() if max(one) > forgotten}
            others = [until for name, (_, until) in self._in_progress.items() if name != namespace and until > now]
            if len(others) >= _MOST_IN_PROGRESS:
                return False
            self._in_progress[namespace] = (now, now + _IN_PROGRESS_SECONDS)
            return True
