"""The annotations that ask for several fields at once: `keyhole.dev/fields` and `keyhole.dev/from`."""

from collections.abc import Iterator, Mapping

from manifests import annotations
from manifests.fields import fields_map
from manifests.fields.problem import Problem
from manifests.fields.whole import WholePath, paths
from manifests.kinds.codec import Codec
from resolver.references.errors import ReferenceSyntaxError


def mapped(codec: Codec, text: str, problems: list[Problem]) -> Iterator[tuple[str, str, str]]:
    """Yield key, origin and text for each field of the map, and add what is wrong with it to `problems`."""
    origin = f"annotation {annotations.FIELDS}"
    try:
        entries = fields_map.parse(text)
    except fields_map.FieldsMapError as error:
        problems.append(Problem(origin, error.problem))
        return
    for pointer, value in entries.items():
        key = codec.key(pointer)
        if key is None or not codec.is_fillable(key):
            problems.append(Problem(f"{origin}, {pointer!r}", codec.address))
        else:
            yield key, f"{origin}, {pointer}", value


def whole(codec: Codec, notes: Mapping[str, str], problems: list[Problem]) -> tuple[WholePath, ...]:
    """Return the whole secrets that an object takes its fields from, and add what is wrong to `problems`."""
    origin = f"annotation {annotations.FROM}"
    if not codec.takes_whole_secrets:
        told = f"fills a Secret with every field of a path, and a {codec.kind} takes single references only"
        problems.append(Problem(origin, told))
        return ()
    try:
        return paths(notes[annotations.FROM])
    except ReferenceSyntaxError as error:
        problems.append(Problem(origin, error.describe(show_text=True)))
        return ()
