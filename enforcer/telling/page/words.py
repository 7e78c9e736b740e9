"""The sentences, dates and names of the page."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from enforcer.report import ExceptionState, Report, StandardsException, Status, Verdict
from resolver.references.characters import visible
from review.findings.report import counted
from review.findings.rule import Severity

MOST_CHARACTERS: Final = 1024
"""What is told of a text of somebody else's. No name of Kubernetes is as long."""
STATUS: Final = {
    Status.FINDING: "Findings",
    Status.NOT_CHECKED: "Not checked",
    Status.HELD: "Held",
    Status.OFF: "Off",
}
"""A status in a word or two."""
STATE: Final = {
    ExceptionState.IN_FORCE: "In force",
    ExceptionState.ENDS_SOON: "Ends soon",
    ExceptionState.ENDED: "Ended",
}
"""The state of an exception in a word or two."""
_UNSAFE: Final = re.compile(r"[^a-z0-9-]+")


def told(text: str) -> str:
    """Return somebody else's text so that a reader sees every character of it, and not too many of them."""
    return visible(text, MOST_CHARACTERS)


def anchor(name: str) -> str:
    """Return a name of ours as the target of a link."""
    return _UNSAFE.sub("-", name.lower())


def moment(time: datetime) -> str:
    """Return a moment, such as `28 November 2026, 03:02 UTC`."""
    time = time.astimezone(UTC)
    return f"{time.day} {time:%B %Y, %H:%M} UTC"


def day(of: date) -> str:
    """Return a day, such as `5 December 2026`."""
    return f"{of.day} {of:%B %Y}"


def duration(time: timedelta) -> str:
    """Return how long something took, such as `2 min 41 s`."""
    minutes, seconds = divmod(max(0, round(time.total_seconds())), 60)
    return f"{minutes:,} min {seconds} s" if minutes else f"{seconds} s"


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence: `a`, `a and b`, `a, b and c`."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def headline(report: Report) -> str:
    """Return how everything stands, in a few words."""
    on = [verdict for verdict in report.verdicts if verdict.severity is not None]
    match report.status:
        case Status.FINDING:
            bad = sum(verdict.status is Status.FINDING for verdict in on)
            return f"{bad} of {counted(len(on), 'standard')} {'is' if bad == 1 else 'are'} not met"
        case Status.HELD:
            return f"All {len(on)} standards are met" if len(on) > 1 else "The standard is met"
        case _:
            if report.ended is None:
                return "The run has not ended"
            return "Not everything could be checked" if on else "Nothing was checked"


def sentence(report: Report) -> str:
    """Return the numbers behind the headline, as sentences."""
    if not report.verdicts:
        return "There is no standard, so nothing is known."
    found = [(report.count(severity), str(severity)) for severity in Severity]
    words = [counted(count, noun) for count, noun in found if count]
    first = (
        f"There {'is' if len(words) == 1 and words[0].startswith('1 ') else 'are'} {listed(words)}." if words else ""
    )
    missing = counted(report.unchecked, "thing")
    second = (
        f"{missing} could not be checked, and {'counts' if report.unchecked == 1 else 'count'} as neither good nor bad."
    )
    parts = [first or "There are no findings.", second if report.unchecked else "Everything was looked at."]
    if report.ended is None:
        parts.append("The run was stopped, or is still going on: what stands here is not whole.")
    return " ".join(parts)


def counts(verdict: Verdict) -> Sequence[tuple[str, str]]:
    """Return what a standard has of each answer, with a word for how it is drawn; the worst comes first."""
    by_severity = [(sum(each.severity is one for each in verdict.findings), one) for one in Severity]
    found = [(f"finding-{severity}", counted(count, str(severity))) for count, severity in by_severity if count]
    rest = [
        ("not-checked", f"{len(verdict.unchecked):,} not checked" if verdict.unchecked else ""),
        ("excepted", f"{len(verdict.excepted):,} excepted" if verdict.excepted else ""),
        ("held", f"{verdict.held:,} held" if verdict.held else ""),
    ]
    told_of = [*found, *((kind, text) for kind, text in rest if text)]
    nothing = "switched off" if verdict.status is Status.OFF else "there was nothing to look at"
    return told_of or [("off", nothing)]


def days_left(exception: StandardsException, today: date) -> str:
    """Return how long an exception lasts, or since when it no longer does."""
    days = (exception.until - today).days
    if days < 0:
        return f"{counted(-days, 'day')} ago"
    return f"{counted(days, 'day')} left" if days else "today is the last day"


def covers(count: int) -> str:
    """Return how many findings an exception covers."""
    return f"covers {counted(count, 'finding')}" if count else "covers nothing"


def to_look_at(exceptions: Sequence[StandardsException]) -> str:
    """Return how many exceptions end soon or have ended, empty if none does."""
    states = [(ExceptionState.ENDED, "ended"), (ExceptionState.ENDS_SOON, "ends soon")]
    numbers = [(sum(each.state is state for each in exceptions), word) for state, word in states]
    return ", ".join(
        f"{count:,} {word if count == 1 else word.replace('ends', 'end')}" for count, word in numbers if count
    )
