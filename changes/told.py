"""What a line of an audit trail tells, as an index keeps it. Pure.

Anybody may have written what is read here: whether it is genuine, `keyhole audit verify` says, and only with the key.
"""

from datetime import datetime
from typing import Annotated, Final

import msgspec

from audit.line import LINE_START, Event, glance

_FIRST: Final = 1
_MOST_PARTS: Final = 100_000
_YEARS: Final = (1971, 9999)


class ToldReference(msgspec.Struct, frozen=True, gc=False):
    """A reference, with the version that Vault gave in which of its requests, or the cause if it gave none."""

    text: str
    version: int | None = None
    request_id: str = ""
    cause: str = ""


class ToldField(msgspec.Struct, frozen=True, gc=False):
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


class Record(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
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
    part: Annotated[int, msgspec.Meta(ge=_FIRST, le=_MOST_PARTS)] = _FIRST
    parts: Annotated[int, msgspec.Meta(ge=_FIRST, le=_MOST_PARTS)] = _FIRST


class Told(msgspec.Struct, frozen=True, gc=False):
    """One line: its place in which chain, and what it tells. `record` is None in lines that begin or end a chain.

    `version` is that of the trail's format.
    """

    chain: str
    sequence: int
    event: Event
    version: int
    record: Record | None


class Unreadable(Exception):
    """A line of a trail whose record is not one that Keyhole writes."""


_DECODER: Final = msgspec.json.Decoder(Record)


def told(text: bytes) -> Told | None:
    """Return what a text without its line break tells; None if it is no line of a trail. Raises `Unreadable`.

    Something may stand before the line, such as the time that a collector of logs has put there.
    """
    try:
        found = _line(text)
    except Unreadable:
        # It may be a fragment with a line behind it, which together look like one.
        start = text.rfind(LINE_START)
        if start <= 0:
            raise
        return _line(text[start:])
    if found is not None:
        return found
    # Within a record there is no such beginning, because quotes in texts are escaped.
    start = text.rfind(LINE_START)
    return _line(text[start:]) if start > 0 else None


def _line(text: bytes) -> Told | None:
    found = glance(text)
    if found is None:
        return None
    chain, sequence, event, record, version = found
    return Told(chain, sequence, event, version, decoded(record) if event is Event.ADMISSION else None)


def decoded(text: bytes) -> Record:
    """Return the record with this JSON. Raises `Unreadable`."""
    try:
        record = _DECODER.decode(text)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        raise Unreadable from None
    if record.part > record.parts or (record.part == _FIRST and not _is_head(record)):
        raise Unreadable
    return record


def _is_head(record: Record) -> bool:
    time = record.time
    is_timed = time is not None and time.tzinfo is not None and _YEARS[0] <= time.year < _YEARS[1]
    return is_timed and record.object is not None and record.outcome is not None
