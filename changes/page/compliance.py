"""What of a compliance report somebody may see: what is in their namespaces, and nothing that counts others. Pure."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import msgspec

from changes.page.reports import AnsweredFor, Finding, Report, Standard, Unchecked

NOT_CHECKED: Final = "not-checked"
_WORDS: Final = re.compile(r"[^a-z0-9-]+")
_UNTOLD: Final = "What it says names a namespace that you may not see. Ask whoever may see all of them."
_RANK: Final = {"error": 0, "warning": 1, "note": 2}
NOTHING_SEEN: Final = "none"
"""How a standard stands for somebody who sees nothing of it."""
_STATUS: Final = ("finding", NOT_CHECKED, NOTHING_SEEN, "held", "off")
_MOST_PARTS: Final = 32
# Namespaces that every cluster has, or that are words of Keyhole's messages: their names give nothing away.
_WELL_KNOWN: Final = frozenset({"default", "keyhole", "kube-system", "kube-public", "secret", "vault"})


@dataclass(frozen=True, slots=True)
class ShownStandard:
    """A standard as somebody sees it. `held` is None for those who do not see everything: it counts all namespaces."""

    name: str
    title: str
    status: str
    severity: str | None
    held: int | None
    findings: Sequence[Finding]
    unchecked: Sequence[Unchecked]
    excepted: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class ShownException:
    """An exception. `objects` are empty for those who do not see everything, and `covers` counts what they see."""

    standards: Sequence[str]
    objects: Sequence[str]
    answered: AnsweredFor
    covers: int

    def days_left(self, today: date) -> int:
        """Return how many days are left; 0 on the last one, and less afterwards."""
        return (self.answered.until - today).days


@dataclass(frozen=True, slots=True)
class Shown:
    """A report as somebody sees it. `is_whole` is whether they see all of it."""

    report: Report
    is_whole: bool
    standards: Sequence[ShownStandard]
    exceptions: Sequence[ShownException]

    @property
    def findings(self) -> int:
        """How many findings there are."""
        return sum(len(each.findings) for each in self.standards)

    @property
    def unchecked(self) -> int:
        """How many things could not be looked at."""
        return sum(len(each.unchecked) for each in self.standards)

    @property
    def excepted(self) -> int:
        """How many findings exceptions cover."""
        return sum(len(each.excepted) for each in self.standards)

    @property
    def held(self) -> int | None:
        """How many things meet their standards, for those who see everything."""
        return sum(each.held or 0 for each in self.standards) if self.is_whole else None


def namespaces(report: Report) -> frozenset[str]:
    """Return the namespaces that a report names."""
    return frozenset(
        about.namespace
        for standard in report.standards
        for about in (
            *(each.object for each in standard.findings),
            *(each.object for each in standard.excepted),
            *(each.object for each in standard.unchecked),
        )
        if about.namespace
    )


def shown(report: Report, visible: Collection[str] | None, others: Iterable[str] = ()) -> Shown:
    """Return what of a report is shown to somebody who may see these namespaces; None for all.

    `others` are namespaces that nobody may learn of from a text, beside those of the report.
    """
    if visible is None:
        standards = [_whole(each) for each in report.standards]
        exceptions = [ShownException(each.standards, each.objects, each, each.covers) for each in report.exceptions]
        return Shown(report, True, _sorted(standards), sorted(exceptions, key=_until))
    hidden = frozenset({*namespaces(report), *others}) - frozenset(visible) - _WELL_KNOWN
    standards = [_part(each, frozenset(visible), hidden) for each in report.standards]
    return Shown(report, False, _sorted(standards), sorted(_covering(standards), key=_until))


def _until(exception: ShownException) -> date:
    return exception.answered.until


def _sorted(standards: Iterable[ShownStandard]) -> Sequence[ShownStandard]:
    return sorted(standards, key=lambda each: _STATUS.index(each.status) if each.status in _STATUS else len(_STATUS))


def _whole(standard: Standard) -> ShownStandard:
    return ShownStandard(
        standard.name,
        standard.title,
        standard.status,
        standard.severity,
        standard.held,
        _worst_first(standard.findings),
        standard.unchecked,
        standard.excepted,
    )


def _part(standard: Standard, visible: frozenset[str], hidden: frozenset[str]) -> ShownStandard:
    findings = [_told(each, hidden) for each in standard.findings if each.object.namespace in visible]
    excepted = [_told(each, hidden) for each in standard.excepted if each.object.namespace in visible]
    unchecked = [
        each if not _names(each.reason, hidden) else Unchecked(each.object, _UNTOLD)
        for each in standard.unchecked
        if each.object.namespace in visible
    ]
    status = (
        "off" if standard.severity is None else "finding" if findings else NOT_CHECKED if unchecked else NOTHING_SEEN
    )
    return ShownStandard(
        standard.name, standard.title, status, standard.severity, None, _worst_first(findings), unchecked, excepted
    )


def _worst_first(findings: Iterable[Finding]) -> Sequence[Finding]:
    return sorted(findings, key=lambda each: (_RANK.get(each.severity, len(_RANK)), not each.new))


def _told(finding: Finding, hidden: frozenset[str]) -> Finding:
    """Return a finding without texts that name other namespaces, nor the exception's free text if it does."""
    texts = {"message": _UNTOLD} if _names(finding.message, hidden) else {}
    # What helps is a text of Keyhole's own, and names nothing of a cluster.
    empty = {name: "" for name in ("pointer", "file") if _names(getattr(finding, name), hidden)}
    changes: dict[str, object] = {**texts, **empty}
    answered = finding.exception
    if answered is not None and any(
        _names(text, hidden) for text in (answered.owner, answered.reason, answered.ticket)
    ):
        changes["exception"] = AnsweredFor(answered.until, reason=_UNTOLD)
    return msgspec.structs.replace(finding, **changes)


def _names(text: str, hidden: frozenset[str]) -> bool:
    """Return whether a text names one of these: as a word, or as some parts of a word with hyphens."""
    if not hidden:
        return False
    for word in _WORDS.split(text.lower()):
        parts = word.split("-")
        for start in range(len(parts)):
            for end in range(start + 1, min(len(parts), start + _MOST_PARTS) + 1):
                if "-".join(parts[start:end]) in hidden:
                    return True
    return False


def _covering(standards: Iterable[ShownStandard]) -> Iterable[ShownException]:
    covered: dict[AnsweredFor, list[str]] = {}
    for standard in standards:
        for each in standard.excepted:
            if each.exception is not None:
                covered.setdefault(each.exception, []).append(standard.name)
    for answered, names in covered.items():
        yield ShownException(sorted(set(names)), (), answered, len(names))
