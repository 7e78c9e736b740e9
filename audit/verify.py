"""Verifies that an audit trail is complete and unchanged, line by line. Memory grows with the chains, not the lines.

Only lines whose MAC is right count. Without the key, one can still leave some of those out, move them or repeat them,
and the sequence numbers show it. `previous` ties the head of a chain to every line before it, so that not even someone
who gets hold of a key later can change them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

from audit.findings import Finding, Place, Problem
from audit.gaps import Gap, Gaps
from audit.key import AuditKey
from audit.line import LINE_START, MAX_LINE_BYTES, Event, Head, Line, parse
from audit.torn import Piece, Strange, told

MOST_FINDINGS = 1000


@dataclass(slots=True)
class Chain:
    """What was seen of one chain. `head` is its furthest line; `lines` counts the sound ones.

    `last` is the furthest line with its text and place, None if it was not read here.
    """

    first: int
    head: Head
    lines: int = 0
    ended: bool = False
    key_ids: set[str] = field(default_factory=set)
    gaps: Gaps = field(default_factory=Gaps)
    last: tuple[Line, bytes, Place] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """The chains in the order in which they begin, and what is wrong: the first findings, and how many there are.

    `notes` are the first of the lines that were never finished but are accounted for.
    """

    lines: int
    chains: Sequence[Chain]
    findings: Sequence[Finding]
    findings_total: int
    notes: Sequence[Finding] = ()
    notes_total: int = 0

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings_total


def read_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines with their line breaks. A line that is too long for a trail is cut."""
    while text := stream.readline(MAX_LINE_BYTES + 1):
        yield text
        while len(text) > MAX_LINE_BYTES and not text.endswith(b"\n"):
            text = stream.readline(MAX_LINE_BYTES + 1)
            if len(text) <= MAX_LINE_BYTES:
                break


class Verifier:
    """Takes the lines of one or more files, oldest file first, and reports on them."""

    def __init__(
        self,
        keys: Iterable[AuditKey],
        heads: Iterable[Head] = (),
        after: Iterable[Head] = (),
        *,
        mixed: bool = False,
        sound: Callable[[Line], None] = lambda _line: None,
    ) -> None:
        """Verify with any of the keys.

        `heads` are lines that must be there, from an earlier report or the server's log. `after` are the lines up to
        which a chain lies in files that are not given. With `mixed`, text that does not begin like a line of a trail is
        skipped, because there is other output in the same stream. `sound` is called with each line whose MAC is right.
        """
        self._sound = sound
        self._keys = {key.id: key for key in keys}
        self._chains = {head.chain: Chain(head.sequence + 1, head) for head in after}
        self._heads: dict[str, list[Head]] = defaultdict(list)
        for head in heads:
            chain = self._chains.get(head.chain)
            # What lies in files that are not given cannot be checked.
            if chain is None or (head != chain.head and head.sequence >= chain.head.sequence):
                self._heads[head.chain].append(head)
        self._mixed = mixed
        self._lines = 0
        self._findings: list[Finding] = []
        self._findings_total = 0
        self._strange = Strange()
        self._notes: list[Finding] = []
        self._notes_total = 0

    def feed(self, text: bytes, place: Place) -> None:
        """Take the next line, including its line break."""
        if len(text) > MAX_LINE_BYTES:
            self._foreign(text, place, Problem.TOO_LONG, f"is longer than {MAX_LINE_BYTES} bytes")
            return
        content = text.removesuffix(b"\n")
        line, start = self._line(content)
        if line is None:
            self._foreign(content, place, Problem.NOT_A_LINE, "is no line of a trail")
            return
        if start:
            message = "begins with something that is not a line of a trail"
            self._foreign(content[:start], place, Problem.NOT_A_LINE, message)
        key = self._keys.get(line.key_id)
        if key is None:
            # The id has the right shape but proves nothing: the line may just as well be forged.
            self._find(Problem.UNKNOWN_KEY, f"has a key that was not given, {line.key_id}", place, line.head.chain)
        elif not line.is_authentic(key):
            self._find(Problem.CHANGED, "was changed or forged: its MAC is wrong", place, line.head.chain)
        else:
            self._accept(line, content[start:], place)
            if not text.endswith(b"\n"):
                self._find(Problem.CUT_SHORT, "has no line break at its end", place, line.head.chain)

    def finish(self) -> Report:
        """Return the report, once all lines have been taken."""
        for chain in self._chains.values():
            for gap in chain.gaps:
                self._missing(chain.head.chain, gap)
        for heads in self._heads.values():
            for head in heads:
                self._not_reached(head)
        for finding in self._strange.rest():
            self._report(finding)
        if not self._lines:
            self._find(Problem.NOTHING, "there is not a single sound line of a trail")
        # What is missing has no place, and comes last.
        findings = sorted(self._findings, key=lambda found: (found.place is None, found.place or _NOWHERE))
        chains = [chain for chain in self._chains.values() if chain.lines]
        return Report(self._lines, chains, findings, self._findings_total, self._notes, self._notes_total)

    def _line(self, text: bytes) -> tuple[Line | None, int]:
        """Return the line that a text is or ends with, and the offset at which it begins."""
        line = parse(text)
        # A line may follow the fragment of another one, and together the two may look like a line.
        start = text.rfind(LINE_START)
        if start <= 0 or (line is not None and self._is_ours(line)):
            return line, 0
        behind = parse(text[start:])
        return (line, 0) if behind is None or (line and not self._is_ours(behind)) else (behind, start)

    def _is_ours(self, line: Line) -> bool:
        key = self._keys.get(line.key_id)
        return key is not None and line.is_authentic(key)

    def _foreign(self, text: bytes, place: Place, problem: Problem, message: str) -> None:
        if self._mixed and not text.startswith(LINE_START):
            return
        finding = Finding(problem, message, place)
        if problem is not Problem.NOT_A_LINE or not self._strange.add(text, finding):
            self._report(finding)

    def _accept(self, line: Line, text: bytes, place: Place) -> None:
        head = line.head
        self._sound(line)
        self._lines += 1
        self._check_heads(head, place)
        chain = self._chains.get(head.chain)
        if chain is None:
            chain = self._chains[head.chain] = Chain(head.sequence, Head.none(head.chain))
        self._explain(chain, line)
        chain.lines += 1
        chain.first = min(chain.first, head.sequence)
        chain.key_ids.add(line.key_id)
        expected = chain.head.sequence + 1
        if head.sequence < expected:
            self._late(chain, head.sequence, place)
            return
        if head.sequence > expected:
            forgotten = chain.gaps.add(Gap(expected, head.sequence - 1, place))
            if forgotten is not None:
                self._missing(head.chain, forgotten)
        elif line.previous != chain.head.mac:
            self._find(Problem.FORKED, "follows another line than the one before it", place, head.chain)
        chain.head, chain.last = head, (line, text, place)
        chain.ended = line.event is Event.END

    def _explain(self, chain: Chain, line: Line) -> None:
        """Turn the findings that this line accounts for into notes."""
        pieces = tuple(told(line.record))
        if not pieces or line.head.sequence < chain.head.sequence:
            return
        for finding in self._strange.explain(pieces):
            self._note(line, finding.place)
        if chain.last is None or line.head.sequence != chain.head.sequence:
            return
        # A fragment that lacks only its line break was taken for a line. This line has the same number.
        last, text, place = chain.last
        if Piece.of(text) in pieces:
            self._note(line, place)
            self._lines -= 1
            chain.lines -= 1
            chain.head, chain.last = Head(last.head.chain, last.head.sequence - 1, last.previous), None

    def _note(self, line: Line, place: Place | None) -> None:
        self._notes_total += 1
        if len(self._notes) < MOST_FINDINGS:
            message = f"was never finished, as line {line.head.sequence} of the chain says"
            self._notes.append(Finding(Problem.TORN, message, place, line.head.chain))

    def _late(self, chain: Chain, sequence: int, place: Place) -> None:
        name = chain.head.chain
        if chain.gaps.fill(sequence):
            self._find(Problem.OUT_OF_ORDER, f"is line {sequence} of its chain and comes too late", place, name)
        else:
            self._find(Problem.REPEATED, f"repeats line {sequence} of its chain", place, name)

    def _check_heads(self, head: Head, place: Place) -> None:
        """Compare a line with the heads that must be found, and strike off those that match."""
        expected = self._heads.get(head.chain)
        if not expected:
            return
        for wanted in [wanted for wanted in expected if wanted.sequence == head.sequence]:
            expected.remove(wanted)
            if wanted.mac != head.mac:
                self._find(Problem.OTHER_HEAD, f"is not the line with the head {wanted}", place, head.chain)

    def _not_reached(self, head: Head) -> None:
        chain = self._chains.get(head.chain)
        if chain is None:
            self._find(Problem.CHAIN_MISSING, f"the whole chain of the head {head} is missing", chain=head.chain)
        elif chain.head != head:
            problem = Problem.MISSING if head.sequence < chain.head.sequence else Problem.TAIL_MISSING
            message = f"line {head.sequence}, of the head {head}, is missing; the last one is {chain.head.sequence}"
            self._find(problem, message, chain=head.chain)

    def _missing(self, chain: str, gap: Gap) -> None:
        lines = f"line {gap.first} is" if gap.first == gap.last else f"lines {gap.first} to {gap.last} are"
        self._find(Problem.MISSING, f"{lines} missing before this one", gap.place, chain)

    def _find(self, problem: Problem, message: str, place: Place | None = None, chain: str | None = None) -> None:
        self._report(Finding(problem, message, place, chain))

    def _report(self, finding: Finding) -> None:
        self._findings_total += 1
        if len(self._findings) < MOST_FINDINGS:
            self._findings.append(finding)


_NOWHERE = Place(0, 0, "")
