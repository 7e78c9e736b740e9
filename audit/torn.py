"""Fragments of lines, and how later lines account for them, so that `verify` can tell them from tampering.

If the disk is full or the reader stalls, only the beginning of a line may get written. The admission is refused, the
next line gets the same sequence number, and its record has a member `torn` with the fragment's length and digest:

    "torn":[{"bytes":N,"sha256":DIGEST}]

The MAC covers this member too, so only a holder of the key can declare a text to be a fragment.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from audit.entry import encode
from audit.findings import Finding
from audit.line import LINE_START

MOST_IN_A_LINE = 8
"""How many fragments one line accounts for. The next line accounts for the rest."""
MOST_PIECES = 1000
_MEMBER = b'"torn":'


@dataclass(frozen=True, slots=True)
class Piece:
    """A fragment, which is the beginning of a line: its length and its SHA-256 in hexadecimal."""

    size_bytes: int
    digest: str

    @classmethod
    def of(cls, text: bytes) -> "Piece":
        """Return the piece for a text. The text must not include the line break after it."""
        return cls(len(text), hashlib.sha256(text).hexdigest())


def telling(record: bytes, pieces: Sequence[Piece]) -> bytes:
    """Return the record (a JSON object) with a member that accounts for up to `MOST_IN_A_LINE` pieces."""
    if not pieces:
        return record
    documents = [{"bytes": piece.size_bytes, "sha256": piece.digest} for piece in pieces]
    return encode({**json.loads(record), "torn": documents})


def told(record: bytes) -> Iterator[Piece]:
    """Yield the pieces that the record of an authentic line accounts for."""
    # JSON escapes quotes in texts, so only the name of a member looks like this.
    if _MEMBER not in record:
        return
    for document in json.loads(record).get("torn", []):
        yield Piece(document["bytes"], document["sha256"])


@dataclass(slots=True)
class _Strange:
    """The finding for a text that is not a line, and how many pieces in it are not yet accounted for."""

    finding: Finding
    left: int


@dataclass(slots=True)
class Strange:
    """Texts in a trail that are not lines and may turn out to be fragments. Their number is limited."""

    _open: dict[Piece, list[_Strange]] = field(default_factory=dict)
    _blank: list[Finding] = field(default_factory=list)
    _count: int = 0

    def add(self, text: bytes, finding: Finding) -> bool:
        """Remember a text until a line accounts for it. Returns False if there are too many already."""
        if self._count >= MOST_PIECES:
            return False
        self._count += 1
        if not text:
            self._blank.append(finding)
            return True
        # Another worker's fragment may follow on the same line, because that worker did not know about the first one.
        beginnings = [LINE_START + part for part in text.split(LINE_START)[1:]]
        pieces = [Piece.of(one) for one in beginnings] if text.startswith(LINE_START) else [Piece.of(text)]
        strange = _Strange(finding, len(pieces))
        for piece in pieces:
            self._open.setdefault(piece, []).append(strange)
        return True

    def explain(self, pieces: Iterable[Piece]) -> Iterator[Finding]:
        """Strike these pieces off, and yield the finding for each text that is fully accounted for now."""
        for piece in pieces:
            # A writer ends its fragment with a line break: an empty line, if another worker's line came in between.
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
        """Yield the finding for each text that no line accounted for. Call this once, at the end."""
        yield from self._blank
        for found in self._open.values():
            for strange in found:
                if strange.left > 0:
                    strange.left = 0
                    yield strange.finding

    def _forget(self, finding: Finding) -> Finding:
        self._count -= 1
        return finding
