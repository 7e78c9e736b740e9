"""A standard on the page: its numbers, its bar, and its findings by namespace."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from enforcer.judging.answers import NotChecked
from enforcer.report import Excepted, Status, Verdict
from enforcer.telling.page.shares import cut, grouped, shares
from enforcer.telling.page.words import anchor, counts
from review.findings.finding import Finding
from review.findings.rule import Severity

MOST_FINDINGS: Final = 250
"""So many findings of a standard stand on the page."""
_MOST_REASONS: Final = 40
_MOST_OBJECTS: Final = 12
_MOST_EXCEPTED: Final = 60
_MOST_OPEN: Final = 12
_NARROWEST: Final = 1.5


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a bar, in percent of its length. `kind` says how it is drawn."""

    kind: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding. `remedy` is empty where it is that of its standard."""

    finding: Finding
    is_new: bool
    remedy: str


@dataclass(frozen=True, slots=True)
class Group:
    """The findings in a namespace, or in none if its name is empty. `more` counts those that are left out."""

    anchor: str
    namespace: str
    count: int
    new: int
    findings: Sequence[ShownFinding]
    more: int
    is_open: bool


@dataclass(frozen=True, slots=True)
class Reason:
    """Why things were not checked, and which; `more` counts those that are not named."""

    text: str
    count: int
    objects: Sequence[NotChecked]
    more: int


@dataclass(frozen=True, slots=True)
class Section:
    """One standard."""

    verdict: Verdict
    anchor: str
    bar: Sequence[Segment]
    counts: Sequence[tuple[str, str]]
    groups: Sequence[Group]
    groups_left_out: int
    reasons: Sequence[Reason]
    reasons_left_out: int
    excepted: Sequence[Excepted]
    excepted_left_out: int

    @property
    def shown(self) -> int:
        """How many findings stand on the page."""
        return sum(len(group.findings) for group in self.groups)

    @property
    def has_details(self) -> bool:
        """Whether there is more to say than numbers."""
        return bool(self.groups or self.reasons or self.excepted)


def section(verdict: Verdict, new: frozenset[str] | None) -> Section:
    """Return what the page says of a standard. `new` are the fingerprints of what the earlier report did not have."""
    name = f"standard-{anchor(verdict.standard.rule.id)}"
    groups = list(_groups(verdict, name, new or frozenset()))
    shown = [group for group in groups if group.findings]
    reasons = sorted(_reasons(verdict.unchecked), key=lambda reason: -reason.count)
    told_reasons, more_reasons = cut(reasons, _MOST_REASONS)
    excepted, more_excepted = cut(verdict.excepted, _MOST_EXCEPTED)
    return Section(
        verdict,
        name,
        _bar(verdict),
        counts(verdict),
        shown,
        len(groups) - len(shown),
        told_reasons,
        more_reasons,
        excepted,
        more_excepted,
    )


def _groups(verdict: Verdict, name: str, new: frozenset[str]) -> Iterator[Group]:
    marked = [
        ShownFinding(finding, is_new, "" if finding.rule == verdict.standard.rule else finding.rule.remedy)
        for finding in verdict.findings
        for is_new in [bool(new) and finding.fingerprint in new]
    ]
    groups = grouped((each.finding.object.namespace, each) for each in marked)
    most = shares({namespace: len(those) for namespace, those in groups.items()}, MOST_FINDINGS)
    is_open = len(verdict.findings) <= _MOST_OPEN
    for number, namespace in enumerate(sorted(groups), 1):
        those = sorted(groups[namespace], key=lambda each: (each.finding.severity.rank, not each.is_new))
        told, more = cut(those, most[namespace])
        new_ones = sum(each.is_new for each in those)
        yield Group(f"{name}-in-{number}", namespace, len(those), new_ones, told, more, is_open)


def _reasons(unchecked: Sequence[NotChecked]) -> Iterator[Reason]:
    for text, those in grouped((each.reason, each) for each in unchecked).items():
        yield Reason(text, len(those), *cut(those, _MOST_OBJECTS))


def _bar(verdict: Verdict) -> Sequence[Segment]:
    """Return the shares of the answers. None that there is becomes too narrow to be seen."""
    found = {f"finding-{one}": sum(each.severity is one for each in verdict.findings) for one in Severity}
    parts = {
        **found,
        "not-checked": len(verdict.unchecked),
        "excepted": len(verdict.excepted),
        "held": verdict.held,
    }
    whole = sum(parts.values())
    if verdict.status is Status.OFF or not whole:
        return ()
    widths = {kind: max(_NARROWEST, 100 * count / whole) for kind, count in parts.items() if count}
    scale, start, bar = 100 / sum(widths.values()), 0.0, []
    for kind, width in widths.items():
        bar.append(Segment(kind, round(start, 2), round(width * scale, 2)))
        start += width * scale
    return bar
