"""Proof of which reference gave a field its value: MACs over what a record says, bound to one field of one object.

HMAC-SHA-256 (RFC 2104) over length-prefixed UTF-8 parts. A record that was copied to another object, or written by
hand, proves nothing.
"""

import base64
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from manifests.provenance.keyring import KeyRing, RecordKey
from manifests.provenance.record import Entry
from resolver.references.value import SecretValue

_DOMAIN = b"keyhole/record/1"
_LENGTH_BYTES = 8
# A digest of 32 bytes in base64 without its padding.
MAC_CHARACTERS: Final = 43


class Verdict(Enum):
    """What an entry is worth for a value."""

    PROVED = "proved"
    # Its key is none of ours: it was lost, or this is another installation's object.
    UNKNOWN_KEY = "unknown key"
    FALSE = "false"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Signs and checks entries of one object, which its group, kind, namespace and name say."""

    keys: KeyRing
    group: str
    kind: str
    namespace: str
    name: str

    def signed(self, pointer: str, entry: Entry, value: SecretValue) -> Entry:
        """Return the entry with the MAC that binds it to the field and its value."""
        key = self.keys.signing
        return replace(entry, key=key.id, mac=self._mac(key, pointer, entry, value))

    def verdict(self, pointer: str, entry: Entry, value: SecretValue) -> Verdict:
        """Say whether Keyhole wrote this entry for this value of this field."""
        key = self.keys.accepted.get(entry.key)
        if key is None:
            return Verdict.UNKNOWN_KEY
        expected = self._mac(key, pointer, entry, value)
        # Both as bytes: compare_digest takes no text beyond ASCII, and the entry's may be anything.
        return Verdict.PROVED if hmac.compare_digest(expected.encode(), entry.mac.encode()) else Verdict.FALSE

    def _mac(self, key: RecordKey, pointer: str, entry: Entry, value: SecretValue) -> str:
        texts = (self.group, self.kind, self.namespace, self.name, pointer, entry.source, str(list(entry.versions)))
        parts = (_DOMAIN, *(text.encode() for text in texts), value.reveal())
        digest = hmac.digest(key.secret.reveal(), _message(parts), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _message(parts: Iterable[bytes]) -> bytes:
    return b"".join(len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in parts)
