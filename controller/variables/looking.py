"""The threads that look at namespaces: one for each that is watched, and one that lists the others in turns."""

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Final

from controller.errors import Interrupted
from controller.variables.looks import Looks
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.variables.watch import TooOld, Watch
from runtime.bugs import described

log = logging.getLogger("keyhole.controller")

LIST_EVERY_SECONDS: Final = 10.0
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0
_REFUSALS_OF_A_START: Final = 4
_ADVICE: Final = ". Apply the tenant bundle again (`keyhole tenant --variables`)"


class Watcher:
    """Watches the pods of a namespace in a thread of its own, until it is stopped."""

    def __init__(self, namespace: str, looks: Looks, go_on: Callable[[], None]) -> None:
        """`go_on` raises `Interrupted` when this process no longer leads."""
        self._namespace = namespace
        self._looks = looks
        self._go_on = go_on
        self._stopped = threading.Event()
        self._watch: Watch | None = None
        self._failures = 0
        self._told = ""
        self._thread = threading.Thread(target=self._run, name=f"pods of {namespace}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Have it end soon. Does not wait."""
        self._stopped.set()
        watch = self._watch
        if watch is not None:
            watch.end()

    def join(self, timeout_seconds: float) -> None:
        """Wait until it has ended, for so long at most."""
        self._thread.join(timeout_seconds)

    @property
    def is_open(self) -> bool:
        """Whether everything was listed, and the API server tells what happens since then."""
        return self._watch is not None

    @property
    def is_alive(self) -> bool:
        """Whether it still watches, or tries to."""
        return self._thread.is_alive()

    def _run(self) -> None:
        pause_seconds = 0.0
        while not self._stopped.wait(pause_seconds):
            try:
                self._looks.watch(self._namespace, self._check, self._opened)
                pause_seconds = 0.0
            except Interrupted:
                return
            except TooOld:
                pause_seconds = self._pause_seconds()
            except (KubernetesError, KubernetesUnavailable) as error:
                pause_seconds = self._pause_seconds()
                self._say(error)
            except Exception as error:  # noqa: BLE001 - a bug must affect this namespace only
                pause_seconds = self._pause_seconds()
                log.error("bug while watching pods in %s: %s", self._namespace, described(error))  # noqa: TRY400

    def _check(self) -> None:
        if self._stopped.is_set():
            raise Interrupted
        self._go_on()

    def _opened(self, watch: Watch | None) -> None:
        self._watch = watch
        if watch is not None:
            self._failures = 0
            self._told = ""
            if self._stopped.is_set():
                watch.end()

    def _pause_seconds(self) -> float:
        """Return how long to wait after a failure: up to half a second, one, two … 30 (full jitter)."""
        longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return random.uniform(_FIRST_PAUSE_SECONDS / 2, longest)  # noqa: S311 - a spread, no secret

    def _say(self, error: KubernetesError | KubernetesUnavailable) -> None:
        # An API server that has just started refuses everybody for a second or two, until it knows the Roles.
        is_lasting = isinstance(error, KubernetesError) and self._failures > _REFUSALS_OF_A_START
        if is_lasting and str(error) != self._told:
            self._told = str(error)
            log.warning("namespace %s gets no variables: %s%s", self._namespace, error, _ADVICE)


class Lister:
    """Lists the pods of the namespaces that are not watched, one namespace after another."""

    def __init__(self, looks: Looks, go_on: Callable[[], None]) -> None:
        self.namespaces: tuple[str, ...] = ()
        self._looks = looks
        self._go_on = go_on

    def work(self, stopping: threading.Event) -> None:
        """List each of them once, and wait until it is time again. Raises `Interrupted`."""
        began_at = time.monotonic()
        for namespace in self.namespaces:
            self._go_on()
            try:
                self._looks.once(namespace, self._go_on)
            except (KubernetesError, KubernetesUnavailable) as error:
                log.info("namespace %s: %s", namespace, error)
        stopping.wait(max(1.0, LIST_EVERY_SECONDS - (time.monotonic() - began_at)))
