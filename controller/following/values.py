"""Whether a field that has no versions to compare still has the value that Vault holds: KV v1 keeps none.

The record's MAC tells: a value that Vault gives now is the recorded one if the MAC fits it. Where the text around the
references is part of the value, the record is not enough. Then the object is read once, and a digest under a key of
this process remembers what its references were.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from controller.following.memory import NamespaceMemory
from controller.managed import Managed
from kube.documents import Document
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.tenant_clients import TenantApi
from manifests.fields.spans import values_in
from manifests.following.followed import FollowedField
from manifests.provenance.keyring import KeyRing
from manifests.provenance.mac import Provenance, Verdict
from resolver.errors import ResolverError
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue

_CALL_SECONDS: Final = 10.0
_KEY: Final = secrets.token_bytes(32)


@dataclass(frozen=True, slots=True)
class Values:
    """Compares fields of one object.

    `values` are Vault's, None for a reference that Vault has no value for. `keys` returns the record keys or None.
    """

    tenant: TenantApi
    managed: Managed
    values: Mapping[Reference, SecretValue | None] = field(repr=False)
    keys: Callable[[], KeyRing | None]
    memory: NamespaceMemory
    _contents: list[Document | None] = field(default_factory=list, repr=False)
    """The object with its values, once it was read: one request for all of its fields."""

    def same(self, wanted: FollowedField) -> bool | None:
        """Return whether the field's recorded value is Vault's; None if that cannot be told now."""
        if any(reference not in self.values for reference in wanted.references):
            return None
        now = {reference: self.values[reference] for reference in wanted.references}
        values = {reference: value for reference, value in now.items() if value is not None}
        if len(values) < len(now):
            # Vault has nothing any more that the reference could give. The webhook keeps the value, and says why.
            return False
        if wanted.template is not None:
            return self._fits_record(wanted, values)
        return self._fits_digest(wanted, values)

    def _fits_record(self, wanted: FollowedField, values: Mapping[Reference, SecretValue]) -> bool | None:
        keys = self.keys()
        if keys is None or wanted.template is None:
            return None
        name, codec = self.managed.name, self.managed.codec
        provenance = Provenance(keys, codec.group, codec.kind, name.namespace, name.name)
        try:
            value = codec.fitted(wanted.template, wanted.template.render(values))
        except ResolverError:
            # The webhook would refuse it too, and say why.
            return None
        verdict = provenance.verdict(wanted.pointer, wanted.entry, value)
        # Under an unknown key nothing is proved: the rotation of the record key takes care of such entries.
        return None if verdict is Verdict.UNKNOWN_KEY else verdict is Verdict.PROVED

    def _fits_digest(self, wanted: FollowedField, values: Mapping[Reference, SecretValue]) -> bool | None:
        now = _digest(wanted, values)
        metadata = self.managed.metadata
        memory = self.memory.of(metadata.uid)
        if memory.digests.get(wanted.pointer) == now:
            return True
        if memory.other_than[0] != metadata.resource_version:
            memory.other_than = (metadata.resource_version, {})
        others = memory.other_than[1]
        if wanted.pointer not in others:
            content = self._content()
            if content is None:
                return None
            held = self._held(wanted, content)
            if held == now:
                memory.digests[wanted.pointer] = now
                return True
            # Until the object changes, it need not be read again: somebody may have edited the text for good.
            others[wanted.pointer] = held
        held = others[wanted.pointer]
        return None if held is None else held == now

    def _content(self) -> Document | None:
        """Return the object in the state in which it was listed; None if it cannot be read or has changed.

        The record says where in that state the values are.
        """
        if not self._contents:
            try:
                found = self.managed.among(self.tenant).read(self.managed.name, _CALL_SECONDS)
            except (KubernetesError, KubernetesUnavailable):
                self._contents.append(None)
            else:
                is_as_listed = found.metadata.resource_version == self.managed.metadata.resource_version
                self._contents.append(found.document if is_as_listed else None)
        return self._contents[0]

    def _held(self, wanted: FollowedField, content: Document) -> bytes | None:
        """Return the digest of what the live object's field has in place of its references."""
        codec = self.managed.codec
        key = codec.key(wanted.pointer)
        stored = codec.stored(content).get(key) if key is not None else None
        if stored is None:
            return None
        try:
            found = values_in(wanted.entry.spans, SecretValue(codec.decode(stored)))
        except ValueError:
            return None
        if found is None or found.keys() != set(wanted.references):
            return None
        return _digest(wanted, found)


def _digest(wanted: FollowedField, values: Mapping[Reference, SecretValue]) -> bytes:
    digest = hashlib.blake2b(key=_KEY)
    for reference in wanted.references:
        value = values[reference].reveal()
        digest.update(len(value).to_bytes(8, "big") + value)
    return digest.digest()
