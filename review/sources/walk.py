"""The texts in what a document holds."""

from collections.abc import Collection, Iterator
from typing import Any

from review.sources.nodes import Path


def texts(content: Any, without: Collection[Path] = ()) -> Iterator[tuple[Path, str]]:
    """Yield every text with its path, in the order of the file, but what stands below some paths; keys are no texts.

    What an alias repeats comes once, so a few lines that stand for millions take no longer than they are.
    """
    waiting: list[tuple[Path, Any]] = [((), content)]
    seen: set[int] = set()
    while waiting:
        path, value = waiting.pop()
        if path in without:
            continue
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict | list) and id(value) not in seen:
            seen.add(id(value))
            members = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += reversed([((*path, name), member) for name, member in members])
