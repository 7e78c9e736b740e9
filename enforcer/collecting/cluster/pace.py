"""How fast the Enforcer asks the API server: a few requests at once, fewer when it says that it is too much.

What is refused for now is asked again a few times. When nothing but such refusals comes back for a while, nobody is
asked any more: a night's run must end, and say what it does not know.
"""

import random
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, TypeVar

from enforcer.collecting.run import Run
from kube.errors import KubernetesUnavailable

_T = TypeVar("_T")

AT_ONCE: Final = 4
CALL_SECONDS: Final = 10.0
"""The longest wait for one answer."""
_ATTEMPTS: Final = 4
_FIRST_SECONDS: Final = 0.5
_LONGEST_SECONDS: Final = 10.0
# So many answers in a row without a refusal, and one more may be under way again.
_GROWS_AFTER: Final = 20
# What is waited for counts once, what is broken or silent twice: the latter takes up to `CALL_SECONDS` each.
_MOST_FAILURES: Final = 24


class GivenUp(Exception):
    """Too many requests in a row could not be answered; `reason` says what became of the last one."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Pace:
    """Lets requests through, at most `at_once` at the same time. Threads share it."""

    def __init__(self, run: Run, at_once: int = AT_ONCE, jitter: Callable[[], float] = random.random) -> None:
        """`jitter` gives numbers from 0 to 1, so that those who wait do not all come back at the same moment."""
        self._run = run
        self._most = at_once
        self._limit = at_once
        self._running = 0
        self._answered = 0
        self._failed = 0
        self._why = ""
        self._jitter = jitter
        self._turn = threading.Condition()

    @property
    def limit(self) -> int:
        """How many may be under way now."""
        return self._limit

    def ask(self, request: Callable[[], _T]) -> _T:
        """Send a request, again if it is refused for now (429, 5xx, no answer), and return its answer.

        Raises `KubernetesUnavailable` when no attempt was answered, `GivenUp` when the last ones of others were not
        either, `Stopped`, and whatever else the request raises.
        """
        for attempt in range(_ATTEMPTS):
            try:
                return self._in_turn(request)
            except KubernetesUnavailable as error:
                if attempt == _ATTEMPTS - 1 or not self._is_worth_another(error):
                    raise
                self._run.wait(self._pause_seconds(attempt, error.retry_after_seconds))
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    def _in_turn(self, request: Callable[[], _T]) -> _T:
        with self._turn:
            while self._running >= self._limit and not self._why:
                self._turn.wait(CALL_SECONDS)
            self._check()
            self._running += 1
        try:
            answer = request()
        except KubernetesUnavailable as error:
            self._end(error)
            raise
        except BaseException:
            self._end(None)
            raise
        self._end(None)
        return answer

    def _check(self) -> None:
        self._run.go_on()
        if self._why:
            raise GivenUp(self._why)

    def _end(self, error: KubernetesUnavailable | None) -> None:
        with self._turn:
            self._running -= 1
            if error is None:
                self._failed = 0
                self._answered += 1
                if self._answered >= _GROWS_AFTER:
                    self._answered = 0
                    self._limit = min(self._most, self._limit + 1)
            else:
                self._failed += 1 if error.status == HTTPStatus.TOO_MANY_REQUESTS else 2
                self._answered = 0
                self._limit = max(1, self._limit // 2)
                if self._failed >= _MOST_FAILURES:
                    self._why = f"{error}, again and again"
            self._turn.notify_all()

    def _is_worth_another(self, error: KubernetesUnavailable) -> bool:
        told = error.retry_after_seconds
        return told is None or told <= _LONGEST_SECONDS

    def _pause_seconds(self, attempt: int, told: float | None) -> float:
        """Return how long to wait: what was told, or twice as long each time; half as much again by chance."""
        seconds = _FIRST_SECONDS * 2**attempt if told is None else told
        return min(_LONGEST_SECONDS, seconds * (1 + self._jitter() / 2))
