"""Plain text: values are inserted as they are, for nothing is known of who reads it."""

from collections.abc import Iterator

from review.rendering.pieces import Piece, unchanged
from review.sources.text import Text


def pieces(text: Text) -> Iterator[Piece]:
    """Yield the whole text as one piece."""
    yield Piece("text", text.content, 0, len(text.content), unchanged, "text")
