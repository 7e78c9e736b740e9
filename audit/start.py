"""The beginning of a worker's audit trail, which may have to wait: for room on a disk, or for a folder."""

import logging
import threading
from pathlib import Path

from audit.entry import AuditEntry
from audit.errors import AuditUnavailable
from audit.key import AuditKey
from audit.stream import AuditStream
from audit.trail import AuditTrail
from resolver.deadline import Deadline
from runtime.bugs import described

log = logging.getLogger("keyhole.audit")

_TRY_EVERY_SECONDS = 2.0
_TRY_SECONDS = 2.0


class StartingTrail:
    """An audit trail that begins as soon as its first line can be written. Until then nothing else is written either.

    Threads and greenlets may share it; it is made after a fork.
    """

    def __init__(self, key: AuditKey, path: Path | None) -> None:
        """`path` as for `audit.stream.AuditStream`."""
        self._key = key
        self._path = path
        self._stream: AuditStream | None = None
        self._trail: AuditTrail | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()

    @property
    def has_begun(self) -> bool:
        """Whether the first line is written."""
        return self._trail is not None

    def start(self) -> None:
        """Begin now, or else try again every few seconds in the background, until it works."""
        try:
            self._begun(Deadline.after(_TRY_SECONDS))
        except AuditUnavailable as error:
            log.error("the audit trail cannot begin, and what needs it is refused until it can: %s", error)  # noqa: TRY400
            threading.Thread(target=self._run, name="audit-start", daemon=True).start()

    def write(self, record: AuditEntry, deadline: Deadline) -> None:
        """Write as `audit.trail.AuditTrail.write` does; raises `AuditUnavailable`, also when it cannot begin."""
        trail = self._trail
        if trail is None:
            trail = self._begun(deadline)
        trail.write(record, deadline)

    def close(self) -> None:
        """End the trail, if it has begun."""
        self._closing.set()
        with self._lock:
            if self._trail is not None:
                self._trail.close()
            elif self._stream is not None:
                self._stream.close()
                self._stream = None

    def _begun(self, deadline: Deadline) -> AuditTrail:
        # Where a reader stalls, each attempt takes its whole time, and many may wait for theirs.
        if not self._lock.acquire(timeout=deadline.remaining_seconds()):
            raise AuditUnavailable("its first line is not written yet")
        try:
            if self._trail is None:
                if self._closing.is_set():
                    raise AuditUnavailable("it is closed")
                # The same stream each time: it knows whether a line was written in part.
                self._stream = self._stream or AuditStream(self._path)
                seconds = min(deadline.remaining_seconds(), _TRY_SECONDS)
                self._trail = AuditTrail(self._key, self._stream, Deadline.after(seconds))
            return self._trail
        finally:
            self._lock.release()

    def _run(self) -> None:
        while not self._closing.wait(_TRY_EVERY_SECONDS):
            try:
                self._begun(Deadline.after(_TRY_SECONDS))
            except AuditUnavailable:
                continue
            except Exception as error:  # noqa: BLE001 - the edge of a thread: it must go on trying
                log.error("bug in the beginning of the audit trail: %s", described(error))  # noqa: TRY400
                continue
            log.info("the audit trail has begun")
            return
