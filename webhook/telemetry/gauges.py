"""The gauges: what a worker holds now, written once a second. A scrape of one worker reads what the others wrote."""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from metrics.admission_catalogue import RUNNING, WAITING
from metrics.catalogue import (
    AUDIT_BEGUN,
    BREAKER_OPEN,
    CALLER_PROOF,
    CERTIFICATE_EXPIRY,
    CONNECTION_REJECTED,
    CONNECTIONS_REJECTED,
    LAST_READ,
    READERS,
    RECORD_KEY,
    RECORD_KEY_ID,
    TOKENS,
)
from metrics.meters import Meters
from runtime.poller import FOR_EVER, Poller, What

log = logging.getLogger("keyhole.server")

_EVERY_SECONDS = 1.0
_WHAT = What("the gauges", "they stay as they were", "they stay as they were")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the numbers come from. Each function is called once a second and must return at once.

    `rejected` are the connections that are not in use as the file has them. `certificate_end` is when the serving
    certificate expires and `record_key_id` the id of the key that signs records; both are None while there is none.
    `last_read_at` has, for everything that is polled, when it was last read, in seconds since 1970; None before that.
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
    record_key_id: Callable[[], str | None]
    last_read_at: Mapping[str, Callable[[], float | None]]
    can_account: Callable[[], bool]


class Gauges:
    """Writes the gauges from a thread, which is a greenlet once the standard library has been patched."""

    def __init__(self, meters: Meters, sources: Sources) -> None:
        self._meters = meters
        self._sources = sources
        self._connections: set[str] = set()
        # Reading is all there is to do: the numbers are asked for and written in one go.
        poller = Poller(self._tell, _EVERY_SECONDS, FOR_EVER, _WHAT, log=log)
        self._poller = poller
        self.start = poller.start
        self.close = poller.close
        self.tell = poller.look

    def _tell(self) -> None:
        """Write every gauge as it is now."""
        sources = self._sources
        for metric, value in (
            (RUNNING, sources.running()),
            (WAITING, sources.waiting()),
            (TOKENS, sources.tokens()),
            (READERS, sources.busy_helpers()),
            (RECORD_KEY, sources.knows_record_key()),
            (CALLER_PROOF, sources.knows_caller_proof()),
            (AUDIT_BEGUN, sources.can_account()),
            (CONNECTIONS_REJECTED, sources.rejects_connections()),
        ):
            self._meters.set(metric, float(value))
        open_breakers, rejected = sources.open_breakers(), sources.rejected()
        # A connection that is no longer configured is neither open nor rejected. Its series cannot be removed.
        self._connections |= {*open_breakers, *rejected}
        for name in sorted(self._connections):
            self._meters.set(BREAKER_OPEN, float(open_breakers.get(name, False)), name)
            self._meters.set(CONNECTION_REJECTED, float(name in rejected), name)
        end = sources.certificate_end()
        if end is not None:
            self._meters.set(CERTIFICATE_EXPIRY, end.timestamp(), "serving")
        read_at = {what: last_read_at() for what, last_read_at in sources.last_read_at.items()}
        # For the gauges themselves it is the time of the round before: this one is not over yet.
        read_at["gauges"] = self._poller.last_read_at
        for what, moment in read_at.items():
            if moment is not None:
                self._meters.set(LAST_READ, moment, what)
        key_id = sources.record_key_id()
        if key_id is not None:
            self._meters.set(RECORD_KEY_ID, float(int(key_id, 16)))
