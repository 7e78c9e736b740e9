"""What went wrong on the way to Vault. Only the types of errors are used, since their texts may quote the request."""

import errno
import http.client
import ssl
from typing import Any

import urllib3.exceptions

from resolver.vault.errors import VaultUnavailable

_CLOSED = (
    http.client.RemoteDisconnected,
    ConnectionResetError,
    BrokenPipeError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
)
# Errors of this process, which no server causes.
_OF_THIS_PROCESS = frozenset({errno.EMFILE, errno.ENFILE})
_REFUSED = "refuses connections"
_UNREACHABLE = "cannot be reached"
_LATE = "did not answer in time"
_BROKEN = "broke the connection"
# The first that fits: urllib3 counts a refused connection and a name that cannot be resolved among the timeouts.
_KINDS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((ConnectionRefusedError,), _REFUSED),
    ((urllib3.exceptions.NameResolutionError,), "has a name that cannot be resolved"),
    ((urllib3.exceptions.NewConnectionError,), _UNREACHABLE),
    ((TimeoutError, urllib3.exceptions.TimeoutError), _LATE),
    ((ssl.SSLError,), "failed in the TLS handshake"),
)


class Unanswered(VaultUnavailable):
    """The server refused the connection, or closed it before it answered."""


class ClosedUnanswered(Unanswered):
    """The server closed a connection before it answered, perhaps long ago while the connection was idle.

    `was_idle` says that the connection had served an earlier request.
    """

    was_idle = False


class TooLate(VaultUnavailable):
    """There was no answer within `after_seconds`."""

    def __init__(self, server: str, after_seconds: float) -> None:
        super().__init__(server, _LATE)
        self.after_seconds = after_seconds


class AnswerTooLarge(VaultUnavailable):
    """The server sent more than Keyhole reads."""


def explained(error: BaseException, server: str, seconds: float, *, answered: bool) -> VaultUnavailable:
    """Return what an error of an exchange means; `answered` says that the head of the answer had arrived."""
    chain = _chain(error)
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return VaultUnavailable(server, f"has a certificate that is not trusted ({cause.verify_message})")
        if isinstance(cause, OSError) and cause.errno in _OF_THIS_PROCESS:
            return VaultUnavailable(server, "could not be asked: Keyhole has no file descriptor left")
    # Who ran out of time may have closed the connection itself.
    is_late = isinstance(error, TimeoutError)
    closed = not answered and not is_late and any(isinstance(cause, _CLOSED) for cause in chain)
    how = next((how for kinds, how in _KINDS if any(isinstance(cause, kinds) for cause in chain)), _BROKEN)
    if closed:
        return ClosedUnanswered(server, how)
    if how == _LATE:
        return TooLate(server, seconds)
    return (Unanswered if how in {_REFUSED, _UNREACHABLE} else VaultUnavailable)(server, how)


def _chain(error: BaseException) -> list[BaseException]:
    """Return the error, the errors it wraps (urllib3 passes them as arguments) and those that led to it."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting and len(found) < 20:  # noqa: PLR2004 - a bound against cycles, far above real chains
        current = waiting.pop(0)
        if isinstance(current, BaseException) and not any(current is other for other in found):
            found.append(current)
            waiting += [
                *current.args,
                current.__cause__,
                current.__context__,
                getattr(current, "reason", None),
            ]
    return found
