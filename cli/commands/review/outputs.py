"""How a review is told: `-o FORMAT[=FILE]`, and GitHub's summary of a step."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cli.commands.output import print_text
from cli.errors import NotDoneError, tell
from cli.version import VERSION
from review.findings.report import Report

FORMATS: Final = ("text", "json", "sarif", "junit", "github", "gitlab")
# These say themselves what was looked at.
_FOR_PEOPLE: Final = frozenset({"text", "github"})
# The file whose Markdown GitHub shows beside the run (*Workflow commands*, adding a job summary).
_STEP_SUMMARY: Final = "GITHUB_STEP_SUMMARY"


def tell_report(report: Report, outputs: Sequence[tuple[str, Path | None]]) -> None:
    """Write a report in each form that was asked for, as text if none was; sum up on standard error if none does."""
    asked = outputs or (("text", None),)
    for name, file in asked:
        text = _rendered(report, name)
        if file is None:
            print_text(text)
        else:
            write(file, text)
    if any(name == "github" for name, _ in asked) and os.environ.get(_STEP_SUMMARY):
        _summarise(report, Path(os.environ[_STEP_SUMMARY]))
    if not any(name in _FOR_PEOPLE and file is None for name, file in asked):
        tell(report.summary, err=True)


def write(file: Path, text: str) -> None:
    """Write a file that was asked for. Raises `NotDoneError`, also where the tree has a link out of it at its place."""
    here = Path.cwd().resolve()
    is_of_the_tree = file.is_symlink() and file.parent.resolve().is_relative_to(here)
    if is_of_the_tree and not Path(os.path.realpath(file)).is_relative_to(here):
        raise NotDoneError(f"{file} cannot be written: it is a link that leads out of the folder")
    try:
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise NotDoneError(f"{file} cannot be written: {error.strerror or type(error).__name__}") from None


def _rendered(report: Report, name: str) -> str:
    # Each start imports what it needs.
    match name:
        case "sarif":
            from review.lint.catalogue import RULES
            from review.reports import sarif

            return sarif.render(report, RULES, VERSION)
        case "json":
            from review.reports import json_report

            return json_report.render(report, VERSION)
        case "junit":
            from review.reports import junit

            return junit.render(report)
        case "github":
            from review.reports import github

            return github.render(report)
        case "gitlab":
            from review.reports import gitlab

            return gitlab.render(report)
    from review.reports import text

    return text.render(report)


def _summarise(report: Report, file: Path) -> None:
    """Add all findings to the summary of a step, as far as GitHub takes it. Other commands may have written there."""
    from review.reports import step_summary

    try:
        taken = file.stat().st_size if file.exists() else 0
        with file.open("a", encoding="utf-8", errors="backslashreplace") as summary:
            summary.write(step_summary.render(report, step_summary.MOST_BYTES - taken))
    except OSError as error:
        # The annotations are in the log in any case.
        tell(f"{_STEP_SUMMARY} cannot be written: {error.strerror or type(error).__name__}", err=True)
