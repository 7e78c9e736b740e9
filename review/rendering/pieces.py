"""What a reader of a format sees in a text, one piece after another, and where a value can be written in it."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final

from review.sources.text import Place


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a text cannot be rendered, and where that shows. Quotes nothing of the text."""

    place: Place
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class NotRendered(ValueError):
    """A text that cannot be rendered. Has every problem; there is at least one. No problem quotes text or a value."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def unchanged(text: str) -> str:
    """Return a value as it is."""
    return text


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing that a reader sees: the beginning of a map, a key, a text.

    Two texts are the same to a reader if their pieces have the same `kind` and `text`, in the same order.
    """

    kind: Hashable
    text: str = field(default="", repr=False)
    """What the reader takes it for, without quotes and escapes."""
    start: int = 0
    end: int = 0
    """Where it stands in the source, quotes included."""
    write: Callable[[str], str] | None = None
    """Returns how a text is written there, always as a text. None where no reference is looked for."""
    as_text: Hashable = None
    """The kind that the piece has when `write` has written there."""
    as_number: Hashable = None
    """The kind of a bare number or boolean there; None if the format has none, or none can stand there."""
    inserted: Callable[[str], str] = unchanged
    """What has to be inserted for a value, so that the format's own reader arrives at the value."""
    barred: str = ""
    """Why no reference may stand there, if none may."""


NOT_IN_A_KEY: Final = "a reference in a key: values are written in place of values alone"
NUL: Final = "\0"
