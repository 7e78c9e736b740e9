"""What Keyhole has to know of a kind to fill its fields.

A new kind is a module with its codec, and an entry in `manifests.kinds.known`. Scanning, planning, records, the patch
and the webhook's registration ask the codec and name no kind.
"""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import jsonpointer

from manifests.fields.template import FieldTemplate, ValueNotText
from resolver.references.grammar import has_reference, parse_value
from resolver.references.value import NotText, SecretValue

Stored: TypeAlias = str | int | float | bool
"""A value as the object's JSON holds it: base64 in a Secret; plain text, a number or a boolean elsewhere."""
Operation: TypeAlias = dict[str, object]
"""One operation of a JSON Patch (RFC 6902)."""

MARKER: Final = "(keyhole: the value is filled in when this is applied)"
"""What a dry run shows where a new value would stand. It never becomes a value, even if that result is applied."""

_DATA: Final = "/data/"
# Kubernetes' own rule for keys (IsConfigMapKey). What begins with ".." would leave a volume's folder.
_KEY: Final = re.compile(r"(?!\.\.|\.$)[-._a-zA-Z0-9]{1,253}")


@dataclass(frozen=True, slots=True)
class InPlaceSearch:
    """How the API server finds references in the values of a kind. Every text is CEL.

    `condition` is a match condition: whether any value of `object` may hold a reference. `begun` says whether `value`,
    one of the values, begins with one. `variables` are those that the policy behind the webhook needs; the last one,
    `unresolved`, lists the keys with a reference that nobody resolved.
    """

    condition: str
    begun: str
    variables: Mapping[str, str]


class Codec:
    """A kind's fields: how they are addressed, how values are written into them, and which limits hold.

    A field's *key* is its short name within an object, such as a key of `data`. The rest of Keyhole stores and compares
    keys and never takes them apart. Codecs hold no state, so threads may share them.

    What is not overridden is as in a ConfigMap: a kind of core/v1 with texts in `data`, in which only annotations are
    looked at.
    """

    group: str = ""
    versions: tuple[str, ...] = ("v1",)
    kind: str
    resource: str
    """The plural, as URLs, RBAC and admission rules have it."""
    coding: str = "text"
    """What a stored value has to be, for messages: it "is not base64"."""
    # MaxSecretSize; ConfigMaps have the same. Kubernetes checks it after admission.
    max_bytes: int = 1024 * 1024
    """How many bytes all values of an object may have together."""
    in_place: InPlaceSearch | None = None
    """How references in the values themselves are found; None where only annotations are looked at."""
    encoded_twice: AbstractSet[str] = frozenset()
    """Keys whose values may hide a reference behind another coding, so that a search for its text proves nothing."""

    @property
    def address(self) -> str:
        """Which JSON Pointers can be filled, for somebody who wrote another one."""
        return f"on a {self.kind}, only /data/KEY can be filled, and KEY has to be one that Kubernetes allows"

    def pointer(self, key: str) -> str:
        """Return the field's JSON Pointer (RFC 6901)."""
        return f"{_DATA}{jsonpointer.escape(key)}"

    def key(self, pointer: str) -> str | None:
        """Return the key of the field that a JSON Pointer leads to; None when this kind has no fields there."""
        return jsonpointer.unescape(pointer.removeprefix(_DATA)) if pointer.startswith(_DATA) else None

    def is_fillable(self, key: str) -> bool:
        """Whether Kubernetes allows a field with this key."""
        return _KEY.fullmatch(key) is not None

    def described(self, key: str) -> str:
        """Return the field's name for messages."""
        return f"data.{key}"

    def stored(self, manifest: Mapping[str, Any]) -> Mapping[str, Stored | None]:
        """Return an object's values by key, as they are stored. None, JSON's null, is no value."""
        return manifest.get("data") or {}

    def check(self, value: SecretValue) -> None:
        """Raise `ResolverError` for a value that this kind cannot store; here, what is not UTF-8 text."""
        try:
            value.reveal_text()
        except NotText:
            raise ValueNotText from None

    def encode(self, value: bytes) -> Stored:
        """Return a value that passed `check` as it is stored. Equal values give equal results."""
        return value.decode()

    def decode(self, stored: Stored) -> bytes:
        """Return the value that is stored; raises `ValueError` when it is not what this kind stores."""
        return str(stored).encode()

    def size_bytes(self, stored: Stored | None) -> int:
        """Return what a stored value counts towards `max_bytes`, without decoding it; None counts nothing."""
        return 0 if stored is None else len(str(stored).encode(errors="replace"))

    def template(self, key: str, text: str) -> FieldTemplate | None:  # noqa: ARG002 - other kinds look at the key
        """Read a text, from an annotation or in place; None when it holds no reference.

        Raises `ReferenceSyntaxError`, and `TemplateError` for references where no value can be filled in.
        """
        return parse_value(text) if has_reference(text) else None

    def placeholder(self, key: str) -> bytes:  # noqa: ARG002 - other kinds look at the key
        """Return what a dry run shows in place of a new value. It depends on the key alone, so it tells nothing."""
        return MARKER.encode()

    def needs_form(self, key: str) -> bool:  # noqa: ARG002 - other kinds look at the key
        """Whether Kubernetes checks the form of a value, so that a dry run cannot show a reference there."""
        return False

    def is_immutable(self, manifest: Mapping[str, Any]) -> bool:
        """Whether the values of a live object cannot change any more."""
        return manifest.get("immutable") is True

    def operations(self, manifest: Mapping[str, Any], changes: Mapping[str, Stored | None]) -> Iterator[Operation]:
        """Yield the JSON Patch that gives fields, by key, their stored values; None removes a field."""
        return map_operations("/data", manifest.get("data"), changes)

    def as_admitted(self, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a manifest as it stands in Git in the form in which the API server hands it to a webhook."""
        return manifest


def map_operations(
    path: str, now: Mapping[str, Any] | None, changes: Mapping[str, Stored | None]
) -> Iterator[Operation]:
    """Yield the JSON Patch that changes members of a map; None removes one. A map that is missing is made first.

    `add` replaces what is there (RFC 6902, section 4.1).
    """
    if now is None and any(value is not None for value in changes.values()):
        yield {"op": "add", "path": path, "value": {}}
    for name, value in changes.items():
        member = f"{path}/{jsonpointer.escape(name)}"
        if value is not None:
            yield {"op": "add", "path": member, "value": value}
        elif name in (now or {}):
            yield {"op": "remove", "path": member}
