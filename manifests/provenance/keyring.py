"""The keys that sign records, as a Secret stores them. Pure.

In the Secret's data, `signing` is the id of the key that signs, and each `key.<ID>` is a key of 32 random bytes.
Records signed with any of them are accepted.
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from resolver.references.value import SecretValue

KEY_BYTES: Final = 32
SIGNING: Final = "signing"
KEY_PREFIX: Final = "key."

_ID_BYTES: Final = 4
_ID: Final = re.compile(rb"[0-9a-f]{8}")
# Random bytes have far more different ones. A key of zeros, written by hand, has one.
_MIN_DIFFERENT_BYTES: Final = 8


class KeyRingError(Exception):
    """The Secret is not a key ring. `key` names the part of its data that is wrong; nothing here has its content."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key} {problem}")
        self.key = key
        self.problem = problem


class NoKeyYet(KeyRingError):
    """The Secret is empty, because no key has been made yet."""

    def __init__(self) -> None:
        super().__init__(SIGNING, "is missing, and so are all keys: none has been made yet")


@dataclass(frozen=True, slots=True)
class RecordKey:
    """A key of 32 bytes and its id, 8 lower-case hexadecimal digits. The id is random and reveals nothing."""

    id: str
    secret: SecretValue


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The key that signs, and all keys that are accepted, by id. The key that signs is among them."""

    signing: RecordKey
    accepted: Mapping[str, RecordKey]


def new_key() -> RecordKey:
    """Return a fresh key."""
    return RecordKey(secrets.token_hex(_ID_BYTES), SecretValue(secrets.token_bytes(KEY_BYTES)))


def parse(data: Mapping[str, bytes]) -> KeyRing:
    """Read the decoded data of a Secret.

    Raises `NoKeyYet` if it contains no part of a key ring, or `KeyRingError`. Everything else in the Secret is ignored.
    A single broken key is an error, even if the others are fine: records signed with it would silently be worthless.
    """
    names = sorted(name for name in data if name == SIGNING or name.startswith(KEY_PREFIX))
    if not names:
        raise NoKeyYet
    accepted = {key.id: key for key in (_key(name, data[name]) for name in names if name != SIGNING)}
    if SIGNING not in data:
        raise KeyRingError(SIGNING, "is missing")
    signing_id = _id(SIGNING, data[SIGNING])
    if signing_id not in accepted:
        raise KeyRingError(SIGNING, f"names the key {signing_id}, which is missing")
    return KeyRing(accepted[signing_id], MappingProxyType(accepted))


def sound_keys(data: Mapping[str, bytes]) -> Mapping[str, RecordKey]:
    """Return the usable keys in a Secret's data by id, whatever else in it is broken."""
    sound = {}
    for name, content in data.items():
        if name.startswith(KEY_PREFIX):
            try:
                key = _key(name, content)
            except KeyRingError:
                continue
            sound[key.id] = key
    return sound


def dump(ring: KeyRing) -> dict[str, bytes]:
    """Return the data of a Secret for this key ring: the inverse of `parse`."""
    keys = {f"{KEY_PREFIX}{key.id}": key.secret.reveal() for _, key in sorted(ring.accepted.items())}
    return {SIGNING: ring.signing.id.encode(), **keys}


def _key(name: str, content: bytes) -> RecordKey:
    # The API server allows only ASCII in the keys of a Secret.
    key_id = _id(name, name.removeprefix(KEY_PREFIX).encode())
    if len(content) != KEY_BYTES:
        raise KeyRingError(name, f"does not have {KEY_BYTES} bytes")
    if len(set(content)) < _MIN_DIFFERENT_BYTES:
        raise KeyRingError(name, "is not a random key: it consists of a few bytes, repeated")
    return RecordKey(key_id, SecretValue(content))


def _id(name: str, content: bytes) -> str:
    if not _ID.fullmatch(content):
        raise KeyRingError(name, "does not name a key by 8 lower-case hexadecimal digits")
    return content.decode()
