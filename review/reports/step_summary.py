"""A report as the Markdown that GitHub shows as the summary of a step: all findings, not ten of a kind.

GitHub takes 1 MiB for each step, and with more shows nothing at all. Source: GitHub, *Workflow commands*, adding a job
summary.
"""

import re
from collections.abc import Iterator
from typing import Final

from resolver.references.characters import visible
from review.findings.finding import Finding
from review.findings.report import Report, worst_first
from review.sources.text import NotChecked

MOST_BYTES: Final = 1024 * 1024
_MOST_CHARACTERS: Final = 1000
# Whatever Markdown, HTML or GitHub (mentions, emoji) would take for more than a letter.
_SPECIAL: Final = re.compile(r"[\\`*_{}\[\]()<>#+!|~$&@:]")
_HEAD: Final = "| where | how bad | rule | what | object |\n|---|---|---|---|---|\n"
# For the lines that say how much is left out.
_RESERVE: Final = 400


def render(report: Report, most_bytes: int = MOST_BYTES) -> str:
    """Return the summary, the worst first. Of what has no room in `most_bytes` it says how much that is."""
    room = most_bytes - _RESERVE
    if room < len(_HEAD) + _RESERVE:
        return ""
    parts = [f"### keyhole lint\n\n{_cell(report.summary)}\n\n"]
    room -= len(parts[0].encode())
    for head, rows, what in (
        (_HEAD, map(_finding, worst_first(report.findings)), "findings"),
        ("| where | not checked, because |\n|---|---|\n", map(_unchecked, report.unchecked), "places not checked"),
    ):
        table, left_out = _table(head, rows, room)
        room -= len(table.encode())
        parts.append(table)
        if left_out:
            parts.append(f"{left_out:,} more {what} have no room here.\n\n")
    return "".join(parts)


def _table(head: str, rows: Iterator[str], room: int) -> tuple[str, int]:
    """Return a table that fits, and how many rows do not."""
    told = [head]
    room -= len(head)
    left_out = 0
    for row in rows:
        size = len(row.encode(errors="backslashreplace"))
        # Once one is left out, the rest is: a table with holes would be taken for the whole.
        if left_out or size + 1 > room:
            left_out += 1
            continue
        room -= size
        told.append(row)
    return (f"{''.join(told)}\n" if len(told) > 1 else ""), left_out


def _finding(finding: Finding) -> str:
    cells = (str(finding.place), str(finding.severity), finding.rule.id, finding.message, str(finding.object))
    return f"| {' | '.join(map(_cell, cells))} |\n"


def _unchecked(each: NotChecked) -> str:
    return f"| {_cell(str(each.place))} | {_cell(each.reason)} |\n"


def _cell(text: str) -> str:
    """Return a text on one line, in which nothing is more than what it shows."""
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", visible(text, _MOST_CHARACTERS))
