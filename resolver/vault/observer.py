"""Observers of the traffic between the resolver and Vault. The resolver itself counts nothing."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, Protocol


class Operation(StrEnum):
    """What Vault is asked for."""

    LOGIN = "login"
    READ = "read"
    VERSION = "version"
    """Which version of a secret is the current one."""
    MOUNT = "mount"
    """Which mount a path is on."""
    REVOKE = "revoke"
    HEALTH = "health"
    """Whether the server as a whole is well."""


class Login(StrEnum):
    """How a login ended."""

    GRANTED = "granted"
    DENIED = "denied"
    """By Vault."""
    NO_IDENTITY = "no-identity"
    """The API server issued no token for the namespace's ServiceAccount."""
    FAILED = "failed"
    """Vault or the API server did not answer."""


class Observer(Protocol):
    """Receives events about one connection. Events never contain paths, names or values.

    Implementations must not raise or block.
    """

    def exchanged(self, operation: Operation, status: str, seconds: float) -> None:
        """A request was sent. `status` is the HTTP status, or a word of `UNANSWERED` when there was no answer."""
        ...

    def repeated(self, operation: Operation) -> None:
        """A request is about to be sent again."""
        ...

    def turned_away(self) -> None:
        """A request was not sent because the server had failed several times in a row."""
        ...

    def logged_in(self, login: Login) -> None:
        """A login ended."""
        ...


class NullObserver:
    """An `Observer` that ignores all events."""

    def exchanged(self, operation: Operation, status: str, seconds: float) -> None:
        """Do nothing."""

    def repeated(self, operation: Operation) -> None:
        """Do nothing."""

    def turned_away(self) -> None:
        """Do nothing."""

    def logged_in(self, login: Login) -> None:
        """Do nothing."""


NULL_OBSERVER: Final = NullObserver()

Observers = Callable[[str], Observer]
"""Returns the observer for the connection with this name."""


def null_observer(_connection: str) -> Observer:
    """Return an observer that ignores all events."""
    return NULL_OBSERVER
