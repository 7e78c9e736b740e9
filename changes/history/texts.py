"""How the references of a field are kept: the same whether a manifest has them or a trail. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import parse_value
from resolver.references.reference import Reference

_BETWEEN = "\n"  # it stands in no reference; a comma may, in the name of a field


def together(texts: Iterable[str]) -> str:
    """Return the references of a field as one text: each once, in an order of their own."""
    return _BETWEEN.join(sorted(set(texts)))


def apart(text: str) -> Sequence[str]:
    """Return the references of what `together` gave."""
    return text.split(_BETWEEN)


def whole(reference: Reference) -> str:
    """Return the path of a reference, with its version, and without the field that is taken of it."""
    path = replace(reference, field="", functions=()).shown
    return path if reference.version is None else f"{path}##{reference.version}"


def path_of(text: str) -> str:
    """Return the path that `whole` told, as every reference to one of its fields begins in a trail."""
    return text.partition("##")[0]


def whole_of(text: str) -> str:
    """Return the same of the text that a trail has of a reference; the text itself if it is none."""
    try:
        found = parse_value(text).references
    except ReferenceSyntaxError:
        return text
    return whole(found[0]) if len(found) == 1 else text
