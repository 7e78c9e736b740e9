"""The duty that makes the Secrets behind variables: which namespaces it looks at, and the threads that work.

Level-triggered: a list of the Secrets and one of the pods say all there is to do, so whatever a leader did not finish,
the next one finds again.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from controller.control_loop import TURN_SECONDS
from controller.errors import Interrupted
from controller.led_threads import LedThreads
from controller.variables.looking import Lister, Watcher
from controller.variables.looks import Looks
from controller.variables.making import Making
from controller.variables.meters import VariablesMeters
from controller.variables.owner_lookup import OwnerLookup
from controller.variables.settings import VariablesSettings
from controller.variables.shared import WORKERS, Shared
from controller.variables.telling import VariablesTelling
from controller.variables.worker import Worker
from kube.namespaces import Namespaces
from kube.tenant_clients import TenantClients
from manifests.annotations import VARIABLES

_CALL_SECONDS: Final = 10.0
_NAMESPACES_EVERY_SECONDS: Final = 5.0


class Variables:
    """Makes the Secrets behind variables while this process leads.

    `turn` is called again and again by the loop of the duty. The work itself is done in threads of its own, which end
    with `stopping`.
    """

    def __init__(  # noqa: PLR0917 - each part of the process that the duty uses
        self,
        settings: VariablesSettings,
        namespaces: Namespaces,
        clients: TenantClients,
        telling: VariablesTelling,
        meters: VariablesMeters,
        is_leading: Callable[[], bool],
        stopping: threading.Event,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` gives monotonic seconds."""
        self._most_watches = settings.most_watches
        self._namespaces = namespaces
        self._meters = meters
        self._stopping = stopping
        self._clock = clock
        self._shared = Shared(clock)
        self._looks = Looks(clients, self._shared, telling, meters)
        self._worker = Worker(clients, self._shared, Making(OwnerLookup(clock)), telling, meters, clock)
        self._lister = Lister(self._looks, self._go_on)
        # Held while it changes what is looked at: a thread may find that this process leads no more at any time.
        self._lock = threading.Lock()
        self._watchers: dict[str, Watcher] = {}
        self._threads = LedThreads("making Secrets for variables", is_leading, stopping, self._forget_all)
        self._listed_at = float("-inf")

    def turn(self) -> float:
        """Look which namespaces there are; return how many seconds to wait.

        Raises the errors of `kube` when namespaces cannot be listed, and a bug that a thread had.
        """
        works = {f"variables-{number}": self._work for number in range(WORKERS)}
        self._threads.start({**works, "variables-lister": self._list})
        if self._clock() - self._listed_at >= _NAMESPACES_EVERY_SECONDS:
            enabled = self._namespaces.list_enabled_metadata(_CALL_SECONDS, also=VARIABLES)
            self._look_at([one.name.name for one in enabled])
            self._listed_at = self._clock()
        with self._lock:
            watches = [watcher.is_open for watcher in self._watchers.values()]
        self._meters.state(len(watches) + len(self._lister.namespaces), sum(watches), self._shared.waiting())
        self._threads.raise_bug()
        return TURN_SECONDS

    def close(self) -> None:
        """Wait until the threads have ended, for two seconds at most. `stopping` must be set."""
        with self._lock:
            for watcher in self._watchers.values():
                watcher.stop()
        self._shared.wake()
        self._threads.close()

    def _look_at(self, names: list[str]) -> None:
        """Watch the namespaces in which something happened last, and list the others."""
        with self._lock:
            self._divide(names, self._shared.activity())

    def _divide(self, names: list[str], active: Mapping[str, float]) -> None:
        for name in active.keys() - set(names):
            self._shared.forget(name)
        for name in names:
            self._shared.begin(name)
        # Those that are watched stay, among those in which as little has happened.
        by_activity = sorted(
            names, key=lambda name: (-active.get(name, float("-inf")), name not in self._watchers, name)
        )
        watched = by_activity[: self._most_watches]
        for name in self._watchers.keys() - set(watched):
            self._watchers.pop(name).stop()
        self._lister.namespaces = tuple(by_activity[self._most_watches :])
        for name in watched:
            if name not in self._watchers or not self._watchers[name].is_alive:
                self._watchers[name] = Watcher(name, self._looks, self._go_on)
                self._watchers[name].start()

    def _work(self) -> None:
        self._worker.work(self._go_on)

    def _list(self) -> None:
        self._lister.work(self._stopping)

    def _go_on(self) -> None:
        if not self._threads.may_go_on:
            raise Interrupted

    def _forget_all(self) -> None:
        """Forget everything: by the time this process leads again, another one has worked."""
        with self._lock:
            for name in list(self._watchers):
                self._watchers.pop(name).stop()
            for name in self._shared.activity():
                self._shared.forget(name)
            self._lister.namespaces = ()
            self._listed_at = float("-inf")
            self._meters.stopped()
