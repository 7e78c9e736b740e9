"""A text with references in it, and the text with values in their place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from resolver.references.errors import ValueTooLarge
from resolver.references.reference import Reference
from resolver.references.value import MAX_VALUE_BYTES, SecretValue


@dataclass(frozen=True, slots=True)
class Placed:
    """A reference and where it stands in the source, its brackets included."""

    reference: Reference
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Template:
    """A text and its references, in order and without overlap."""

    # The text of a Secret's field may itself be a secret, so no repr shows it.
    source: str = field(repr=False)
    placed: tuple[Placed, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references in the order of the text, repeated ones repeated."""
        return tuple(placed.reference for placed in self.placed)

    @property
    def is_whole(self) -> bool:
        """Whether the text is one bare reference, without brackets."""
        # Only a bare reference begins at its "v"; an inline one that fills the text begins at its bracket.
        return len(self.placed) == 1 and self.source.startswith("vault") and self.placed[0].start == 0

    def pieces(self) -> Iterator[str | Reference]:
        """Give the pieces of plain text (never empty) and the references in order."""
        position = 0
        for placed in self.placed:
            if placed.start > position:
                yield self.source[position : placed.start]
            yield placed.reference
            position = placed.end
        if position < len(self.source):
            yield self.source[position:]

    def render(self, values: Mapping[Reference, SecretValue]) -> SecretValue:
        """Put the values, after their functions, where the references stand.

        Values are bytes and never scanned for references. Raises ValueTooLarge above 1 MiB, KeyError when a
        reference has no value.
        """
        parts = [piece.encode() if isinstance(piece, str) else values[piece].reveal() for piece in self.pieces()]
        if sum(map(len, parts)) > MAX_VALUE_BYTES:
            raise ValueTooLarge(MAX_VALUE_BYTES)
        return SecretValue(b"".join(parts))
