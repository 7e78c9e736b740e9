"""Times as people read them: in UTC with the zone written, and how long ago that was. Pure."""

from datetime import UTC, date, datetime, timedelta
from typing import Final

from review.findings.report import counted

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_SOON: Final = 45
_MONTH_DAYS: Final = 30
_YEAR_DAYS: Final = 365


def ago(time: datetime, now: datetime) -> str:
    """Return how long ago a time was, such as `3 hours ago`. Clocks may differ: one in the future is `in 3 hours`."""
    seconds = (now - time).total_seconds()
    size = abs(seconds)
    if size < _SOON:
        return "just now"
    amount = _amount(size)
    return f"{amount} ago" if seconds > 0 else f"in {amount}"


def _amount(seconds: float) -> str:
    days = int(seconds // _DAY)
    if seconds < _HOUR:
        return counted(max(1, round(seconds / _MINUTE)), "minute")
    if seconds < _DAY:
        return counted(int(seconds // _HOUR), "hour")
    if days < 2 * _MONTH_DAYS:
        return counted(days, "day")
    if days < 2 * _YEAR_DAYS:
        return counted(days // _MONTH_DAYS, "month")
    return counted(days // _YEAR_DAYS, "year")


def clock(time: datetime) -> str:
    """Return the time of day, such as `03:02:11 UTC`."""
    return f"{time.astimezone(UTC):%H:%M:%S} UTC"


def day(of: date) -> str:
    """Return a day, such as `Saturday, 28 November 2026`."""
    return f"{of:%A}, {of.day} {of:%B} {of.year}"


def near(of: date, now: datetime) -> str:
    """Return `today` or `yesterday`, empty for other days."""
    days = (now.astimezone(UTC).date() - of) // timedelta(days=1)
    return {0: "today", 1: "yesterday"}.get(days, "")


def machine(time: datetime) -> str:
    """Return a time for programs (RFC 3339), to the second. HTML's `datetime` takes it."""
    return f"{time.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"
