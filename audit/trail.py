"""The audit trail of a worker: an entry for each admission of an object with references, chained with a key.

An admission whose entry cannot be written must be refused (503, `AuditUnavailable`). What nobody can account for does
not happen. The entry is written before the answer goes out. So it says what Keyhole answered, not that it arrived.
"""

import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from audit.entry import AuditEntry, encode, timestamp
from audit.errors import AuditUnavailable
from audit.key import AuditKey
from audit.line import Event, Head, lay_out, sign
from audit.stream import AuditStream
from audit.torn import telling
from resolver.deadline import Deadline
from runtime.bugs import described

log = logging.getLogger("keyhole.audit")

HEAD_SECONDS = 60.0
"""How often the head of a chain is logged at most."""
_CHAIN_BYTES = 16
_EDGE_SECONDS = 2.0
# How often a trail that cannot begin tries again, and for how long each time.
_TRY_EVERY_SECONDS = 2.0
_TRY_SECONDS = 2.0


class AuditTrail:
    """Writes one chain of lines. Threads and greenlets may share it. Make it after the fork.

    The head of the chain goes to the log, which is another stream. Whoever keeps it can tell `keyhole audit verify` how
    far the chain went (`--head`), so a missing tail is found.
    """

    def __init__(self, key: AuditKey, stream: AuditStream, deadline: Deadline | None = None) -> None:
        """Begin a chain with a line that says so, within the deadline or 2 seconds. Raises `AuditUnavailable`."""
        self._key = key
        self._stream = stream
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._closed = False
        self._head = Head.none(secrets.token_hex(_CHAIN_BYTES))
        self._head_told = -HEAD_SECONDS
        begin = {"time": _now(), "host": os.uname().nodename, "process": self._process}
        self._append(Event.BEGIN, [encode(begin)], deadline or Deadline.after(_EDGE_SECONDS))

    @property
    def head(self) -> Head:
        """The last line's number and MAC."""
        return self._head

    def write(self, entry: AuditEntry, deadline: Deadline) -> None:
        """Write the entry of one admission: one line, or several in a row for a very large object.

        A stream that is ready is written to even if no time is left. Raises `AuditUnavailable`, after logging why; the
        admission must be refused then. Of several lines, the first ones may have been written.
        """
        try:
            self._append(Event.ADMISSION, lay_out(entry), deadline)
        except AuditUnavailable as error:
            log.error("admission %r is refused: %s", entry.uid, error)  # noqa: TRY400 - the frames tell nothing more
            raise

    def close(self) -> None:
        """End the chain with a line that says so. If there is none, the worker died or the tail is missing."""
        if self._closed:
            return
        try:
            with self._alone(Deadline.after(_EDGE_SECONDS)):
                self._closed = True
                self._write(Event.END, encode({"time": _now()}), Deadline.after(_EDGE_SECONDS))
        except AuditUnavailable as error:
            log.error("the chain is left without its last line: %s", error)  # noqa: TRY400
        self._closed = True
        self._stream.close()
        log.info("audit head %s", self._head)

    def _append(self, event: Event, records: Sequence[bytes], deadline: Deadline) -> None:
        with self._alone(deadline):
            for record in records:
                self._write(event, record, deadline)
        self._tell_head()

    def _write(self, event: Event, record: bytes, deadline: Deadline) -> None:
        pieces = self._stream.pieces
        if pieces:
            record = telling(record, pieces)
        line, head = sign(self._key, event, self._head, record)
        # If this fails, the next line gets the same number and accounts for this one's fragment.
        self._stream.write(line, deadline)
        self._stream.forget(pieces)
        self._head = head

    @contextmanager
    def _alone(self, deadline: Deadline) -> Iterator[None]:
        if self._process != os.getpid():
            raise RuntimeError("an audit trail belongs to the process that made it: two would write one chain")
        if not self._lock.acquire(timeout=deadline.remaining_seconds()):
            raise AuditUnavailable("the lines before it have not been written yet")
        try:
            if self._closed:
                raise AuditUnavailable("it is closed")
            yield
        finally:
            self._lock.release()

    def _tell_head(self) -> None:
        now = time.monotonic()
        if now - self._head_told >= HEAD_SECONDS:
            self._head_told = now
            log.info("audit head %s", self._head)


class StartingTrail:
    """An audit trail that begins as soon as its first line can be written. Until then, nothing is written.

    Threads and greenlets may share it. Make it after the fork.
    """

    def __init__(self, key: AuditKey, path: Path | None) -> None:
        """`path` is as for `audit.stream.AuditStream`."""
        self._key = key
        self._path = path
        self._stream: AuditStream | None = None
        self._trail: AuditTrail | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()

    def has_begun(self) -> bool:
        """Return whether the first line has been written."""
        return self._trail is not None

    def start(self) -> None:
        """Begin now. If that fails, try again every few seconds in the background until it works."""
        try:
            self._begun(Deadline.after(_TRY_SECONDS))
        except AuditUnavailable as error:
            log.error("the audit trail cannot begin, and what needs it is refused until it can: %s", error)  # noqa: TRY400
            threading.Thread(target=self._run, name="audit-start", daemon=True).start()

    def write(self, entry: AuditEntry, deadline: Deadline) -> None:
        """Write as `AuditTrail.write` does. Raises `AuditUnavailable`, also if the trail cannot begin."""
        trail = self._trail
        if trail is None:
            trail = self._begun(deadline)
        trail.write(entry, deadline)

    def close(self) -> None:
        """End the trail if it has begun."""
        self._closing.set()
        with self._lock:
            if self._trail is not None:
                self._trail.close()
            elif self._stream is not None:
                self._stream.close()
                self._stream = None

    def _begun(self, deadline: Deadline) -> AuditTrail:
        # If the reader stalls, each attempt takes all of its time, and many may be waiting for theirs.
        if not self._lock.acquire(timeout=deadline.remaining_seconds()):
            raise AuditUnavailable("its first line has not been written yet")
        try:
            if self._trail is None:
                if self._closing.is_set():
                    raise AuditUnavailable("it is closed")
                # It is the same stream each time, because it knows whether a line was written in part.
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
                log.error("bug while beginning the audit trail: %s", described(error))  # noqa: TRY400
                continue
            log.info("the audit trail has begun")
            return


def _now() -> str:
    return timestamp(datetime.now(UTC))
