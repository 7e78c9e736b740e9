"""The key that the lines of the audit trail are chained with."""

import hmac
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from audit.errors import AuditKeyError
from resolver.references.value import SecretValue

MIN_KEY_BYTES = 32
MAX_KEY_BYTES = 4096
KEY_ID_CHARACTERS = 16
_DOMAIN = b"keyhole/audit/1"
_KEY_ID_DOMAIN = b"keyhole/audit/1/key-id"
_LENGTH_BYTES = 8
# Random bytes have far more, hexadecimal digits up to 16, and a file of zeros has one.
_MIN_DIFFERENT_BYTES = 8
# Kubernetes gives a Secret's files to the pod's group, so the group may read. Whoever may write could swap the key.
_FORBIDDEN_MODE = stat.S_IWGRP | stat.S_IRWXO


@dataclass(frozen=True, slots=True, eq=False)
class AuditKey:
    """A key and its id, which stands in every line. The id is a MAC with the key, so it does not help to guess it."""

    id: str
    secret: SecretValue

    @classmethod
    def of(cls, secret: bytes) -> "AuditKey":
        """Return the key with these bytes, unchecked."""
        return cls(_mac(secret, (_KEY_ID_DOMAIN,)).hex()[:KEY_ID_CHARACTERS], SecretValue(secret))

    def mac(self, unsigned: bytes) -> str:
        """Return the MAC of a line, in hexadecimal.

        This is HMAC-SHA-256 (RFC 2104) over two parts: the domain `keyhole/audit/1` and the line without its member
        `mac`. Each part follows its length in 8 bytes, big-endian.
        """
        return _mac(self.secret.reveal(), (_DOMAIN, unsigned)).hex()


def load_key(path: Path) -> AuditKey:
    """Read a key: all bytes of the file, 32 to 4096 of them, including a line break at the end.

    Raises `AuditKeyError`, also if anybody but owner and group may read the file, or anybody but the owner may write
    it.
    """
    try:
        with path.open("rb") as file:
            _check_mode(path, os.fstat(file.fileno()).st_mode)
            secret = file.read(MAX_KEY_BYTES + 1)
    except OSError as error:
        raise AuditKeyError(path, f"cannot be read: {error.strerror or type(error).__name__}") from error
    if not MIN_KEY_BYTES <= len(secret) <= MAX_KEY_BYTES:
        raise AuditKeyError(path, f"must have {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes")
    if len(set(secret)) < _MIN_DIFFERENT_BYTES:
        raise AuditKeyError(path, "is not a random key: it repeats a few bytes")
    return AuditKey.of(secret)


def _check_mode(path: Path, mode: int) -> None:
    # A shell turns <(...) into a pipe, so that the key never lies on a disk.
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise AuditKeyError(path, "is not a file")
    if mode & _FORBIDDEN_MODE:
        problem = f"has the mode {stat.S_IMODE(mode):04o}: others may read or write it; make it 0400 or 0440"
        raise AuditKeyError(path, problem)


def _mac(secret: bytes, parts: Iterable[bytes]) -> bytes:
    message = b"".join(len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in parts)
    return hmac.digest(secret, message, "sha256")
