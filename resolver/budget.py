"""How much of the process the references of one object may use: processor time, memory, bytes from Vault.

A worker of the server is a single thread with little memory, so work is limited by its size, not by its number. It is
estimated from sizes beforehand and never measured, so an object is not refused on one machine and accepted on another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from resolver.causes import Cause
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded, ResolverError, TemporaryError

_MIB: Final = 1024 * 1024
MOST_UNITS: Final = 500_000_000
"""The work allowed for one object. A unit is about a nanosecond, so this is about half a second."""
SLICE_UNITS: Final = 5_000_000
"""The work done at a stretch, where it can be divided. In between, others get their turn."""
MOST_ANSWERS_BYTES: Final = 8 * _MIB
"""The most bytes that Vault may send for one object."""
MOST_VALUES_BYTES: Final = _MIB
"""Kubernetes' MaxSecretSize: values that are larger together could not be stored."""

Rest = Callable[[str, Deadline], None]
"""Lets others work, and returns when it is this namespace's turn again. Raises `DeadlineExceeded`."""


def nothing() -> None:
    """Pay nothing for a request to Vault: nobody counts them."""


def _no_rest(_namespace: str, _deadline: Deadline) -> None:
    pass


def _no_bound(_namespace: str, _size_bytes: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Process:
    """What all objects in progress share. `take` claims memory or raises `NoRoom`; `give` returns it."""

    rest: Rest = _no_rest
    take: Callable[[str, int], None] = _no_bound
    give: Callable[[str, int], None] = _no_bound


ALONE: Final = Process()
"""A process that serves one person, such as the command line."""


class TooMuchWork(ResolverError):
    """Evaluating the references of the object would keep everyone else waiting."""

    cause: ClassVar[Cause] = Cause.TOO_MUCH_WORK

    def __init__(self) -> None:
        super().__init__(
            "evaluating the object's references takes more work than one object may use; shorten the values that "
            "functions work on, store what is needed in separate fields, or spread the references over several objects"
        )


class AnswersTooLarge(ResolverError):
    """The secrets that the references name are too large in total."""

    cause: ClassVar[Cause] = Cause.ANSWER_TOO_LARGE

    def __init__(self) -> None:
        super().__init__(
            f"the secrets that the object's references name have more than {MOST_ANSWERS_BYTES} bytes in total, which "
            "is more than Keyhole reads for one object; spread the references over several objects"
        )


class ValuesTooLarge(ResolverError):
    """The values are more than Kubernetes stores in one object."""

    cause: ClassVar[Cause] = Cause.SECRET_TOO_LARGE

    def __init__(self) -> None:
        super().__init__(
            f"the values of the object's references have more than {MOST_VALUES_BYTES} bytes in total, the most that "
            "Kubernetes stores in one object; spread them over several objects"
        )


class NoRoom(TemporaryError):
    """Other objects already use all the memory that the process may give them."""

    cause: ClassVar[Cause] = Cause.OVERLOADED

    def __init__(self) -> None:
        super().__init__("Keyhole is busy with other objects that have large values; a retry will work")


@dataclass(slots=True)
class Budget:
    """The budget of one object, shared by all threads that work on it. Close it once the object's values are ready."""

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
        """Pay for work that is about to be done. Lets others work first if a slice is used up.

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
        """Pay for bytes from Vault as they arrive. Raises `AnswersTooLarge` or `NoRoom`."""
        self._answers_bytes += size_bytes
        if self._answers_bytes > MOST_ANSWERS_BYTES:
            raise AnswersTooLarge
        self.hold(size_bytes)

    def value(self, size_bytes: int) -> None:
        """Count the value of a reference. Raises `ValuesTooLarge`."""
        self._values_bytes += size_bytes
        if self._values_bytes > MOST_VALUES_BYTES:
            raise ValuesTooLarge

    @property
    def values_bytes(self) -> int:
        """How many bytes the values have that were counted."""
        return self._values_bytes

    def hold(self, size_bytes: int) -> None:
        """Claim memory. Raises `NoRoom`, or `DeadlineExceeded` once the budget is closed."""
        if self._is_closed:
            raise DeadlineExceeded
        self.process.take(self.namespace, size_bytes)
        self._held_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """Return memory that was claimed."""
        self._held_bytes -= size_bytes
        self.process.give(self.namespace, size_bytes)

    def close(self) -> None:
        """Return all memory. Threads that still work on the object get no more."""
        self._is_closed = True
        self.release(self._held_bytes)
