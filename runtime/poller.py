"""A poller reads something again and again, and believes what it read for a limited time.

Everything that a process polls is polled by this loop. Only `close` ends it. It logs each failure once, and knows how
old its value is.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final, Generic, TypeVar

from runtime.bugs import described

_T = TypeVar("_T")

FOR_EVER: Final = inf
# The pause if even the function that returns it has a bug.
_PAUSE_SECONDS: Final = 5.0


class Unreadable(Exception):
    """There is nothing to read, or nothing usable. The message is logged, so it must not quote any content."""


@dataclass(frozen=True, slots=True)
class What:
    """What is polled, in the words of the log.

    `name` stands before "can be read again". `while_believed` says what happens while the last value is believed,
    `without` what happens while there is none.
    """

    name: str
    while_believed: str
    without: str


class Poller(Generic[_T]):
    """The last value that `read` returned. Threads and greenlets may share it.

    `read` raises `Unreadable` if there is nothing. Anything else that it raises is a bug, and only its kind and its
    frames are logged. A value is believed for `believed_seconds` from the moment when the read began. `every` is the
    pause between two reads in seconds, or a function that returns it. `on_new` is called with each value that differs
    from the last one.
    """

    def __init__(
        self,
        read: Callable[[], _T],
        every: float | Callable[[], float],
        believed_seconds: float,
        what: What,
        *,
        log: logging.Logger,
        on_new: Callable[[_T], None] = lambda _value: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` returns seconds and never goes back."""
        self._read = read
        self._every = every
        self._believed_seconds = believed_seconds
        self._what = what
        self._log = log
        self._on_new = on_new
        self._clock = clock
        self._last: tuple[_T, float] | None = None
        self._was_believed = False
        self._stopped = threading.Event()
        self.last_failure = ""
        self.last_read_at: float | None = None
        """When the last value was read, in seconds since 1970; None before the first read."""

    @property
    def value(self) -> _T | None:
        """The value; None if there has never been one, or if the last one is too old to be believed."""
        last = self._last
        return None if last is None or self._clock() - last[1] > self._believed_seconds else last[0]

    def current(self) -> _T | None:
        """Return `value`."""
        return self.value

    def is_known(self) -> bool:
        """Return whether there is a value that is believed."""
        return self.value is not None

    @property
    def age_seconds(self) -> float:
        """How long ago the read of the value began; infinite if there has never been one."""
        last = self._last
        return inf if last is None else self._clock() - last[1]

    def load(self) -> None:
        """Read once. Raises what `read` raises; the old value stays then."""
        # What is read may change while it is on its way, so it is as old as the request.
        asked_at, asked_at_in_unix_time = self._clock(), time.time()
        value = self._read()
        before, self._last = self._last, (value, asked_at)
        self._was_believed = True
        self.last_read_at = asked_at_in_unix_time
        if before is None or before[0] != value:
            self._on_new(value)

    def look(self) -> None:
        """Read once. Raises nothing: a failure is logged, but only once until there is a different one."""
        try:
            self.load()
        except Unreadable as error:
            self._failed(str(error), logging.WARNING)
        except Exception as error:  # noqa: BLE001 - a bug must not end the following
            self._failed(f"bug in reading {self._what.name}: {described(error)}", logging.ERROR)
        else:
            if self.last_failure:
                self._log.info("%s can be read again", self._what.name)
            self.last_failure = ""

    def start(self) -> None:
        """Read now, and keep reading in the background."""
        self.look()
        threading.Thread(target=self._run, name=f"poller of {self._what.name}", daemon=True).start()

    def close(self) -> None:
        """Stop reading. This may be called even if nothing was started."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._pause_seconds()):
            self.look()

    def _pause_seconds(self) -> float:
        try:
            return self._every() if callable(self._every) else self._every
        except Exception as error:  # noqa: BLE001 - a bug must not end the following
            self._log.error("bug while polling %s: %s", self._what.name, described(error))
            return _PAUSE_SECONDS

    def _failed(self, failure: str, level: int) -> None:
        is_believed = self._last is not None and self.age_seconds <= self._believed_seconds
        if failure != self.last_failure:
            kept = self._what.while_believed if is_believed else self._what.without
            self._log.log(level, "%s; %s", failure, kept)
        if self._was_believed and not is_believed:
            self._log.error(
                "%s could not be read for %.0f s and is not believed any longer; %s",
                *(self._what.name, self.age_seconds, self._what.without),
            )
        self._was_believed = is_believed
        self.last_failure = failure
