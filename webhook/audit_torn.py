"""What is left of a line that was never finished: a later line tells of it, so that it is known from tampering.

A disk that is full, or a reader that stalls, may take the beginning of a line only. Its admission is refused, its
number goes to the next line, and the record of that one has a member `torn`:

    "torn":[{"bytes":N,"sha256":DIGEST}]

That member is signed like the rest of its line, so nobody without the key can have another text taken for a piece.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from webhook.audit_findings import Finding
from webhook.audit_line import LINE_START
from webhook.audit_record import encode

MOST_IN_A_LINE = 8
"""How many pieces one line tells of; the next one goes on."""
MOST_PIECES = 1000
_MEMBER = b'"torn":'


@dataclass(frozen=True, slots=True)
class Piece:
    """The beginning of a line: its length and its SHA-256, in hexadecimal."""

    size_bytes: int
    digest: str

    @classmethod
    def of(cls, text: bytes) -> "Piece":
        """Return the piece that a text is, without the line break that ends it."""
        return cls(len(text), hashlib.sha256(text).hexdigest())


def telling(record: bytes, pieces: Sequence[Piece]) -> bytes:
    """Return the record, a JSON object, with what it tells of at most `MOST_IN_A_LINE` pieces."""
    if not pieces:
        return record
    documents = [{"bytes": piece.size_bytes, "sha256": piece.digest} for piece in pieces]
    return encode({**json.loads(record), "torn": documents})


def told(record: bytes) -> Iterator[Piece]:
    """Yield the pieces that an authentic line's record tells of."""
    # Quotes within a text are escaped, so that nothing but a member's name looks like this.
    if _MEMBER not in record:
        return
    for document in json.loads(record).get("torn", []):
        yield Piece(document["bytes"], document["sha256"])


@dataclass(slots=True)
class _Strange:
    """A text that is no line, as it would be told, and the pieces in it that no line has told of."""

    finding: Finding
    left: int


@dataclass(slots=True)
class Strange:
    """The texts of a trail that are no lines and may be pieces of some, a limited number."""

    _open: dict[Piece, list[_Strange]] = field(default_factory=dict)
    _blank: list[Finding] = field(default_factory=list)
    _count: int = 0

    def add(self, text: bytes, finding: Finding) -> bool:
        """Remember a text until a line tells of it; return False when there are too many."""
        if self._count >= MOST_PIECES:
            return False
        self._count += 1
        if not text:
            self._blank.append(finding)
            return True
        # Another worker, which did not know of it, may have written behind it.
        beginnings = [LINE_START + part for part in text.split(LINE_START)[1:]]
        pieces = [Piece.of(one) for one in beginnings] if text.startswith(LINE_START) else [Piece.of(text)]
        strange = _Strange(finding, len(pieces))
        for piece in pieces:
            self._open.setdefault(piece, []).append(strange)
        return True

    def explain(self, pieces: Iterable[Piece]) -> Iterator[Finding]:
        """Forget what is told of, and yield the finding of each text that is explained by now."""
        for piece in pieces:
            # The line break that ends a piece is an empty line if another worker's line had ended it already.
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
        """Yield the findings of what no line told of, each once; to be called at the end."""
        yield from self._blank
        for found in self._open.values():
            for strange in found:
                if strange.left > 0:
                    strange.left = 0
                    yield strange.finding

    def _forget(self, finding: Finding) -> Finding:
        self._count -= 1
        return finding
