"""Which of many findings the page shows: every namespace has its share, and in it the worst and newest come first."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

_Group = TypeVar("_Group", bound=Hashable)
_Item = TypeVar("_Item")


def grouped(items: Iterable[tuple[_Group, _Item]]) -> dict[_Group, list[_Item]]:
    """Return items by their group, in the order in which groups come first."""
    groups: dict[_Group, list[_Item]] = {}
    for group, item in items:
        groups.setdefault(group, []).append(item)
    return groups


def shares(sizes: Mapping[_Group, int], most: int) -> Mapping[_Group, int]:
    """Return how many of each group are shown, `most` in all: small groups wholly, large ones equally many each."""
    shown: dict[_Group, int] = {}
    left, waiting = most, sorted(sizes, key=lambda group: sizes[group])
    for number, group in enumerate(waiting):
        shown[group] = min(sizes[group], left // (len(waiting) - number))
        left -= shown[group]
    return shown


def cut(items: Sequence[_Item], most: int) -> tuple[Sequence[_Item], int]:
    """Return the first items, and how many are left out."""
    return items[:most], max(0, len(items) - most)
