"""What would put a finding right: edits of the document in which it is."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from review.sources.edits import Edit


@dataclass(frozen=True, slots=True)
class Fix:
    """Edits of one document (`Document.number`) of the finding's file. `said` is what they do, without any value."""

    document: int
    edits: Sequence[Edit] = field(repr=False)
    said: str
