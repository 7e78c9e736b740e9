"""Looking again and again, and showing what has changed: `keyhole status --watch`."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from cli.errors import NotDoneError, tell
from cli.following.rows import Row

_PAUSE_SECONDS: Final = 2.0
# However long a look takes, servers are asked for a sixth of the time at most.
_PAUSE_FACTOR: Final = 5.0


def watch(
    look: Callable[[], list[Row]],
    show: Callable[[Sequence[Row], Sequence[Row]], None],
    pause: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Show the rows of each look, with those that are new or have changed since the last one, until Ctrl-C.

    When nothing has changed, nothing is shown. What goes wrong after the first look is told, once while it stays the
    same, and looked at again.
    """
    before: list[Row] | None = None
    problem = ""
    try:
        while True:
            began = clock()
            try:
                rows = look()
            except NotDoneError as error:
                if before is None:
                    raise
                if error.message != problem:
                    tell(f"note: {error.message}", err=True)
                problem = error.message
            else:
                problem = ""
                if rows != before:
                    known = frozenset(before or ())
                    show(rows, [row for row in rows if row not in known])
                before = rows
            pause(max(_PAUSE_SECONDS, _PAUSE_FACTOR * (clock() - began)))
    except KeyboardInterrupt:
        return
