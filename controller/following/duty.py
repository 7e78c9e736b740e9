"""The duty that follows Vault: it keeps the schedule of the namespaces, and a few threads work it off.

Level-triggered: a round lists, compares and acts, so whatever a leader did not finish, the next one finds again.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from controller.control_loop import TURN_SECONDS
from controller.errors import Interrupted
from controller.following.namespace import FollowedNamespace
from controller.following.pacing.outage import Outages
from controller.following.pacing.schedule import Schedule
from controller.following.round import NoWebhook, Tools
from controller.led_threads import LedThreads
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.namespaces import Namespaces
from kube.objects import Metadata
from kube.tenant_clients import TenantClients
from manifests.annotations import RESTART
from resolver.identity import RECONCILER
from runtime.bugs import described

log = logging.getLogger("keyhole.controller")

WORKERS: Final = 4
_CALL_SECONDS: Final = 10.0
_NAMESPACES_EVERY_SECONDS: Final = 30.0
# A Vault that comes and goes must not cause rounds everywhere each time.
_CATCH_UP_EVERY_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 1.0
# How often a worker looks again when nothing is followed.
_IDLE_SECONDS: Final = 60.0


class Following:
    """Follows Vault while this process leads.

    `turn` is called again and again by the loop of the duty. The work itself is done in threads of its own, which end
    with `stopping`.
    """

    def __init__(  # noqa: PLR0917 - each part of the process that the duty uses
        self,
        namespaces: Namespaces,
        clients: TenantClients,
        outages: Outages,
        tools: Tools,
        is_leading: Callable[[], bool],
        stopping: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` returns seconds and never goes back."""
        self._namespaces = namespaces
        self._clients = clients
        self._outages = outages
        self._tools = tools
        self._clock = clock
        self._changed = threading.Condition()
        self._schedule = Schedule(clock=clock)
        self._followed: dict[str, FollowedNamespace] = {}
        self._threads = LedThreads("following", is_leading, stopping, self._forget_all)
        self._listed_at = float("-inf")
        self._is_behind = False
        self._caught_up_at = float("-inf")
        self._intervals: Mapping[str, float] = {}
        self._told_unavailable = False

    def turn(self) -> float:
        """Look which namespaces there are, and whether a Vault is back; return how many seconds to wait.

        Raises the errors of `kube` when namespaces cannot be listed, and a bug that a round had.
        """
        self._threads.start({f"following-{number}": self._step for number in range(WORKERS)})
        intervals = self._tools.intervals()
        if intervals != self._intervals:
            self._plan_anew(intervals)
        if intervals:
            if self._clock() - self._listed_at >= _NAMESPACES_EVERY_SECONDS:
                self._follow(self._namespaces.list_enabled_metadata(_CALL_SECONDS))
            self._tools.inquiry.probe()
            self._catch_up(intervals)
        else:
            self._follow([])
        self._tell()
        self._threads.raise_bug()
        return TURN_SECONDS

    def close(self) -> None:
        """Wait until the threads have ended, for two seconds at most. `stopping` must be set."""
        with self._changed:
            self._changed.notify_all()
        self._threads.close()

    def _plan_anew(self, intervals: Mapping[str, float]) -> None:
        """Have a round in each namespace soon: what is planned goes by other intervals, and may be a day away."""
        with self._changed:
            for each in self._followed.values():
                # One that is worked on now is planned when that has ended, and must not go by what was.
                each.interval_seconds = 0.0
            self._schedule.replace(())
            self._listed_at = float("-inf")
            self._intervals = intervals

    def _catch_up(self, intervals: Mapping[str, float]) -> None:
        """Once a Vault is back, have a round in each namespace: its next one may be hours away. The budget paces it."""
        self._is_behind = self._tools.inquiry.has_come_back() or self._is_behind
        if self._is_behind and self._clock() - self._caught_up_at >= _CATCH_UP_EVERY_SECONDS:
            self._is_behind, self._caught_up_at = False, self._clock()
            self._plan_anew(intervals)

    def _follow(self, namespaces: Collection[Metadata]) -> None:
        by_name = {each.name.name: _needed(each) for each in namespaces}
        with self._changed:
            for name in self._followed.keys() - by_name.keys():
                self._forget(name)
            for name, metadata in by_name.items():
                self._followed.setdefault(name, FollowedNamespace(metadata)).metadata = metadata
            self._schedule.replace(by_name)
            self._listed_at = self._clock()
            self._changed.notify_all()

    def _tell(self) -> None:
        with self._changed:
            followed = list(self._followed.values())
            lag_seconds = self._schedule.lag_seconds()
        away = self._tools.intervals().keys() & set(self._outages.away)
        objects, paths = sum(each.objects for each in followed), sum(each.paths for each in followed)
        self._tools.meters.state(objects, paths, len(followed), lag_seconds, away)
        self._tools.meters.problems(self._tools.telling.problems_by_cause())

    def _step(self) -> None:
        with self._changed:
            name = self._schedule.due()
            if name is None:
                self._changed.wait(min(_LOOK_SECONDS, max(0.01, self._schedule.seconds_to_next())))
                return
            namespace, is_round = self._followed[name], self._schedule.is_round(name)
        self._work(namespace, is_round=is_round)

    def _go_on(self, namespace: FollowedNamespace) -> None:
        is_followed = self._followed.get(namespace.name) is namespace
        if not is_followed or not self._threads.may_go_on:
            raise Interrupted

    def _forget_all(self) -> None:
        """Forget everything: by the time this process leads again, another one has worked."""
        with self._changed:
            if self._followed:
                for name in list(self._followed):
                    self._forget(name)
                self._schedule.replace(())
                self._listed_at = float("-inf")
                self._tools.meters.stopped()

    def _forget(self, name: str) -> None:
        del self._followed[name]
        self._tools.forget(name)

    def _work(self, namespace: FollowedNamespace, *, is_round: bool) -> None:
        again_in_seconds: float | None = None
        not_before_seconds = 0.0
        try:
            again_in_seconds = self._attempt(namespace, is_round=is_round)
        except Interrupted:
            pass
        except KubernetesUnavailable as error:
            if not self._told_unavailable:
                log.warning("following: %s", error)
                self._told_unavailable = True
        except (KubernetesError, NoWebhook) as error:
            self._say(namespace, str(error))
            not_before_seconds = self._held_back_seconds(namespace)
        except Exception as error:  # noqa: BLE001 - a bug must affect this namespace only
            log.error("bug while following namespace %s: %s", namespace.name, described(error))  # noqa: TRY400
            not_before_seconds = self._held_back_seconds(namespace)
            self._threads.note(error)
        with self._changed:
            if self._followed.get(namespace.name) is not namespace:
                # What was noted of it since it was forgotten would be kept for ever.
                self._tools.forget(namespace.name)
            interval_seconds = namespace.interval_seconds or min(
                self._tools.intervals().values(), default=_IDLE_SECONDS
            )
            self._schedule.done(
                namespace.name,
                interval_seconds,
                again_in_seconds=again_in_seconds,
                not_before_seconds=not_before_seconds,
            )
            self._changed.notify()

    def _attempt(self, namespace: FollowedNamespace, *, is_round: bool) -> float | None:
        go_on = partial(self._go_on, namespace)
        go_on()
        tenant = self._clients.acting_as(RECONCILER, namespace.name, _CALL_SECONDS)
        again_in_seconds = namespace.work(tenant, self._tools, go_on, is_round=is_round)
        namespace.memory.rounds.times = 0
        self._say(namespace, "")
        self._told_unavailable = False
        return again_in_seconds

    def _held_back_seconds(self, namespace: FollowedNamespace) -> float:
        """Return in how many seconds to look again after a refusal: after 5, 10, 20 … 600 s."""
        now = self._clock()
        namespace.memory.rounds.failed(None, now)
        return namespace.memory.rounds.again_at - now

    def _say(self, namespace: FollowedNamespace, why: str) -> None:
        if why and why != namespace.told:
            log.warning("namespace %s is not followed: %s", namespace.name, why)
        elif namespace.told and not why:
            log.info("namespace %s is followed again", namespace.name)
        namespace.told = why


def _needed(metadata: Metadata) -> Metadata:
    """Return of a Namespace's metadata what restarts need: a quarter of a megabyte of annotations may stand there."""
    notes = {RESTART: metadata.annotations[RESTART]} if RESTART in metadata.annotations else {}
    return replace(metadata, annotations=notes, labels={}, owners=())
