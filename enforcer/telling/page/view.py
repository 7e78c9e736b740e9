"""The whole page: standards by how they stand, what has changed, exceptions, and an index of namespaces."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from enforcer.report import Gone, Report, StandardsException, Status, Unseen
from enforcer.telling.page.shares import cut, grouped
from enforcer.telling.page.standards import Section, section
from enforcer.telling.page.words import STATUS, days_left, to_look_at
from review.findings.finding import Finding

_MOST_CHANGES: Final = 50
_MOST_EXCEPTIONS: Final = 200
_MOST_NAMESPACES: Final = 500
_HORIZON_DAYS: Final = 180
_ORDER: Final = (Status.FINDING, Status.NOT_CHECKED, Status.HELD, Status.OFF)


@dataclass(frozen=True, slots=True)
class Part:
    """The standards that stand alike."""

    status: Status
    title: str
    sections: Sequence[Section]


@dataclass(frozen=True, slots=True)
class ShownException:
    """An exception, with the length of its bar in percent of half a year."""

    exception: StandardsException
    days: str
    percent: float


@dataclass(frozen=True, slots=True)
class Entry:
    """A namespace in the index: how many findings, and of which standards, with the targets of links."""

    namespace: str
    count: int
    links: Sequence[tuple[str, str, int]]


@dataclass(frozen=True, slots=True)
class Change:
    """A finding that the earlier report did not have. `anchor` is that of its standard."""

    finding: Finding
    standard: str
    anchor: str


@dataclass(frozen=True, slots=True)
class View:
    """Everything that stands on the page."""

    report: Report
    parts: Sequence[Part]
    new: Sequence[Change]
    new_left_out: int
    gone: Sequence[Gone]
    gone_left_out: int
    unseen: Sequence[Unseen]
    unseen_left_out: int
    exceptions: Sequence[ShownException]
    exceptions_left_out: int
    namespaces: Sequence[Entry]
    namespaces_left_out: int

    @property
    def sections(self) -> Sequence[Section]:
        """All standards, in the order of the page."""
        return [each for part in self.parts for each in part.sections]

    @property
    def detailed(self) -> Sequence[Section]:
        """The standards of which there is more to say than numbers."""
        return [each for each in self.sections if each.has_details]

    @property
    def exceptions_to_look_at(self) -> str:
        """How many exceptions have ended or end soon, in words."""
        return to_look_at(self.report.exceptions)

    @property
    def is_compared(self) -> bool:
        """Whether there is an earlier report."""
        return self.report.new is not None


def view(report: Report) -> View:
    """Return what stands on the page about a report, bounded in every direction."""
    sections = [section(verdict, report.new) for verdict in report.verdicts]
    by_status = grouped((each.verdict.status, each) for each in sections)
    today = (report.ended or report.started).date()
    exceptions = sorted(report.exceptions, key=lambda each: each.until)
    told_exceptions, more_exceptions = cut([_exception(each, today) for each in exceptions], _MOST_EXCEPTIONS)
    return View(
        report,
        [Part(status, STATUS[status], by_status[status]) for status in _ORDER if status in by_status],
        *cut(list(_new(report, sections)), _MOST_CHANGES),
        *cut(report.gone or (), _MOST_CHANGES),
        *cut(report.unseen, _MOST_CHANGES),
        told_exceptions,
        more_exceptions,
        *cut(list(_index(sections)), _MOST_NAMESPACES),
    )


def _new(report: Report, sections: Sequence[Section]) -> Iterator[Change]:
    new = report.new
    if not new:
        return
    for each in sections:
        rule = each.verdict.standard.rule
        yield from (
            Change(finding, rule.id, each.anchor) for finding in each.verdict.findings if finding.fingerprint in new
        )


def _exception(exception: StandardsException, today: date) -> ShownException:
    days = min(_HORIZON_DAYS, max(0, (exception.until - today).days))
    return ShownException(exception, days_left(exception, today), round(100 * days / _HORIZON_DAYS, 2))


def _index(sections: Sequence[Section]) -> Iterator[Entry]:
    links = grouped(
        (group.namespace, (each.verdict.standard.rule.id, group.anchor, group.count))
        for each in sections
        for group in each.groups
        if group.namespace
    )
    for namespace in sorted(links):
        yield Entry(namespace, sum(count for _, _, count in links[namespace]), links[namespace])
