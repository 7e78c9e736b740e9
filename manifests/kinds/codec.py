"""What Keyhole has to know of a kind to fill its fields.

A new kind is a module with a codec and an entry in `manifests.kinds.known`. Scanning, planning, records, the patch and
the webhook's registration ask the codec and never name a kind.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, Protocol, TypeAlias

import jsonpointer

from manifests.fields.template import FieldTemplate, ValueNotText
from resolver.references.grammar import has_reference, parse_value
from resolver.references.value import NotText, SecretValue

Stored: TypeAlias = str | int | float | bool
"""A value as the object's JSON holds it: base64 in a Secret; plain text, a number or a boolean elsewhere."""
Operation: TypeAlias = dict[str, object]
"""One operation of a JSON Patch (RFC 6902)."""

MARKER: Final = "(keyhole: the value is filled in when this is applied)"
"""What a dry run shows in place of a new value. It never becomes a value, even if somebody applies that result."""

_DATA: Final = "/data/"
# Kubernetes' own rule for keys (IsConfigMapKey). A file whose name begins with ".." could leave the volume's folder.
_KEY: Final = re.compile(r"(?!\.\.|\.$)[-._a-zA-Z0-9]{1,253}")


class InPlaceSearch(Protocol):
    """How the API server finds references in the values of a kind. All texts are CEL.

    Only who writes manifests for the API server asks for them, and making them takes a while. `condition` is a match
    condition: it is true if any value of `object` may contain a reference. `begun` is true if `value`, one of the
    values, begins with one. `variables` are for the policy behind the webhook; the last one, `unresolved`, lists the
    keys whose references nobody resolved.
    """

    @property
    def condition(self) -> str: ...  # noqa: D102 - see above

    @property
    def begun(self) -> str: ...  # noqa: D102

    @property
    def variables(self) -> Mapping[str, str]: ...  # noqa: D102


class Codec:
    """The fields of one kind: how they are addressed, how values are written into them, and which limits there are.

    A field's *key* is its short name within the object, for example a key of `data`. The rest of Keyhole stores and
    compares keys but never takes them apart. Codecs have no state, so threads may share them.

    The defaults are those of a ConfigMap: a kind of core/v1 with text in `data` and references in annotations only.
    """

    group: str = ""
    versions: tuple[str, ...] = ("v1",)
    """The versions in which the API server sends the kind to the webhook; "*" for all."""
    version: str = "v1"
    """The version in which the controller lists the kind."""
    kind: str
    resource: str
    """The plural that URLs, RBAC and admission rules use."""
    is_listed: bool = False
    """Whether Keyhole fills the kind only because an administrator listed it."""
    fillable: Sequence[str] = (f"{_DATA}*",)
    """The fields that may be filled, as JSON Pointers; `*` stands for one segment, `**` at the end for one or more."""
    has_keys: bool = True
    """Whether `data.keyhole.dev/KEY` names a field. Otherwise only `keyhole.dev/fields` does."""
    is_versioned: bool = False
    """Whether the same field may have another JSON Pointer in another version of the kind."""
    takes_whole_secrets: bool = False
    """Whether `keyhole.dev/from` fills the kind with every field of a path."""
    renders_files: bool = False
    """Whether the text of one key can be rendered into another (`key:OTHER`)."""
    coding: str = "text"
    """What a stored value has to be. Messages say that it "is not base64"."""
    # MaxSecretSize, which is also the limit for ConfigMaps. Kubernetes checks it after admission.
    max_bytes: int = 1024 * 1024
    """How many bytes all values of an object may have together."""
    limited_by: str = "Kubernetes"
    """Who allows no more."""
    in_place: InPlaceSearch | None = None
    """How the API server finds references in values; None if this kind may have them in annotations only."""
    encoded_twice: AbstractSet[str] = frozenset()
    """Keys whose values may contain a reference in a second encoding, where a search for its text would not find it."""

    @property
    def address(self) -> str:
        """Tell somebody who wrote another JSON Pointer which ones can be filled."""
        return f"on a {self.kind}, only /data/KEY can be filled, and KEY has to be one that Kubernetes allows"

    def pointer(self, key: str) -> str:
        """Return the field's JSON Pointer (RFC 6901)."""
        return f"{_DATA}{jsonpointer.escape(key)}"

    def key(self, pointer: str) -> str | None:
        """Return the key of the field that a JSON Pointer leads to; None if this kind has no fields there."""
        return jsonpointer.unescape(pointer.removeprefix(_DATA)) if pointer.startswith(_DATA) else None

    def is_fillable(self, key: str) -> bool:
        """Whether Kubernetes allows a field with this key."""
        return _KEY.fullmatch(key) is not None

    def described(self, key: str) -> str:
        """Return the field's name for messages."""
        return f"data.{key}"

    def stored(self, manifest: Mapping[str, Any]) -> Mapping[str, Stored | None]:
        """Return an object's values by key, as they are stored. JSON's null, None, means that there is no value."""
        return manifest.get("data") or {}

    def fitted(self, template: FieldTemplate, value: SecretValue) -> SecretValue:  # noqa: ARG002 - others look at it
        """Return what a template rendered in the form that `encode`, records and their MACs work on.

        Raises `ResolverError` if this kind cannot store the value. By default it has to be UTF-8 text. Kinds that store
        numbers and booleans give them a form that no text has.
        """
        try:
            value.reveal_text()
        except NotText:
            raise ValueNotText from None
        return value

    def encode(self, value: bytes) -> Stored:
        """Return the stored form of a value that `fitted` returned. Equal values have equal stored forms."""
        return value.decode()

    def decode(self, stored: Stored) -> bytes:
        """Return the value behind its stored form: the inverse of `encode`.

        Raises `ValueError` if this kind cannot have stored it.
        """
        return str(stored).encode()

    def size_bytes(self, stored: Stored | None) -> int:
        """Return how many bytes of `max_bytes` a stored value uses, without decoding it; None uses none."""
        return 0 if stored is None else len(str(stored).encode(errors="replace"))

    def other_bytes(self, manifest: Mapping[str, Any], keys: Collection[str]) -> int:
        """Return how many of `max_bytes` an object uses for everything but the values of these fields."""
        return sum(self.size_bytes(value) for key, value in self.stored(manifest).items() if key not in keys)

    def obstacles(self, manifest: Mapping[str, Any], keys: Collection[str]) -> Iterator[tuple[str, str]]:  # noqa: ARG002
        """Yield each of these fields that has no place in an object, with the reason, which quotes no value.

        By default there are none: the map that fields stand in is made when it is missing.
        """
        return iter(())

    def template(self, key: str, text: str) -> FieldTemplate | None:  # noqa: ARG002 - other kinds look at the key
        """Read the text of an annotation or a value; None if it has no reference.

        Raises `ReferenceSyntaxError`, and `TemplateError` if there are references where no value can be filled in.
        """
        return parse_value(text) if has_reference(text) else None

    def placeholder(self, key: str, template: FieldTemplate | None = None) -> bytes:  # noqa: ARG002 - others look at it
        """Return what a dry run shows in place of a new value.

        It depends only on the key and on the type that the template gives, so it reveals nothing.
        """
        return MARKER.encode()

    def needs_form(self, key: str) -> bool:  # noqa: ARG002 - other kinds look at the key
        """Whether Kubernetes validates the value, so that a dry run cannot show a reference in its place."""
        return False

    def is_immutable(self, manifest: Mapping[str, Any]) -> bool:
        """Whether the values of this live object can no longer change."""
        return manifest.get("immutable") is True

    def operations(self, manifest: Mapping[str, Any], changes: Mapping[str, Stored | None]) -> Iterator[Operation]:
        """Yield the JSON Patch that gives each field, by key, its new stored value; None removes the field."""
        return map_operations("/data", manifest.get("data"), changes)

    def as_admitted(self, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a manifest from Git in the form in which the API server sends it to a webhook."""
        return manifest


def map_operations(
    path: str, now: Mapping[str, Any] | None, changes: Mapping[str, Stored | None]
) -> Iterator[Operation]:
    """Yield the JSON Patch that changes members of a map; None removes a member. A missing map is created first.

    The operation `add` also replaces a member that exists (RFC 6902, section 4.1).
    """
    if now is None and any(value is not None for value in changes.values()):
        yield {"op": "add", "path": path, "value": {}}
    for name, value in changes.items():
        member = f"{path}/{jsonpointer.escape(name)}"
        if value is not None:
            yield {"op": "add", "path": member, "value": value}
        elif name in (now or {}):
            yield {"op": "remove", "path": member}
