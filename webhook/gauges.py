"""What a worker holds at the moment, told once a second: whoever is asked reads only what the others wrote."""

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from metrics.catalogue import (
    BREAKER_OPEN,
    CALLER_PROOF,
    CERTIFICATE_EXPIRY,
    CONNECTION_REJECTED,
    CONNECTIONS_REJECTED,
    READERS,
    RECORD_KEY,
    RUNNING,
    TOKENS,
    WAITING,
)
from metrics.meters import Meters
from webhook.logs import frames

log = logging.getLogger("keyhole.server")

_EVERY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the numbers come from; each is asked once a second, and answers at once.

    `rejected` are the connections that are not used as the file says. `certificate_end` is when the serving certificate
    ends; None while there is none.
    """

    running: Callable[[], int]
    waiting: Callable[[], int]
    tokens: Callable[[], int]
    busy_helpers: Callable[[], int]
    open_breakers: Callable[[], Mapping[str, bool]]
    knows_record_key: Callable[[], bool]
    knows_caller_proof: Callable[[], bool]
    rejects_connections: Callable[[], bool]
    rejected: Callable[[], Collection[str]]
    certificate_end: Callable[[], datetime | None]


class Gauges:
    """A thread of a worker (a greenlet, once the standard library is patched)."""

    def __init__(self, meters: Meters, sources: Sources) -> None:
        self._meters = meters
        self._sources = sources
        self._connections: set[str] = set()
        self._stopping = threading.Event()

    def start(self) -> None:
        """Tell now, and every second."""
        self.tell()
        threading.Thread(target=self._run, name="gauges", daemon=True).start()

    def close(self) -> None:
        """End; may be called when nothing was started."""
        self._stopping.set()

    def tell(self) -> None:
        """Tell everything as it is now."""
        sources = self._sources
        for metric, value in (
            (RUNNING, sources.running()),
            (WAITING, sources.waiting()),
            (TOKENS, sources.tokens()),
            (READERS, sources.busy_helpers()),
            (RECORD_KEY, sources.knows_record_key()),
            (CALLER_PROOF, sources.knows_caller_proof()),
            (CONNECTIONS_REJECTED, sources.rejects_connections()),
        ):
            self._meters.set(metric, float(value))
        open_breakers, rejected = sources.open_breakers(), sources.rejected()
        # A connection that is configured no more is neither; its series cannot be taken away.
        self._connections |= {*open_breakers, *rejected}
        for name in sorted(self._connections):
            self._meters.set(BREAKER_OPEN, float(open_breakers.get(name, False)), name)
            self._meters.set(CONNECTION_REJECTED, float(name in rejected), name)
        end = sources.certificate_end()
        if end is not None:
            self._meters.set(CERTIFICATE_EXPIRY, end.timestamp(), "serving")

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY_SECONDS):
            try:
                self.tell()
            except Exception as error:  # noqa: BLE001 - the edge of a thread: a bug must not end the telling
                log.error("bug in the gauges: %s at %s", type(error).__name__, frames(error))  # noqa: TRY400
