"""What an edit is, and what it is to make of a document's content."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from review.sources.nodes import Path


@dataclass(frozen=True, slots=True)
class Put:
    """Adds the value at a path, with the maps in between, or replaces it. Items of lists must be there."""

    path: Path
    value: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Remove:
    """Removes what is at a path; with `prune`, the maps and lists as well that hold nothing else."""

    path: Path
    prune: bool = False


@dataclass(frozen=True, slots=True)
class Replace:
    """Replaces the whole document. Its comments stay, above it."""

    content: Any = field(repr=False)


Edit: TypeAlias = Put | Remove | Replace


def intended(content: Any, edits: Sequence[Edit]) -> Any:
    """Return what a document's content is to be after edits. The content itself stays as it is."""
    result = unshared(content)
    for edit in edits:
        if isinstance(edit, Replace):
            result = unshared(edit.content)
        elif isinstance(edit, Put):
            result = _put(result, edit.path, edit.value)
        else:
            result = removed(result, reach(result, edit))
    return result


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same, types included: 1, 1.0, true and "1" are four. The order of keys is free."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) or one != one  # not a number is not itself  # noqa: PLR0124


def reach(content: Any, edit: Remove) -> Path:
    """Return the path of what goes: of an edit that prunes, the outermost map that would be empty."""
    path = edit.path
    while edit.prune and len(path) > 1:
        holder = _at(content, path[:-1])
        if not isinstance(holder, dict | list) or len(holder) > 1:
            break
        path = path[:-1]
    return path


def _at(content: Any, path: Path) -> Any:
    for step in path:
        if isinstance(content, list) and isinstance(step, int) and step < len(content):
            content = content[step]
        elif isinstance(content, dict) and isinstance(step, str):
            content = content.get(step)
        else:
            return None
    return content


def _put(content: Any, path: Path, value: Any) -> Any:
    if not path:
        return unshared(value)
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        if isinstance(content, list) and step < len(content):
            content[step] = _put(content[step], rest, value)
        return content
    members = content if isinstance(content, dict) else {} if content is None else content
    if isinstance(members, dict):
        members[step] = _put(members.get(step), rest, value)
    return members


def removed(content: Any, path: Path) -> Any:
    """Return a content, which changes, without what is at a path."""
    holder, step = _at(content, path[:-1]), path[-1]
    if isinstance(holder, list):
        if isinstance(step, int) and step < len(holder):
            del holder[step]
    elif isinstance(holder, dict):
        holder.pop(step, None)
    return content


def unshared(value: Any) -> Any:
    """Return a copy in which nothing stands in two places at once."""
    if isinstance(value, dict):
        return {key: unshared(member) for key, member in value.items()}
    if isinstance(value, list):
        return [unshared(member) for member in value]
    return copy.copy(value)
