"""Lines of the audit trail: JSON with fixed members around an entry, chained to the line before by a MAC.

    {"chain":ID,"event":EVENT,"key":KEY,"mac":MAC,"previous":MAC,"record":{...},"sequence":N,"v":2}

The member `record` holds the entry. In version 2 it may have two more members than in version 1: `origin`, and `before`
in a field. Trails of both are read. A chain is everything that one worker process writes from its start to its end,
numbered from 0. Lines are read by their exact shape, byte for byte, never as JSON: even an extra blank is a change.
"""

import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from audit.entry import AuditEntry, FieldEntry, encode
from audit.key import KEY_ID_CHARACTERS, AuditKey

MAX_LINE_BYTES = 64 * 1024
"""The length of the longest line, including its line break."""
# What stands around the record, and what a record may say about pieces of lines (`audit.torn`).
MAX_RECORD_BYTES = MAX_LINE_BYTES - 512 - 1024
NO_MAC = "0" * 64
"""What the first line of a chain has instead of the previous line's MAC."""
LINE_START = b'{"chain":"'

_LINE = re.compile(
    rb'(\{"chain":"(?P<chain>[0-9a-f]{32})","event":"(?P<event>admission|begin|end)",'
    rb'"key":"(?P<key>[0-9a-f]{%d})",)"mac":"(?P<mac>[0-9a-f]{64})",'
    rb'("previous":"(?P<previous>[0-9a-f]{64})","record":(?P<record>\{.*\}),'
    rb'"sequence":(?P<sequence>0|[1-9][0-9]{0,17}),"v":[12]\})' % KEY_ID_CHARACTERS,
    re.DOTALL,
)
# For the member names and numbers around what is counted.
_FRAME_BYTES = 256
# What of a field is a list of references. A set would have no order.
_LISTS = {"references": None, "before": None}.keys()
_HEAD = re.compile(r"([0-9a-f]{32}):(0|[1-9][0-9]{0,17}):([0-9a-f]{64})")


class Event(Enum):
    """What a line is about."""

    BEGIN = "begin"
    ADMISSION = "admission"
    END = "end"


_EVENTS = {event.value.encode(): event for event in Event}


@dataclass(frozen=True, slots=True)
class Head:
    """The state of a chain: the number and the MAC of its last line. The MAC vouches for all lines before it."""

    chain: str
    sequence: int
    mac: str

    def __str__(self) -> str:
        return f"{self.chain}:{self.sequence}:{self.mac}"

    @classmethod
    def none(cls, chain: str) -> "Head":
        """Return the head that the first line of a chain follows."""
        return cls(chain, -1, NO_MAC)

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Return the head with this text, as `str` gives it. Raises ValueError."""
        match = _HEAD.fullmatch(text)
        if match is None:
            raise ValueError("a head is CHAIN:SEQUENCE:MAC, as `keyhole audit verify` prints it")
        return cls(match[1], int(match[2]), match[3])


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it was read. Believe nothing in it before `is_authentic` says yes."""

    head: Head
    event: Event
    key_id: str
    previous: str
    unsigned: bytes = field(repr=False)
    record: bytes = field(repr=False, default=b"{}")

    def is_authentic(self, key: AuditKey) -> bool:
        """Return whether a holder of the key wrote exactly this line."""
        return hmac.compare_digest(key.mac(self.unsigned), self.head.mac)


def sign(key: AuditKey, event: Event, before: Head, record: bytes) -> tuple[bytes, Head]:
    """Return the line that follows a head, including its line break, and the new head.

    `record` is a JSON object of at most `MAX_RECORD_BYTES`, plus 1 KiB for what it says about pieces of lines.
    """
    opening = f'{{"chain":"{before.chain}","event":"{event.value}","key":"{key.id}",'.encode()
    sequence = before.sequence + 1
    rest = b'"previous":"%s","record":%s,"sequence":%d,"v":2}' % (before.mac.encode(), record, sequence)
    mac = key.mac(opening + rest)
    return b'%s"mac":"%s",%s\n' % (opening, mac.encode(), rest), Head(before.chain, sequence, mac)


def parse(text: bytes) -> Line | None:
    """Return the line that a text without its line break is, or None if it does not have the shape of a line."""
    match = _LINE.fullmatch(text)
    if match is None:
        return None
    chain, event, key_id, mac, previous = (
        match[name].decode() for name in ("chain", "event", "key", "mac", "previous")
    )
    unsigned = match[1] + text[match.end("mac") + len('",') :]
    return Line(Head(chain, int(match["sequence"]), mac), Event(event), key_id, previous, unsigned, match["record"])


def glance(text: bytes) -> tuple[str, int, Event, bytes, int] | None:
    """Return what an index takes of a line: chain, sequence, event, record, and the version of the format.

    It is what `parse` finds, for millions of lines whose MACs nobody looks at. None if it does not have the shape.
    """
    match = _LINE.fullmatch(text)
    if match is None:
        return None
    chain, event, record, sequence = match.group("chain", "event", "record", "sequence")
    return chain.decode(), int(sequence), _EVENTS[event], record, text[-2] - ord("0")


_Unit = tuple[str, dict[str, Any]]
_Chunk = dict[str, list[dict[str, Any]]]


def lay_out(entry: AuditEntry, most_bytes: int = MAX_RECORD_BYTES) -> list[bytes]:
    """Return an entry as JSON objects of at most `most_bytes` (48 KiB or more) each, one for each line.

    If the entry fits, that is one object, and nothing is ever left out. Otherwise the first object has everything but
    fields and problems, and the others have those and the uid. All have `part` and `parts`. The references of one
    field, those of now and those of before, may be spread over several objects.
    """
    whole: dict[str, Any] = entry.heading()
    found = {
        "fields": [each.document() for each in entry.fields],
        "problems": [problem.document() for problem in entry.problems],
    }
    text = encode(whole | {kind: documents for kind, documents in found.items() if documents})
    if len(text) <= most_bytes:
        return [text]
    documents = [whole, *({"uid": whole["uid"], **chunk} for chunk in _chunks(entry, most_bytes))]
    return [
        encode({**document, "part": number, "parts": len(documents)}) for number, document in enumerate(documents, 1)
    ]


def _chunks(entry: AuditEntry, most_bytes: int) -> Iterator[_Chunk]:
    room = most_bytes - _FRAME_BYTES - len(encode({"uid": entry.heading()["uid"]}))
    chunk: _Chunk = {}
    left = room
    for kind, document in _units(entry):
        size = len(encode(document)) + 1
        if size > left and chunk:
            yield chunk
            chunk, left = {}, room
        left -= size
        _add(chunk, kind, document)
    if chunk:
        yield chunk


def _units(entry: AuditEntry) -> Iterator[_Unit]:
    """Yield the units that are not divided further: a field with one reference, or a problem."""
    for each in entry.fields:
        yield from (("fields", document) for document in _with_one_reference(each))
    yield from (("problems", problem.document()) for problem in entry.problems)


def _with_one_reference(field: FieldEntry) -> Iterator[dict[str, Any]]:
    document = field.document()
    lists = {name: document.pop(name) for name in _LISTS if document.get(name)}
    if not lists:
        yield document
    for name, references in lists.items():
        yield from ({**document, name: [reference]} for reference in references)


def _add(chunk: _Chunk, kind: str, document: dict[str, Any]) -> None:
    present = chunk.setdefault(kind, [])
    last = present[-1] if present else None
    if kind == "fields" and last is not None and last["pointer"] == document["pointer"]:
        for name in _LISTS & document.keys():
            last.setdefault(name, []).extend(document[name])
    else:
        present.append(document)
