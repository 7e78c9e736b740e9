"""`keyhole lint --fix`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.commands.review.changing.work_tree import refuse_if_dirty
from cli.errors import tell
from review.findings.report import Report
from review.sources import files

_Command = TypeVar("_Command", bound=Callable[..., Any])
Fixer = Callable[[Report], Report]


def fixing_options(command: _Command) -> Any:
    """Add --fix and --force; the command gets `fixer`, which takes a report and returns what is left of it."""

    @click.option(
        "--fix",
        is_flag=True,
        help="Put right what has one right answer (of KH201, KH202, KH205 and KH206), and tell of the rest.",
    )
    @click.option("--force", is_flag=True, help="Fix even if the work tree has other changes, or is not in Git.")
    @wraps(command)
    def wrapped(*args: Any, fix: bool, force: bool, paths: Sequence[Path], **given: Any) -> Any:
        if force and not fix:
            raise click.UsageError("--force means something only with --fix")
        if fix and given.get("write_baseline"):
            raise click.UsageError("either --fix or --write-baseline")
        named = [path for path in paths if path != Path("-")]
        if fix and paths and not named:
            raise click.UsageError("--fix changes files, and standard input is none")
        if fix and not force:
            refuse_if_dirty(named or [Path()])
        return command(*args, paths=paths, fixer=_fixed if fix else _as_it_is, **given)

    return wrapped


def _as_it_is(report: Report) -> Report:
    return report


def _fixed(report: Report) -> Report:
    from review.lint.fixing.fixing import fix

    known = [each for each in report.findings if each.place.file != files.STANDARD_INPUT]
    done = fix(known)
    for finding in done.fixed:
        what = finding.fix.said if finding.fix else ""
        tell(f"{finding.place}: fixed {finding.rule.id}: {what}", err=True)
    for text in done.failed:
        tell(f"not fixed: {text}", err=True)
    gone = {finding.fingerprint for finding in done.fixed}
    return replace(report, findings=[each for each in report.findings if each.fingerprint not in gone])
