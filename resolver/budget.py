"""What the references of one object may take of the process: its processor, its memory, Vault's answers.

A worker of the server is one thread with little memory, so work is bounded in size and not in number. It is counted
from resolver.causes import Cause
from sizes before it is done, and never measured: the same object is refused on a fast machine and on a slow one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from resolver.causes import Cause
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded, ResolverError, TemporaryError

_MIB: Final = 1024 * 1024
MOST_UNITS: Final = 500_000_000
"""The work for one object. A unit is about a nanosecond, so that this is about half a second."""
SLICE_UNITS: Final = 5_000_000
"""The work that is done at a stretch, if it can be divided. In between, others get their turn."""
MOST_ANSWERS_BYTES: Final = 8 * _MIB
"""What Vault may answer for one object."""
MOST_VALUES_BYTES: Final = _MIB
"""Kubernetes' MaxSecretSize, which the values of one object cannot exceed together: nothing larger could be stored."""

Rest = Callable[[str, Deadline], None]
"""Let others work, and return when it is this namespace's turn; raises `DeadlineExceeded`."""


def _no_rest(_namespace: str, _deadline: Deadline) -> None:
    pass


def _no_bound(_namespace: str, _size_bytes: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Process:
    """What all objects share that are worked on at once. `take` raises `NoRoom`; `give` takes back what it gave."""

    rest: Rest = _no_rest
    take: Callable[[str, int], None] = _no_bound
    give: Callable[[str, int], None] = _no_bound


ALONE: Final = Process()
"""A process that works for one person, as the command line does."""


class TooMuchWork(ResolverError):
    """Evaluating the references of the object would keep everybody else waiting."""

    cause: ClassVar[Cause] = Cause.TOO_MUCH_WORK

    def __init__(self) -> None:
        super().__init__(
            "the object's references need more work than one object may take; shorten the values that functions work "
            "on, store what is needed in fields of its own, or spread the references over several objects"
        )


class AnswersTooLarge(ResolverError):
    """The secrets that the references name are too large together."""

    cause: ClassVar[Cause] = Cause.ANSWER_TOO_LARGE

    def __init__(self) -> None:
        super().__init__(
            f"the secrets in Vault that the object's references name have more than {MOST_ANSWERS_BYTES} bytes "
            "together, which is more than is read for one object; spread the references over several objects"
        )


class ValuesTooLarge(ResolverError):
    """The values are more than Kubernetes stores in one object."""

    cause: ClassVar[Cause] = Cause.SECRET_TOO_LARGE

    def __init__(self) -> None:
        super().__init__(
            f"the values of the object's references have more than {MOST_VALUES_BYTES} bytes together, which is the "
            "most that Kubernetes stores in one object; spread them over several objects"
        )


class NoRoom(TemporaryError):
    """The process holds as much as it may for others."""

    cause: ClassVar[Cause] = Cause.OVERLOADED

    def __init__(self) -> None:
        super().__init__("other objects with large values are in progress, and there is no room yet; a retry will work")


@dataclass(slots=True)
class Budget:
    """The budget of one object, for all who work on it. Threads may share it. To be closed when its values are made."""

    namespace: str
    deadline: Deadline
    process: Process = ALONE
    _spent_units: int = 0
    _slice_units: int = 0
    _answers_bytes: int = 0
    _values_bytes: int = 0
    _held_bytes: int = 0
    _is_closed: bool = False

    def spend(self, units: int) -> None:
        """Pay for work that is about to be done, and rest before it if it is time to.

        Raises `TooMuchWork`, or `DeadlineExceeded`.
        """
        self._spent_units += units
        if self._spent_units > MOST_UNITS:
            raise TooMuchWork
        self._slice_units += units
        if self._slice_units > SLICE_UNITS:
            self._slice_units = units
            self.process.rest(self.namespace, self.deadline)

    def read(self, size_bytes: int) -> None:
        """Take what Vault sends, as it arrives. Raises `AnswersTooLarge` or `NoRoom`."""
        self._answers_bytes += size_bytes
        if self._answers_bytes > MOST_ANSWERS_BYTES:
            raise AnswersTooLarge
        self.hold(size_bytes)

    def value(self, size_bytes: int) -> None:
        """Take a value that a reference stands for. Raises `ValuesTooLarge`."""
        self._values_bytes += size_bytes
        if self._values_bytes > MOST_VALUES_BYTES:
            raise ValuesTooLarge

    def hold(self, size_bytes: int) -> None:
        """Hold so much memory. Raises `NoRoom`, or `DeadlineExceeded` once the budget is closed."""
        if self._is_closed:
            raise DeadlineExceeded
        self.process.take(self.namespace, size_bytes)
        self._held_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """Give memory back that is held."""
        self._held_bytes -= size_bytes
        self.process.give(self.namespace, size_bytes)

    def close(self) -> None:
        """Give all memory back. Who still works on the object gets no more."""
        self._is_closed = True
        self.release(self._held_bytes)
