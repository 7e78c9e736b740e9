"""The MACs that prove which reference gave a field its value. Each is bound to one field of one object.

They are HMAC-SHA-256 (RFC 2104) over length-prefixed parts in UTF-8. A record that was copied to another object or
written by hand proves nothing.
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
# 32 bytes in base64 without padding.
MAC_CHARACTERS: Final = 43


class Verdict(Enum):
    """What an entry proves about a value."""

    PROVED = "proved"
    # The key is not one of ours: it was lost, or the object comes from another installation.
    UNKNOWN_KEY = "unknown key"
    FALSE = "false"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Signs and checks the entries of one object, identified by group, kind, namespace and name."""

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
        """Return whether Keyhole wrote this entry for this value of this field."""
        key = self.keys.accepted.get(entry.key)
        if key is None:
            return Verdict.UNKNOWN_KEY
        expected = self._mac(key, pointer, entry, value)
        # compare_digest accepts only ASCII texts, and the entry may contain anything, so both are compared as bytes.
        return Verdict.PROVED if hmac.compare_digest(expected.encode(), entry.mac.encode()) else Verdict.FALSE

    def _mac(self, key: RecordKey, pointer: str, entry: Entry, value: SecretValue) -> str:
        texts = (self.group, self.kind, self.namespace, self.name, pointer, entry.source, str(list(entry.versions)))
        parts = (_DOMAIN, *(text.encode() for text in texts), value.reveal())
        digest = hmac.digest(key.secret.reveal(), _message(parts), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _message(parts: Iterable[bytes]) -> bytes:
    return b"".join(len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in parts)
