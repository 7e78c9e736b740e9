"""How many changes there were on each day, counted up to a limit, so that the answer costs the same however many."""

import sqlite3
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from changes.index.times import microseconds

_DAY: Final = timedelta(days=1)
_COUNT: Final = """
SELECT count(*) FROM (
    SELECT 1 FROM change WHERE namespace = (SELECT id FROM text WHERE text = ?) AND time >= ? AND time < ? LIMIT ?
)
"""


def counts(database: sqlite3.Connection, namespace: str, last: date, days: int, most: int) -> Mapping[date, int]:
    """Return how many changes of a namespace there were on each of the `days` days up to `last` (UTC); `most` a day."""
    found = {}
    for number in range(days):
        day = last - number * _DAY
        begin = datetime.combine(day, time(), UTC)
        values = (namespace, microseconds(begin), microseconds(begin + _DAY), most)
        (found[day],) = database.execute(_COUNT, values).fetchone()
    return found
