"""The annotation `keyhole.dev/fields`: a flat YAML map from JSON Pointers to texts.

The parser reads YAML's events and never builds objects. Aliases, tags and merge keys take no effect, so a small text
cannot expand into a large one.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    StreamEndEvent,
    StreamStartEvent,
)

# Kubernetes' limit for all annotations of an object (TotalAnnotationSizeLimitB), which it checks after admission.
MAX_BYTES = 256 * 1024
MAX_FIELDS = 1000
# libyaml reads a quarter of a megabyte in milliseconds. Every wheel of PyYAML has it; other builds may not.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER = yaml.resolver.Resolver()
_STRING_TAG = "tag:yaml.org,2002:str"
_POINTERS = "a map from JSON Pointers to strings"
_FRAME = (StreamStartEvent, DocumentStartEvent, DocumentEndEvent, StreamEndEvent)


class FieldsMapError(ValueError):
    """The annotation is not a flat map of strings. `problem` says where and why, and quotes no values."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def parse(text: str, *, expected: str = _POINTERS) -> dict[str, str]:
    """Return the pointers and their texts, in the order in which they are written.

    Other annotations have such maps too; `expected` says in messages what of.

    Raises `FieldsMapError` for anything but one flat map of strings. That includes anchors, aliases, merge keys, tags,
    nested maps, duplicate keys, and scalars that YAML does not read as strings.
    """
    if len(text) > MAX_BYTES or len(text.encode(errors="replace")) > MAX_BYTES:
        raise FieldsMapError(f"longer than {MAX_BYTES} bytes")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise FieldsMapError("not Unicode text (half of a surrogate pair)")
    scalars = [_string(event) for event in islice(_map_events(text, expected), 2 * MAX_FIELDS + 1)]
    if len(scalars) > 2 * MAX_FIELDS:
        raise FieldsMapError(f"more than {MAX_FIELDS} fields")
    pointers, texts = scalars[::2], scalars[1::2]
    found: dict[str, str] = {}
    for pointer, value in zip(pointers, texts, strict=True):
        if pointer in found:
            raise FieldsMapError(f"the key {pointer!r} is there twice")
        found[pointer] = value
    return found


def _map_events(text: str, expected: str) -> Iterator[Event]:
    """Yield the events between the start and the end of the one map."""
    depth = 0
    for event in _events(text):
        if isinstance(event, _FRAME):
            if isinstance(event, DocumentStartEvent) and depth:
                raise FieldsMapError(f"{_where(event)}: a second document")
        elif isinstance(event, MappingStartEvent) and depth == 0:
            if event.anchor or event.tag:
                raise FieldsMapError(f"{_where(event)}: an anchor or a tag")
            depth = 1
        elif isinstance(event, MappingEndEvent):
            continue
        elif depth == 0:
            raise FieldsMapError(f"{_where(event)}: expected {expected}")
        else:
            yield event


def _events(text: str) -> Iterator[Event]:
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        problem = f"{_position(getattr(error, 'problem_mark', None))}: not YAML"
    else:
        return
    raise FieldsMapError(problem)


def _string(event: Event) -> str:
    if isinstance(event, AliasEvent):
        raise FieldsMapError(f"{_where(event)}: an alias")
    if not isinstance(event, ScalarEvent):
        raise FieldsMapError(f"{_where(event)}: expected a string, not a map or a list")
    if event.anchor or event.tag:
        raise FieldsMapError(f"{_where(event)}: an anchor or a tag")
    value = str(event.value)
    plain = bool(event.implicit[0])
    if plain and _RESOLVER.resolve(yaml.ScalarNode, value, (True, False)) != _STRING_TAG:  # type: ignore[no-untyped-call]
        raise FieldsMapError(f"{_where(event)}: YAML does not read this as a string; put it in quotes")
    return value


def _where(event: Event) -> str:
    return _position(event.start_mark)


def _position(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else "at the end"
