"""JSON Pointers (RFC 6901) into custom resources, and the patterns by which an administrator allows them.

A pattern is a JSON Pointer in which `*` stands for one segment and `**`, at the end, for one or more.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import jsonpointer

MOST_SEGMENTS: Final = 32
"""How deep a field may lie. Nobody nests deeper, and every level would be a map that Keyhole makes."""

# The policy behind the webhook finds pointers in the texts of both annotations, so in JSON and YAML a pointer has to
# stand as it is.
_SEGMENT: Final = re.compile(r"(?:[^\s\x00-\x1f\x7f-\x9f\u200b-\u200f\ud800-\udfff\ufeff\"'\\/~]|~0|~1)+")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_ONE: Final = "*"
_REST: Final = "**"
# Kubernetes itself writes these, or reads from them what the object is.
_NEVER: Final = frozenset({"apiVersion", "kind", "metadata", "status"})
NEVER: Final = "/" + ", /".join(sorted(_NEVER))
_MISSING: Final = object()

Segments = tuple[str, ...]


class Pattern:
    """Which fields of a kind may be filled."""

    def __init__(self, text: str) -> None:
        """Raise ValueError, whose text says what is wrong, if `text` is no pattern or could match nothing."""
        self.text: Final = text
        segments = text.removeprefix("/").split("/")
        if not text.startswith("/") or not all(map(_SEGMENT.fullmatch, segments)):
            raise ValueError(
                "is not a JSON Pointer such as /spec/password (RFC 6901), without quotes, backslashes and blanks"
            )
        if len(segments) > MOST_SEGMENTS:
            raise ValueError(f"has more than {MOST_SEGMENTS} segments")
        if _REST in segments[:-1]:
            raise ValueError(f"has {_REST} before the end; {_ONE} stands for one segment")
        if segments[0] in _NEVER:
            raise ValueError(f"leads into /{segments[0]}, where nothing is ever filled in")
        self._has_rest: Final = segments[-1] == _REST
        self._segments: Final = segments[:-1] if self._has_rest else segments

    def matches(self, segments: Sequence[str]) -> bool:
        """Return whether a pointer with these segments, still escaped, is allowed."""
        known = len(self._segments)
        if len(segments) <= known if self._has_rest else len(segments) != known:
            return False
        return all(wanted in {_ONE, each} for wanted, each in zip(self._segments, segments, strict=False))


def is_usable(pointer: str) -> bool:
    """Return whether a text is a pointer that leads to a field of some kind."""
    segments = pointer.removeprefix("/").split("/", MOST_SEGMENTS)
    return (
        pointer.startswith("/")
        and len(segments) <= MOST_SEGMENTS
        and segments[0] not in _NEVER
        and all(map(_SEGMENT.fullmatch, segments))
    )


def split(pointer: str) -> Segments:
    """Return the segments of a pointer, unescaped."""
    return tuple(map(jsonpointer.unescape, pointer.removeprefix("/").split("/")))


def found(manifest: Mapping[str, Any], pointer: str) -> Any:
    """Return what stands in a field; None if there is nothing, as with JSON's null.

    An element of a list is no field, and neither is what holds others.
    """
    at: Any = manifest
    segments = split(pointer)
    for depth, segment in enumerate(segments, 1):
        at = _member(at, segment, is_last=depth == len(segments))
        if at is None:
            return None
    return None if isinstance(at, Mapping | list) else at


def obstacle(manifest: Mapping[str, Any], pointer: str) -> str | None:
    """Return why nothing can be filled in there; None if it can. Missing maps are no obstacle, they are made."""
    at: Any = manifest
    segments = split(pointer)
    for depth, segment in enumerate(segments):
        where = "/" + "/".join(map(jsonpointer.escape, segments[:depth]))
        is_last = depth == len(segments) - 1
        if isinstance(at, list):
            if (reason := _not_in(at, segment, is_last=is_last)) is not None:
                return f"{where} is a list, {reason}"
        elif at is None:
            if _INDEX.fullmatch(segment) or segment == "-":
                return f"{where} is not there, and lists are never made; write the list in the manifest"
        elif not isinstance(at, Mapping):
            return f"{where} is neither a map nor a list"
        at = _member(at, segment, is_last=False)
    return "there is a map or a list, and a reference fills text, a number or a boolean" if _is_holder(at) else None


def overlapping(pointers: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each pointer that leads into the field of another one, with that one."""
    named = {pointer: split(pointer) for pointer in pointers}
    by_segments = {segments: pointer for pointer, segments in named.items()}
    for pointer, segments in named.items():
        for depth in range(1, len(segments)):
            if (other := by_segments.get(segments[:depth])) is not None:
                yield pointer, other


def operations(manifest: Mapping[str, Any], changes: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    """Yield the JSON Patch (RFC 6902) that gives each field, by pointer, its new value; None removes it.

    Missing maps are made. What `obstacle` tells of is left as it is.
    """
    made: set[Segments] = set()
    for pointer, value in changes.items():
        if value is None:
            if found(manifest, pointer) is not None:
                yield {"op": "remove", "path": pointer}
            continue
        if obstacle(manifest, pointer) is not None:
            continue
        at: Any = manifest
        segments = split(pointer)
        for depth, segment in enumerate(segments[:-1], 1):
            at = _member(at, segment, is_last=False)
            if at is None and segments[:depth] not in made:
                made.add(segments[:depth])
                yield {"op": "add", "path": "/" + "/".join(map(jsonpointer.escape, segments[:depth])), "value": {}}
        yield {"op": "add", "path": pointer, "value": value}


def _member(at: Any, segment: str, *, is_last: bool) -> Any:
    if isinstance(at, Mapping):
        return at.get(segment)
    if isinstance(at, list) and not is_last and _INDEX.fullmatch(segment) and int(segment) < len(at):
        return at[int(segment)]
    return None


def _not_in(elements: Sequence[Any], segment: str, *, is_last: bool) -> str | None:
    """Return why a pointer cannot go on into a list; None if it can."""
    if is_last:
        return "and an element of a list cannot be absent in Git, so none is filled"
    if not _INDEX.fullmatch(segment):
        return f"and {segment!r} is no index in it"
    if int(segment) >= len(elements):
        return f"and it has {len(elements)} elements, none at index {segment}; lists are never made longer"
    # A map that is added there would move the others.
    return None if elements[int(segment)] is not None else f"and null stands at index {segment}; write a map there"


def _is_holder(at: Any) -> bool:
    return isinstance(at, Mapping | list)
