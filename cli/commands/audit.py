"""`keyhole audit`: check that nobody has changed the audit trail."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from audit.errors import AuditKeyError
from audit.findings import Finding, Place
from audit.key import load_key
from audit.line import Head
from audit.verify import Chain, Report, Verifier, read_lines
from cli.errors import NotDoneError, tell

_STANDARD_INPUT = Path("-")
_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
_KEY_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PROGRESS_STEP_BYTES = 1024 * 1024
# Anything smaller is read before anyone would notice a progress bar.
_PROGRESS_FROM_BYTES = 16 * _PROGRESS_STEP_BYTES

# "\b" on a line of its own keeps click from joining the lines below it.
_VERIFY_EXAMPLES = """\b
Examples:
  keyhole audit verify /var/log/keyhole/audit.log --key audit.key
  keyhole audit verify audit.log.1 audit.log --key audit.key --key last-year.key -o json
\b
  # The trail is mixed with other output; lines may begin with a timestamp:
  kubectl logs -n keyhole POD | keyhole audit verify - --key audit.key --mixed
\b
  # Also check that nothing is missing up to a head that you noted earlier:
  keyhole audit verify audit.log --key audit.key --head CHAIN:SEQUENCE:MAC
"""


class _HeadType(click.ParamType[Head]):
    name = "chain:sequence:mac"

    def convert(self, value: str | Head, param: click.Parameter | None, ctx: click.Context | None) -> Head:
        if isinstance(value, Head):
            return value
        try:
            return Head.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group(name="audit")
def audit() -> None:
    """Check the audit trail that the webhook writes."""


@audit.command(epilog=_VERIFY_EXAMPLES)
@click.argument("files", metavar="[FILE|-]...", nargs=-1, type=_FILE)
@click.option(
    "--key",
    "key_files",
    multiple=True,
    required=True,
    type=_KEY_FILE,
    help="A key that the trail was written with. May be repeated.",
)
@click.option(
    "--head",
    "heads",
    multiple=True,
    type=_HeadType(),
    help="A line that must be there, as an earlier verify or the server's log printed it. May be repeated.",
)
@click.option(
    "--after",
    multiple=True,
    type=_HeadType(),
    help="The last line of a chain in older files that are not given. May be repeated.",
)
@click.option(
    "--mixed", is_flag=True, help="Skip other output: whole lines, and what comes before the trail's part of a line."
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines for people, or one JSON object.",
)
def verify(
    files: tuple[Path, ...],
    *,
    key_files: tuple[Path, ...],
    heads: tuple[Head, ...],
    after: tuple[Head, ...],
    mixed: bool,
    output: str,
) -> None:
    """Find lines of the audit trail that were removed, changed, inserted, repeated or moved.

    FILE is standard input by default. Give all files of a rotated log at once, the oldest first.

    A chain is everything that one worker process wrote. Only a head can show that the end of a chain, or a whole
    chain, is missing: note the heads that are printed here or in the server's log, and pass them as --head next time.

    If the disk was full, a line may never have been finished. If a later line reports that, it is a note, not a
    finding.

    Exit code 0: intact, perhaps with notes. 1: findings. 2: something could not be read.
    """
    try:
        verifier = Verifier([load_key(path) for path in key_files], heads, after, mixed=mixed)
        _read(files or (_STANDARD_INPUT,), verifier)
    except AuditKeyError as error:
        raise NotDoneError(str(error)) from error
    report = verifier.finish()
    if output == "json":
        _tell_json(report)
    else:
        _tell_text(report)
    if not report.intact:
        raise SystemExit(1)


def _read(files: Sequence[Path], verifier: Verifier) -> None:
    with _progress(files) as advance:
        for number, path in enumerate(files, 1):
            name = "standard input" if path == _STANDARD_INPUT else click.format_filename(path)
            try:
                with click.open_file(str(path), "rb") as stream:
                    _feed(stream, number, name, verifier, advance)
            except OSError as error:
                raise NotDoneError(f"{name} cannot be read: {error.strerror or type(error).__name__}") from error


def _feed(
    stream: IO[bytes],
    file_number: int,
    name: str,
    verifier: Verifier,
    advance: Callable[[int], None],
) -> None:
    seen_bytes = 0
    for number, text in enumerate(read_lines(stream), 1):
        verifier.feed(text, Place(file_number, number, name))
        seen_bytes += len(text)
        if seen_bytes >= _PROGRESS_STEP_BYTES:
            advance(seen_bytes)
            seen_bytes = 0
    advance(seen_bytes)


@contextmanager
def _progress(files: Sequence[Path]) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on a terminal if there is much to read and its length is known."""
    length_bytes = 0 if _STANDARD_INPUT in files else sum(path.stat().st_size for path in files)
    if length_bytes < _PROGRESS_FROM_BYTES or not sys.stderr.isatty():
        yield lambda _: None
        return
    with click.progressbar(length=length_bytes, label="verifying", file=sys.stderr) as bar:
        yield bar.update


def _tell_text(report: Report) -> None:
    for finding in report.findings:
        tell(f"finding: {_described(finding)}")
    left_out = report.findings_total - len(report.findings)
    if left_out:
        tell(f"and {left_out} more findings")
    for note in report.notes:
        tell(f"note: {_described(note)}")
    if report.notes_total > len(report.notes):
        tell(f"and {report.notes_total - len(report.notes)} more notes")
    for chain in report.chains:
        state = "ended" if chain.ended else "not ended"
        tell(f"chain {chain.head.chain}: lines {chain.first} to {chain.head.sequence}, {state}")
        tell(f"  head {chain.head}")
    verdict = "intact" if report.intact else f"findings: {report.findings_total}"
    tell(f"{report.lines} lines in {len(report.chains)} chains, {verdict}")


def _described(finding: Finding) -> str:
    place = "" if finding.place is None else f"{finding.place.file}:{finding.place.line}: "
    chain = "" if finding.chain is None else f" (chain {finding.chain})"
    return f"{place}{finding.problem.value}: {finding.message}{chain}"


def _tell_json(report: Report) -> None:
    document = {
        "intact": report.intact,
        "lines": report.lines,
        "chains": [_chain_as_json(chain) for chain in report.chains],
        "findings": [_finding_as_json(finding) for finding in report.findings],
        "findings_total": report.findings_total,
        "notes": [_finding_as_json(note) for note in report.notes],
        "notes_total": report.notes_total,
    }
    click.echo(json.dumps(document, indent=2))


def _chain_as_json(chain: Chain) -> dict[str, str | int | bool | list[str]]:
    return {
        "chain": chain.head.chain,
        "first": chain.first,
        "last": chain.head.sequence,
        "lines": chain.lines,
        "ended": chain.ended,
        "keys": sorted(chain.key_ids),
        "head": str(chain.head),
    }


def _finding_as_json(finding: Finding) -> dict[str, str | int | None]:
    return {
        "file": None if finding.place is None else finding.place.file,
        "line": None if finding.place is None else finding.place.line,
        "chain": finding.chain,
        "problem": finding.problem.value,
        "message": finding.message,
    }
