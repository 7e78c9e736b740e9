"""Custom resources: the fields that an administrator allows, addressed by JSON Pointers in `keyhole.dev/fields`.

A field is text unless its reference ends in `int` or `bool`: then it is a JSON number or boolean.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from manifests.annotations import FIELDS
from manifests.fields import fields_map
from manifests.fields.template import FieldTemplate
from manifests.kinds import pointers
from manifests.kinds.codec import Codec, Operation, Stored
from manifests.kinds.pointers import Pattern
from resolver.references.functions import FUNCTIONS, Failure, apply
from resolver.references.grammar import Reference, Template
from resolver.references.value import SecretValue

# No text in UTF-8 begins with this byte. Behind it stands a number or a boolean as JSON (RFC 8259), so in the bytes
# that a MAC is over, 5432 and "5432" differ.
_TYPED: Final = b"\xff"
_MOST_PATTERNS_TOLD: Final = 5
# What a dry run shows for a number: within the bounds of nearly every field that has some, a port's for example.
_SOME_NUMBER: Final = 1


def custom_resource(group: str, kind: str, resource: str, version: str, fields: Sequence[Pattern]) -> Codec:
    """Return the codec of a kind. `version` is the one in which the controller lists it, `fields` may be filled.

    A field's key is its JSON Pointer.
    """
    return _CustomResource(group, kind, resource, version, fields)


class _CustomResource(Codec):
    coding = "text, a number or a boolean"
    is_listed = True
    has_keys = False
    is_versioned = True
    versions = ("*",)
    # etcd takes 1.5 MiB a request (`--max-request-bytes`), and annotations with the record may have 256 KiB of that.
    max_bytes = 1280 * 1024
    limited_by = "etcd"

    def __init__(self, group: str, kind: str, resource: str, version: str, fields: Sequence[Pattern]) -> None:
        self.group = group
        self.kind = kind
        self.resource = resource
        self.version = version
        self._fields: Final = tuple(fields)
        self.fillable = tuple(pattern.text for pattern in fields)

    @property
    def address(self) -> str:
        allowed = ", ".join(self.fillable[:_MOST_PATTERNS_TOLD])
        more = ", …" if len(self.fillable) > _MOST_PATTERNS_TOLD else ""
        return (
            f"on {self.resource}, the administrator's list of kinds allows {allowed}{more}, as JSON Pointers without "
            f"quotes, backslashes and blanks, and never {pointers.NEVER}"
        )

    def pointer(self, key: str) -> str:
        return key

    def key(self, pointer: str) -> str | None:
        return pointer if pointers.is_usable(pointer) else None

    def is_fillable(self, key: str) -> bool:
        segments = key.removeprefix("/").split("/")
        return pointers.is_usable(key) and any(pattern.matches(segments) for pattern in self._fields)

    def described(self, key: str) -> str:
        return key

    def stored(self, manifest: Mapping[str, Any]) -> Mapping[str, Stored | None]:
        """Return an object's values by pointer. All can be looked up; `keyhole.dev/fields` says which are gone through.

        What holds others is no value.
        """
        return _Values(manifest)

    def fitted(self, template: FieldTemplate, value: SecretValue) -> SecretValue:
        value = super().fitted(template, value)
        if _type(template) == "string":
            return value
        # The functions `int` and `bool` leave nothing but what JSON reads as a number and a boolean.
        return SecretValue(_typed(json.loads(value.reveal_text())))

    def encode(self, value: bytes) -> Stored:
        if not value.startswith(_TYPED):
            return value.decode()
        typed: Stored = json.loads(value.removeprefix(_TYPED))
        return typed

    def decode(self, stored: Stored) -> bytes:
        return stored.encode() if isinstance(stored, str) else _typed(stored)

    def size_bytes(self, stored: Stored | None) -> int:
        return 0 if stored is None else _json_bytes(stored)

    def other_bytes(self, manifest: Mapping[str, Any], keys: Collection[str]) -> int:
        values = self.stored(manifest)
        return _json_bytes(manifest) - sum(self.size_bytes(values.get(key)) for key in keys)

    def obstacles(self, manifest: Mapping[str, Any], keys: Collection[str]) -> Iterator[tuple[str, str]]:
        ordered = sorted(keys)
        for key, other in pointers.overlapping(ordered):
            yield key, f"leads into {other}, which is filled as well; remove one of the two"
        for key in ordered:
            if (reason := pointers.obstacle(manifest, key)) is not None:
                yield key, reason

    def placeholder(self, key: str, template: FieldTemplate | None = None) -> bytes:
        """Return the text of the reference's `default` if it has one, so that a schema's pattern can be kept to.

        Otherwise a number, a boolean or `MARKER`.
        """
        wanted = _type(template)
        text = _default(template)
        if wanted == "integer":
            return _typed(int(text) if text is not None else _SOME_NUMBER)
        if wanted == "boolean":
            return _typed(text == b"true")
        return super().placeholder(key) if text is None else text

    def is_immutable(self, manifest: Mapping[str, Any]) -> bool:  # noqa: ARG002 - `immutable` may mean anything here
        return False

    def operations(self, manifest: Mapping[str, Any], changes: Mapping[str, Stored | None]) -> Iterator[Operation]:
        return pointers.operations(manifest, changes)


class _Values(Mapping[str, Stored | None]):
    """The values of an object by pointer, looked up when asked for."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        self._manifest = manifest

    def __getitem__(self, pointer: str) -> Stored:
        value = pointers.found(self._manifest, pointer)
        if not isinstance(value, str | int | float):
            raise KeyError(pointer)
        return value

    def __iter__(self) -> Iterator[str]:
        notes = (self._manifest.get("metadata") or {}).get("annotations") or {}
        try:
            named = fields_map.parse(notes.get(FIELDS, "{}"))
        except fields_map.FieldsMapError:
            named = {}
        return (pointer for pointer in named if pointers.is_usable(pointer) and pointer in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _type(template: FieldTemplate | None) -> str:
    """Return the type of the field: that of the last function, if the whole text is one reference."""
    reference = _only(template)
    return "string" if reference is None or not reference.functions else FUNCTIONS[reference.functions[-1].name].gives


def _only(template: FieldTemplate | None) -> Reference | None:
    return template.references[0] if isinstance(template, Template) and template.is_whole else None


def _default(template: FieldTemplate | None) -> bytes | None:
    """Return what the reference gives for a field that is missing in Vault; None if nothing says that."""
    reference = _only(template)
    value: bytes | Failure | None = None
    for function in reference.functions if reference is not None else ():
        if isinstance(value, bytes):
            # A member of a JSON text is for `evaluate`.
            value = None if function.name == "json" else apply(function.name, value, function.argument)
        elif function.name == "default":
            value = (function.argument or "").encode()
        if isinstance(value, Failure):
            return None
    return value if isinstance(value, bytes) else None


def _typed(value: float) -> bytes:
    """Return the bytes for a number or a boolean, which is a number to Python."""
    return _TYPED + json.dumps(value).encode()


def _json_bytes(document: Any) -> int:
    return len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"))
