"""Times as an index has them: microseconds since 1970. Pure, apart from the clock."""

from datetime import UTC, datetime, timedelta
from typing import Final

_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(time: datetime) -> int:
    """Return an aware datetime as a number."""
    return (time - _BEGINNING) // _MICROSECOND


def moment(number: int) -> datetime:
    """Return the aware datetime, in UTC, of a number."""
    return _BEGINNING + number * _MICROSECOND


def now() -> int:
    """Return the present as a number."""
    return microseconds(datetime.now(UTC))
