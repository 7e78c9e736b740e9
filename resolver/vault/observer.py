"""Who is told of what passes between the resolver and Vault. The resolver itself counts nothing."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, Protocol


class Operation(StrEnum):
    """What Vault is asked for."""

    LOGIN = "login"
    READ = "read"
    MOUNT = "mount"
    """On which mount a path lies."""
    REVOKE = "revoke"
    HEALTH = "health"
    """Whether the server as a whole is well."""


class Login(StrEnum):
    """How a login ended."""

    GRANTED = "granted"
    DENIED = "denied"
    """By Vault."""
    NO_IDENTITY = "no-identity"
    """The API server gives no token of the namespace's ServiceAccount."""
    FAILED = "failed"
    """Vault or the API server could not answer."""


class Observer(Protocol):
    """Is told of one connection. Nothing that it is told holds a path, a name or a value; it must not fail or wait."""

    def exchanged(self, operation: Operation, status: str, seconds: float) -> None:
        """Take a request that was sent, with the HTTP status, or the word for having none (`UNANSWERED`)."""
        ...

    def repeated(self, operation: Operation) -> None:
        """Take a request that is sent once more."""
        ...

    def turned_away(self) -> None:
        """Take a request that was not sent because the server failed several times in a row."""
        ...

    def logged_in(self, login: Login) -> None:
        """Take a login that ended."""
        ...


class NullObserver:
    """An `Observer` that is not interested."""

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
"""Gives the observer of the connection with this name."""


def null_observer(_connection: str) -> Observer:
    """Return an observer that is not interested."""
    return NULL_OBSERVER
