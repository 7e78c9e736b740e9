"""How `keyhole try` tells what became of objects: Git on the left, the cluster on the right."""

import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

from cli.trying.trial import Row, Tried
from resolver.references.characters import visible

_LEFT, _RIGHT = 54, 42
_MARGIN: Final = "  "


def lines(tried: Tried) -> Iterator[str]:
    """Yield the lines for one object."""
    _, _, kind = tried.object.kind
    name = f"{kind} {tried.object.namespace}/{tried.object.name or '(generated name)'}"
    where = f"made by keyhole controller for {tried.made_for}" if tried.made_for else tried.object.file
    yield f"{visible(name)}  ({visible(where)})"
    for row in tried.rows:
        yield from _side_by_side(row)
    if tried.refused:
        yield from _said(f"refused: {tried.refused}")
    for text in tried.warnings:
        yield from _said(f"warning: {text}")


def _said(text: str) -> Iterator[str]:
    # A name that somebody chose may be one long word.
    for line in textwrap.wrap(visible(text), _LEFT + _RIGHT, break_on_hyphens=False, subsequent_indent=_MARGIN):
        yield f"{_MARGIN}{line}"


def _side_by_side(row: Row) -> Iterator[str]:
    left, right = _wrapped(row.git, _LEFT), _wrapped(row.cluster, _RIGHT)
    height = max(len(left), len(right))
    for git, cluster in zip(left + [""] * (height - len(left)), right + [""] * (height - len(right)), strict=True):
        yield f"{_MARGIN}{git:{_LEFT}} | {cluster}".rstrip()


def _wrapped(text: str, width: int) -> list[str]:
    wrapped = (textwrap.wrap(line, width, break_on_hyphens=False) or [""] for line in _all_lines(text))
    return [part for parts in wrapped for part in parts]


def _all_lines(text: str) -> Iterable[str]:
    return [visible(line) for line in text.split("\n")] if text else []
