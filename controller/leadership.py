"""A thread that holds the Lease while the duties work."""

import logging
import threading
from collections.abc import Callable

from controller.heartbeat import Heartbeat
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.leases import LeaseHolder

log = logging.getLogger("keyhole.controller")

RENEW_EVERY_SECONDS = 2.0
_CALL_SECONDS = 4.0
_ALIVE_WITHIN_SECONDS = 60.0
_KNOWN_FOR_SECONDS = 30.0


class Leadership:
    """Takes the Lease when it is free, and renews it until `close`.

    It keeps two controllers from doing the same work. Correctness does not depend on it: a process that wrongly
    believes that it leads gets a conflict with its next write of the Secret.
    """

    def __init__(self, lease: LeaseHolder, on_bug: Callable[[], None] = lambda: None) -> None:
        """`on_bug` is called if a bug ends the thread, so that the Lease is no longer renewed."""
        self._on_bug = on_bug
        self._lease = lease
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="leadership", daemon=True)
        self._told = ""
        self._bug: Exception | None = None
        self.heartbeat = Heartbeat(_ALIVE_WITHIN_SECONDS)
        self._answered = Heartbeat(_KNOWN_FOR_SECONDS, is_alive_at_first=False)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def is_held(self) -> bool:
        """Whether this process leads now. Raises the bug that ended the thread, if one did."""
        self.check()
        return self._lease.is_held

    def check(self) -> None:
        """Raise the bug that ended the thread, if one did."""
        if self._bug is not None:
            raise self._bug

    @property
    def is_known(self) -> bool:
        """Whether the API server has recently answered who leads."""
        return self._answered.is_alive and self._bug is None

    def close(self) -> None:
        """Stop, and give the Lease back so that another process need not wait for it to expire."""
        self._stopping.set()
        self._thread.join()
        try:
            self._lease.release(_CALL_SECONDS)
        except (KubernetesError, KubernetesUnavailable) as error:
            log.warning("the Lease could not be given back: %s", error)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self.heartbeat.beat()
                self._try()
                self._stopping.wait(RENEW_EVERY_SECONDS)
        except Exception as error:  # noqa: BLE001 - the edge of a thread: the process must end because of it
            self._bug = error
            self._on_bug()

    def _try(self) -> None:
        try:
            held = self._lease.hold(_CALL_SECONDS)
        except (KubernetesError, KubernetesUnavailable) as error:
            self._tell(f"the Lease cannot be held: {error}", logging.WARNING)
        else:
            self._answered.beat()
            self._tell("leading" if held else "another process leads", logging.INFO)

    def _tell(self, what: str, level: int) -> None:
        if what != self._told:
            log.log(level, "%s (as %s)", what, self._lease.identity)
            self._told = what
