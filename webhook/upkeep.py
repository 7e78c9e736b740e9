"""What a worker does beside admissions: it follows its connections file and gives back idle tokens."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from resolver.connections import ConfigurationError, load
from resolver.resolve import Resolver
from resolver.tenants import Tenants
from webhook.logs import frames

log = logging.getLogger("keyhole.server")

FOLLOW_SECONDS = 2.0
_SWEEP_EVERY = 15


class Upkeep:
    """A thread of a worker (a greenlet, once the standard library is patched)."""

    def __init__(
        self,
        file: Path,
        resolver: Resolver,
        tenants: Tenants,
        on_reload: Callable[[bool], None] = lambda _is_taken: None,
    ) -> None:
        """Follow `file`; `on_reload` is told of each change, and whether it is in use."""
        self.rejects_connections = False
        self._on_reload = on_reload
        self._file = file
        self._resolver = resolver
        self._tenants = tenants
        self._seen = _content(file)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after what is under way."""
        self._stopping.set()

    def follow(self) -> None:
        """Take over the connections file if it changed. A broken one changes nothing, and the log says so once.

        The content is compared, not the time: a ConfigMap is mounted through links that are swapped.
        """
        content = _content(self._file)
        if content == self._seen:
            return
        self._seen = content
        try:
            connections = load(self._file)
        except ConfigurationError as error:
            log.error("the new connections are not used, the old ones stay: %s", error)  # noqa: TRY400
            self._reloaded(is_taken=False)
            return
        self._resolver.replace(connections)
        self._reloaded(is_taken=True)
        log.info("connections taken over: %s", ", ".join(sorted(connections)))

    def _reloaded(self, *, is_taken: bool) -> None:
        self.rejects_connections = not is_taken
        self._on_reload(is_taken)

    def _run(self) -> None:
        turn = 0
        while not self._stopping.wait(FOLLOW_SECONDS):
            turn += 1
            _guarded(self.follow)
            if turn % _SWEEP_EVERY == 0:
                _guarded(self._sweep)

    def _sweep(self) -> None:
        self._tenants.drop_idle()


def _guarded(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - the edge of a thread: what goes wrong once must not end the upkeep
        log.error("bug in the upkeep: %s at %s", type(error).__name__, frames(error))  # noqa: TRY400


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None
