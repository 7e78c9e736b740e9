"""What a line of an audit trail tells, as an index keeps it. Pure.

Anybody may have written what is read here: whether it is genuine, `keyhole audit verify` says, and only with the key.
"""

from datetime import datetime
from typing import Final

import msgspec

from audit.line import LINE_START, Event, Line, parse

_FIRST: Final = 1


class ToldReference(msgspec.Struct, frozen=True, gc=False):
    """A reference, with the version that Vault gave in which of its requests, or the cause if it gave none."""

    text: str
    version: int | None = None
    request_id: str = ""
    cause: str = ""


class ToldField(msgspec.Struct, frozen=True):
    """A field, what became of it, its references now and before. `before` is None if the line does not tell."""

    pointer: str
    form: str
    done: str
    cause: str = ""
    references: tuple[ToldReference, ...] = ()
    before: tuple[ToldReference, ...] | None = None


class ToldRequester(msgspec.Struct, frozen=True, gc=False):
    """Who sent the request to the API server."""

    username: str = ""


class ToldObject(msgspec.Struct, frozen=True, gc=False):
    """The object that was admitted or refused."""

    group: str
    kind: str
    namespace: str
    name: str


class ToldOrigin(msgspec.Struct, frozen=True, gc=False):
    """What applies the object, as the object says."""

    tool: str = ""
    namespace: str = ""
    name: str = ""


class ToldOutcome(msgspec.Struct, frozen=True, gc=False):
    """What Keyhole answered."""

    allowed: bool
    status: int
    cause: str = ""


class Record(msgspec.Struct, frozen=True):
    """An admission. One that takes several lines has `time`, `object` and `outcome` in the first of them only."""

    uid: str
    time: datetime | None = None
    requester: ToldRequester = ToldRequester()
    object: ToldObject | None = None
    operation: str = ""
    dry_run: bool = False
    identity: str = ""
    outcome: ToldOutcome | None = None
    origin: ToldOrigin | None = None
    fields: tuple[ToldField, ...] = ()
    part: int = _FIRST

    @property
    def is_first(self) -> bool:
        """Whether it says what was admitted, and is not the continuation of another line."""
        return self.part == _FIRST


class Told(msgspec.Struct, frozen=True):
    """One line, in a version of the format. `record` is None in lines that begin or end a chain."""

    line: Line
    version: int
    record: Record | None


_DECODER: Final = msgspec.json.Decoder(Record)


def told(text: bytes) -> Told | None:
    """Return what a text without its line break tells; None if it is no line of a trail, or cannot be read.

    Something may stand before the line, such as the time that a collector of logs has put there.
    """
    start = text.find(LINE_START)
    line = parse(text[start:]) if start >= 0 else None
    if line is None:
        return None
    version = text[-2] - ord("0")
    if line.event is not Event.ADMISSION:
        return Told(line, version, None)
    try:
        record = _DECODER.decode(line.record)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
    is_whole = record.time is not None and record.time.tzinfo is not None and record.object and record.outcome
    return Told(line, version, record) if is_whole or not record.is_first else None
