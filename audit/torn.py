"""Fragments of lines, and how a later line accounts for them, so that `verify` can tell them from tampering.

A full disk, or a reader that stalls, may take only the beginning of a line. The admission is refused, the next line
gets the same sequence number, and its record has a member `torn` with the fragment's length and digest:

    "torn":[{"bytes":N,"sha256":DIGEST}]

The MAC covers that member like the rest of the line, so only the key's holder can declare a text to be a fragment.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from audit.entry import encode
from audit.findings import Finding
from audit.line import LINE_START

MOST_IN_A_LINE = 8
"""How many fragments one line accounts for; the rest are left to the next line."""
MOST_PIECES = 1000
_MEMBER = b'"torn":'


@dataclass(frozen=True, slots=True)
class Piece:
    """A fragment: the beginning of a line, as its length and its SHA-256 in hexadecimal."""

    size_bytes: int
    digest: str

    @classmethod
    def of(cls, text: bytes) -> "Piece":
        """Return the piece for a text, which must not include the line break behind it."""
        return cls(len(text), hashlib.sha256(text).hexdigest())


def telling(record: bytes, pieces: Sequence[Piece]) -> bytes:
    """Return the record, a JSON object, with a member that accounts for at most `MOST_IN_A_LINE` pieces."""
    if not pieces:
        return record
    documents = [{"bytes": piece.size_bytes, "sha256": piece.digest} for piece in pieces]
    return encode({**json.loads(record), "torn": documents})


def told(record: bytes) -> Iterator[Piece]:
    """Yield the pieces that a record accounts for. The line that holds the record must be authentic."""
    # JSON escapes quotes within a text, so only the name of a member looks like this.
    if _MEMBER not in record:
        return
    for document in json.loads(record).get("torn", []):
        yield Piece(document["bytes"], document["sha256"])


@dataclass(slots=True)
class _Strange:
    """A text that is not a line, as a finding, and how many pieces in it are not accounted for yet."""

    finding: Finding
    left: int


@dataclass(slots=True)
class Strange:
    """The texts in a trail that are not lines and may turn out to be fragments. Their number is limited."""

    _open: dict[Piece, list[_Strange]] = field(default_factory=dict)
    _blank: list[Finding] = field(default_factory=list)
    _count: int = 0

    def add(self, text: bytes, finding: Finding) -> bool:
        """Remember a text until a line accounts for it. Returns False when there are too many already."""
        if self._count >= MOST_PIECES:
            return False
        self._count += 1
        if not text:
            self._blank.append(finding)
            return True
        # Another worker's fragment may follow on the same line: that worker did not know of the first one.
        beginnings = [LINE_START + part for part in text.split(LINE_START)[1:]]
        pieces = [Piece.of(one) for one in beginnings] if text.startswith(LINE_START) else [Piece.of(text)]
        strange = _Strange(finding, len(pieces))
        for piece in pieces:
            self._open.setdefault(piece, []).append(strange)
        return True

    def explain(self, pieces: Iterable[Piece]) -> Iterator[Finding]:
        """Strike off these pieces, and yield the finding of each text that is fully accounted for now."""
        for piece in pieces:
            # A writer ends its fragment with a line break: an empty line, if another worker's line ended it before.
            if self._blank:
                yield self._forget(self._blank.pop())
            found = self._open.get(piece)
            if not found:
                continue
            strange = found.pop(0)
            strange.left -= 1
            if not strange.left:
                yield self._forget(strange.finding)

    def rest(self) -> Iterator[Finding]:
        """Yield the finding of each text that no line accounted for. Call it once, at the end."""
        yield from self._blank
        for found in self._open.values():
            for strange in found:
                if strange.left > 0:
                    strange.left = 0
                    yield strange.finding

    def _forget(self, finding: Finding) -> Finding:
        self._count -= 1
        return finding
