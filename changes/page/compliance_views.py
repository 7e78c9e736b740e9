"""The views of compliance: the last report of the Enforcer, and the standards with their exceptions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from changes import answers
from changes.page.compliance import Shown, ShownException, ShownStandard, namespaces, shown
from changes.page.reports import Finding, NoReport, Object
from changes.page.view import Asking, Table, View
from enforcer.telling.page.shares import cut, grouped, shares
from enforcer.telling.page.words import anchor
from review.findings.report import counted

_MOST_FINDINGS: Final = 150
_MOST_OPEN: Final = 12
_MOST_REASONS: Final = 20
_MOST_NAMED: Final = 8
_SOON_DAYS: Final = 14
_VERSION: Final = "keyhole.dev/page/v1"
_FINDINGS: Final = ("standard", "severity", "kind", "namespace", "name", "message", "what to do", "file", "line", "new")
_STANDARDS: Final = ("standard", "status", "severity", "findings", "not checked", "excepted", "demand")


@dataclass(frozen=True, slots=True)
class Group:
    """The findings of a standard in a namespace; `more` are not shown."""

    namespace: str
    count: int
    findings: Sequence[Finding]
    more: int


@dataclass(frozen=True, slots=True)
class Section:
    """A standard on the page. Of each reason why something was not checked: how often, and some of the objects."""

    standard: ShownStandard
    anchor: str
    groups: Sequence[Group]
    groups_left_out: int
    reasons: Sequence[tuple[str, int, Sequence[Object]]]
    is_open: bool

    @property
    def has_details(self) -> bool:
        """Whether there is more to say than how it stands."""
        return bool(self.groups or self.reasons)


@dataclass(frozen=True, slots=True)
class Exceptional:
    """An exception on the page, with what is left of it in words."""

    shown: ShownException
    state: str
    days: str


def compliance(asking: Asking) -> View:
    """Return the findings of the last report that somebody may see."""
    seen = _seen(asking)
    if isinstance(seen, NoReport):
        return _without("compliance", "Compliance", seen)
    sections = [each for each in map(_section, seen.standards) if each.has_details]
    rows = [_FINDINGS, *(_row(each.name, one) for each in seen.standards for one in each.findings)]
    told = Table(_document(seen), rows)
    return View("compliance", "Compliance", told, {"problem": "", "shown": seen, "sections": sections})


def standards(asking: Asking) -> View:
    """Return what each standard demands, how it stands, and who answers for exceptions until when."""
    seen = _seen(asking)
    if isinstance(seen, NoReport):
        return _without("standards", "Standards", seen)
    today = asking.now.date()
    exceptions = [_exceptional(each, today) for each in seen.exceptions]
    rows = [_STANDARDS, *(_counts(each) for each in seen.standards)]
    more = {
        "problem": "",
        "shown": seen,
        "sections": [_section(each) for each in seen.standards],
        "exceptions": exceptions,
    }
    return View("standards", "Standards", Table(_document(seen), rows), more)


def _seen(asking: Asking) -> "Shown | NoReport":
    try:
        report = asking.reports.report()
    except NoReport as problem:
        return problem
    known = answers.namespaces(asking.database)
    visible = asking.sight.viewer.visible(sorted({*known, *namespaces(report)}))
    return shown(report, visible, known)


def _without(template: str, title: str, problem: NoReport) -> View:
    document = {"version": _VERSION, "problem": problem.problem, "standards": [], "exceptions": []}
    return View(template, title, Table(document, [("problem",), (problem.problem,)]), {"problem": problem.problem})


def _section(standard: ShownStandard) -> Section:
    by_namespace = grouped((each.object.namespace, each) for each in standard.findings)
    most = shares({name: len(those) for name, those in by_namespace.items()}, _MOST_FINDINGS)
    groups = [
        Group(name, len(by_namespace[name]), *cut(by_namespace[name], most[name])) for name in sorted(by_namespace)
    ]
    told = [each for each in groups if each.findings]
    by_reason = grouped((each.reason, each.object) for each in standard.unchecked)
    reasons = sorted(by_reason.items(), key=lambda item: -len(item[1]))[:_MOST_REASONS]
    return Section(
        standard,
        f"standard-{anchor(standard.name)}",
        told,
        len(groups) - len(told),
        [(reason, len(those), those[:_MOST_NAMED]) for reason, those in reasons],
        len(standard.findings) <= _MOST_OPEN,
    )


def _exceptional(each: ShownException, today: date) -> Exceptional:
    days = each.days_left(today)
    if days < 0:
        return Exceptional(each, "ended", f"ended {counted(-days, 'day')} ago")
    words = f"{counted(days, 'day')} left" if days else "today is the last day"
    return Exceptional(each, "soon" if days <= _SOON_DAYS else "in-force", words)


def _row(standard: str, of: Finding) -> Sequence[str]:
    about = of.object
    line = str(of.line) if of.line else ""
    new = "" if of.new is None else "yes" if of.new else "no"
    return standard, of.severity, about.kind, about.namespace, about.name, of.message, of.help, of.file, line, new


def _counts(of: ShownStandard) -> Sequence[str]:
    numbers = [str(len(each)) for each in (of.findings, of.unchecked, of.excepted)]
    return of.name, of.status, of.severity or "", *numbers, of.title


def _document(of: Shown) -> Mapping[str, Any]:
    """Return a report as somebody sees it. What they do not see is not there, and `held` is null."""
    return {
        "version": _VERSION,
        "cluster": of.report.cluster,
        "started": of.report.started,
        "ended": of.report.ended,
        "is_whole": of.is_whole,
        "standards": of.standards,
        "exceptions": [
            {
                "standards": each.standards,
                "objects": each.objects,
                "covers": each.covers,
                "until": each.answered.until,
                "owner": each.answered.owner,
                "reason": each.answered.reason,
                "ticket": each.answered.ticket,
            }
            for each in of.exceptions
        ],
    }
