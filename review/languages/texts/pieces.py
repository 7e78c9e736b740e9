"""Texts of Keyhole, put together from what another language's text says: plain text and references."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from manifests.fields.texts import what_it_is
from resolver.references import paths
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import parse_value
from resolver.references.reference import DEFAULT_CONNECTION, MAX_REFERENCES, Function, Reference, is_version

Piece: TypeAlias = str | Reference
_DATA: Final = "data"


class Untranslatable(Exception):
    """A text of another language that Keyhole has nothing for. `reason` says why, and quotes nothing of the text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def reference(
    path: str,
    field: str,
    version: str = "",
    *,
    connection: str = DEFAULT_CONNECTION,
    functions: Sequence[Function] = (),
) -> Reference:
    """Return a reference. Raises `Untranslatable` for one that Keyhole's grammar cannot say."""
    if version and not is_version(version):
        raise Untranslatable("its version is no number")
    made = Reference(path, field, connection, int(version) if version else None, tuple(functions))
    try:
        str(made)
    except paths.PathError as error:
        raise Untranslatable(f"its path is none that Keyhole reads: {error.reason}") from None
    except ValueError as error:
        raise Untranslatable(str(error)) from None
    return made


def bounded(text: str, opener: str) -> None:
    """Raise `Untranslatable` for a text with more openers than an object may have references.

    A search begins anew at each of them, so that many without an end would take for ever.
    """
    if text.count(opener) > MAX_REFERENCES:
        raise Untranslatable(f"it has more than {MAX_REFERENCES} references")


def without_data(path: str) -> str:
    """Return a path without the `data/` that KV v2's HTTP API has behind the mount, if there is only one such part."""
    parts = path.split("/")
    if parts.count(_DATA) != 1 or parts.index(_DATA) in (0, len(parts) - 1):
        return path
    parts.remove(_DATA)
    return "/".join(parts)


def written(pieces: Iterable[Piece]) -> str:
    """Return pieces as one text of Keyhole, which reads as these pieces and no others. Raises `Untranslatable`."""
    merged: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif piece != "":
            merged.append(piece)
    if len(merged) == 1 and isinstance(merged[0], Reference):
        return str(merged[0])
    text = "".join(piece if isinstance(piece, str) else f"(({piece}))" for piece in merged)
    try:
        read = list(parse_value(text).pieces())
    except ReferenceSyntaxError as error:
        raise Untranslatable(f"Keyhole would read the text around it as a reference: {what_it_is(error)}") from None
    if read != merged:
        raise Untranslatable("Keyhole would read the text around it as a reference")
    return text
