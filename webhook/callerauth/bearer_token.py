"""`--caller-auth=token`: the API server sends a bearer token (RFC 6750) that the administrator gave to both."""

import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path

from webhook.callerauth.caller import Caller, CallerRefused, PeerCertificate, ProofUnreadable, proof_poller
from webhook.callerauth.client_certificate import read_bytes

LEAST_CHARACTERS = 32
_SCHEME = "bearer"


class BearerToken:
    """A `webhook.callerauth.caller.CallerCheck`: the caller sends one of the tokens in these files, one in each file.

    Several are accepted so that one can be replaced: add the new one here, then give it to the API server, then remove
    the old one here. Only digests are kept in memory.
    """

    authorities = None
    proves = True

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = tuple(files)
        self._poller = proof_poller(self._read)
        self.load = self._poller.load
        self.start = self._poller.start
        self.close = self._poller.close
        self.is_ready = self._poller.is_known

    @property
    def last_read_at(self) -> float | None:
        """When it was last read, in seconds since 1970; None before the first read."""
        return self._poller.last_read_at

    def check(self, caller: Caller) -> None:
        """Let in whoever sends one of the tokens. It takes equally long for each of them, and for any other."""
        scheme, _, token = (caller.header("Authorization") or "").partition(" ")
        sent = _digest(token.strip(" "))
        # All are compared, because the time must not tell which one it was.
        matches = [hmac.compare_digest(sent, digest) for digest in self._poller.value or ()]
        if scheme.lower() != _SCHEME or not any(matches):
            raise CallerRefused("no bearer token, or a wrong one")

    def knows(self, _certificate: PeerCertificate) -> bool:
        """Return False: a token comes only with the first request."""
        return False

    def _read(self) -> tuple[bytes, ...]:
        return tuple(_digest(_token(file)) for file in self._files)


def _token(file: Path) -> str:
    try:
        token = read_bytes(file).decode("ascii").strip()
    except UnicodeDecodeError:
        raise ProofUnreadable(f"{file} holds more than ASCII text") from None
    if len(token) < LEAST_CHARACTERS or any(character <= " " for character in token):
        raise ProofUnreadable(f"{file} is not a token: it must be one word of at least {LEAST_CHARACTERS} characters")
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("latin-1", "replace")).digest()
