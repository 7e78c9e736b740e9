"""A report as commands of GitHub's workflows, which become annotations of a pull request.

GitHub takes ten of a severity from a step and drops the rest without a word; so the first ten are told, the worst
first, and a last line says how many more there are. Source: GitHub, *Workflow commands*, and its limits.
"""

from collections.abc import Iterator
from typing import Final

from resolver.references.characters import visible
from review.findings.finding import Finding
from review.findings.report import Report
from review.findings.rule import Severity

MOST_OF_A_SEVERITY: Final = 10
_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(report: Report) -> str:
    """Return the commands, and the summary as a line of the log."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: Report) -> Iterator[str]:
    for severity in Severity:
        found = [finding for finding in report.findings if finding.severity is severity]
        yield from map(_command, found[:MOST_OF_A_SEVERITY])
        if left_out := len(found) - MOST_OF_A_SEVERITY:
            yield from [f"{left_out} more of severity {severity}: GitHub shows ten of a step"] if left_out > 0 else []
    for each in report.unchecked:
        yield _log_line(str(each))
    yield _log_line(report.summary)


def _command(finding: Finding) -> str:
    place = finding.place
    where = f"file={_property(place.file)},line={place.line},endLine={place.end_line},col={place.column}"
    title = _property(f"{finding.rule.id} {finding.rule.name}")
    message = _data(f"{finding.message}. {finding.rule.remedy}")
    return f"::{_COMMANDS[finding.severity]} {where},title={title}::{message}"


def _log_line(text: str) -> str:
    """Return a text as a line of the log in which the runner finds no command, of the older form neither.

    It takes `::` after blanks for one, and `##[` anywhere. Source: actions/runner, `ActionCommand.cs`.
    """
    line = visible(text).replace("##[", "# #[")
    return f"- {line}" if line.lstrip().startswith("::") else line


def _data(text: str) -> str:
    """Escape a message."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
