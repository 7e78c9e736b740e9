"""References where Keyhole fills nothing: in objects of unsupported kinds."""

from collections.abc import Iterator
from typing import Any

import jsonpointer

from manifests import annotations
from resolver.references.characters import visible
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import parse_value

_ANNOTATIONS = "annotations"
# The longest key of a Secret, or name of an annotation within its domain.
_LONGEST_NAME = 253


def references_elsewhere(content: Any) -> Iterator[str]:
    """Yield where a document has references, in our annotations or in place, as JSON Pointers (RFC 6901).

    Long names in a pointer are cut. What stands in several places, by YAML's aliases, is told once.
    """
    stack: list[tuple[tuple[str, ...], Any]] = [((), content)]
    seen: set[int] = set()
    while stack:
        path, value = stack.pop()
        if isinstance(value, str):
            if _is_ours(path) or _holds_reference(value):
                yield "".join(f"/{jsonpointer.escape(visible(part, _LONGEST_NAME))}" for part in path)
        elif isinstance(value, dict | list) and id(value) not in seen:
            seen.add(id(value))
            members = value.items() if isinstance(value, dict) else enumerate(value)
            stack.extend(reversed([((*path, str(name)), member) for name, member in members]))


def _is_ours(path: tuple[str, ...]) -> bool:
    if len(path) < 2 or path[-2] != _ANNOTATIONS:  # noqa: PLR2004 - the name and what holds it
        return False
    name = path[-1]
    if name in {annotations.FIELDS, annotations.FROM} or name.startswith(annotations.DATA_PREFIX):
        return True
    return annotations.asks_for_variables(name)


def _holds_reference(text: str) -> bool:
    # What merely begins like a reference is not one, such as the container image vault:1.21.
    try:
        return bool(parse_value(text).references)
    except ReferenceSyntaxError:
        return False
