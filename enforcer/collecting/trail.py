"""Verifies the audit trail of Keyhole, as `keyhole audit verify` does, and takes from it who did what."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from audit import findings
from audit.errors import AuditKeyError
from audit.key import AuditKey, load_key
from audit.line import Head, Line, parse
from audit.verify import Report, Verifier, read_lines
from enforcer.collecting.run import Run, Stopped
from enforcer.collecting.sources import Sources
from enforcer.collecting.trail_records import Records
from enforcer.facts.base import NotKnown
from enforcer.facts.inventory import Inventory
from enforcer.facts.trail import Chain, Problem, TrailFacts

_LINES_BETWEEN_LOOKS: Final = 2000
_MOST_HEADS_BYTES: Final = 4 * 1024 * 1024
_IN_THE_LOG: Final = "audit head "


class _Unusable(Exception):
    """A file that cannot be used, and why."""


def collect(sources: Sources, run: Run, _so_far: Inventory) -> TrailFacts | NotKnown:
    """Return what the files say. Of a part of them nothing can be concluded, so it is all or nothing."""
    if not sources.audit_log:
        return NotKnown(not_known="no audit trail was given (--audit-log)")
    if sources.audit_key is None:
        return NotKnown(not_known="the key of the audit trail was not given (--audit-key)")
    try:
        key = load_key(sources.audit_key)
        heads = _heads(sources.audit_heads)
        after = _vouched_for(sources.audit_log, key, heads, run) if heads else []
        return _verified(sources.audit_log, key, heads, after, run)
    except (AuditKeyError, _Unusable) as error:
        return NotKnown(not_known=str(error))
    except Stopped as stopped:
        return NotKnown(not_known=stopped.reason)


def _verified(
    files: Sequence[Path], key: AuditKey, heads: Sequence[Head], after: Sequence[Head], run: Run
) -> TrailFacts:
    records = Records()
    verifier = Verifier([key], heads, after, sound=records.take)
    for text, place in _lines(files, run):
        verifier.feed(text, place)
    return _facts(files, verifier.finish(), records, len(heads))


def _facts(files: Sequence[Path], report: Report, records: Records, heads: int) -> TrailFacts:
    return TrailFacts(
        files=tuple(map(str, files)),
        lines=report.lines,
        chains=tuple(
            Chain(
                name=chain.head.chain,
                first=chain.first,
                last=chain.head.sequence,
                lines=chain.lines,
                head=str(chain.head),
                ended=chain.ended,
                host=records.hosts.get(chain.head.chain, ""),
            )
            for chain in report.chains
        ),
        problems=tuple(map(_problem, report.findings)),
        problems_total=report.findings_total,
        heads=heads,
        since=records.since,
        until=records.until,
        admitted=tuple(records.admitted),
        used=tuple(records.used),
        left_out=records.left_out,
    )


def _problem(found: findings.Finding) -> Problem:
    return Problem(
        problem=found.problem.value,
        message=found.message,
        chain=found.chain or "",
        file="" if found.place is None else found.place.file,
        line=0 if found.place is None else found.place.line,
    )


def _lines(files: Sequence[Path], run: Run) -> Iterator[tuple[bytes, findings.Place]]:
    for file_number, file in enumerate(files, 1):
        run.go_on()
        run.tell(f"the audit trail, file {file_number} of {len(files)}")
        try:
            with file.open("rb") as stream:
                for number, text in enumerate(read_lines(stream), 1):
                    if not number % _LINES_BETWEEN_LOOKS:
                        run.go_on()
                    yield text, findings.Place(file_number, number, str(file))
        except OSError as error:
            raise _Unusable(f"{file} cannot be read: {error.strerror or type(error).__name__}") from None


def _heads(file: Path | None) -> Sequence[Head]:
    """Return the heads of a file, one on each line. Lines of the server's log, `… audit head HEAD`, will do."""
    if file is None:
        return ()
    try:
        with file.open("rb") as stream:
            content = stream.read(_MOST_HEADS_BYTES + 1)
    except OSError as error:
        raise _Unusable(f"{file} cannot be read: {error.strerror or type(error).__name__}") from None
    if len(content) > _MOST_HEADS_BYTES:
        raise _Unusable(f"{file} has more than {_MOST_HEADS_BYTES} bytes")
    heads = []
    for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
        text = line.partition(_IN_THE_LOG)[2] if _IN_THE_LOG in line else line
        if not text.strip():
            continue
        try:
            heads.append(Head.parse(text.split()[0]))
        except ValueError as error:
            raise _Unusable(f"{file}, line {number}: {error}") from None
    return heads


def _vouched_for(files: Sequence[Path], key: AuditKey, heads: Sequence[Head], run: Run) -> Sequence[Head]:
    """Return where the files begin in chains whose beginning lies in files that were rotated away.

    An earlier run read a chain up to its head. What comes before the first line now is vouched for by that run if it
    had read it by then; otherwise lines are missing, and that is found.
    """
    read = {head.chain: max(head.sequence, 0) for head in heads}
    first: dict[str, Line] = {}
    for text, _ in _lines(files, run):
        line = parse(text.removesuffix(b"\n"))
        if line is None or line.head.chain not in read:
            continue
        known = first.get(line.head.chain)
        if (known is None or line.head.sequence < known.head.sequence) and line.is_authentic(key):
            first[line.head.chain] = line
    return [
        Head(chain, line.head.sequence - 1, line.previous)
        for chain, line in first.items()
        if 0 < line.head.sequence <= read[chain] + 1
    ]
