"""Edits of manifests by span: comments, quotes, order and every byte beside the edited values stay as they are.

Each edit is a splice of the document's own text (`review.sources.editing`). The result is read again, and must be
exactly what was intended; otherwise nothing is edited and `NotProved` says why.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from review.sources.editing.intent import Edit, Put, Remove, Replace, intended, same
from review.sources.stream import Document, read_text
from review.sources.text import NotChecked, Place, Text

__all__ = ["Edit", "NotProved", "Put", "Remove", "Replace", "edited", "intended", "same"]


class NotProved(ValueError):
    """Edits that cannot be made so that the result is what was intended and nothing else changes. Nothing was edited.

    `reason` quotes nothing of the text.
    """

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(f"{place}: not edited, {reason}")
        self.place = place
        self.reason = reason


def edited(text: Text, edits: Mapping[int, Sequence[Edit]]) -> str:
    """Return a text with edits in its documents, by their numbers (`Document.number`). Raises `NotProved`.

    The edits of a document take effect one after another. YAML and JSON keep their form.
    """
    from review.sources.editing.applying import NotApplied, applied  # noqa: PLC0415 - most runs edit nothing

    before = list(read_text(text))
    documents = {found.number: found for found in before if isinstance(found, Document)}
    for number in edits:
        if number not in documents:
            raise NotProved(Place(text.file), f"there is no document {number} that can be read")
    wanted = {number: intended(documents[number].content, edits[number]) for number in edits}
    result, at = [], 0
    for number in sorted(edits):
        document = documents[number]
        if document.start < at or _shares_its_text(document, before):
            raise NotProved(document.place(), "documents without a line of --- between them, or directives")
        try:
            result += [text.content[at : document.start], applied(document, edits[number])]
        except NotApplied as error:
            raise NotProved(document.place(error.path), error.reason) from None
        at = document.end
    proved = "".join([*result, text.content[at:]])
    _prove(text, before, proved, wanted)
    return proved


def _shares_its_text(document: Document, found: Sequence[Document | NotChecked]) -> bool:
    """Whether other documents stand in the same stretch of the text."""
    return any(
        other is not document and isinstance(other, Document) and other.start == document.start for other in found
    )


def _prove(text: Text, before: Sequence[Document | NotChecked], result: str, wanted: Mapping[int, Any]) -> None:
    after = list(read_text(Text(text.file, result)))
    if len(after) != len(before):
        raise NotProved(Place(text.file), "the result has another number of documents")
    for old, new in zip(before, after, strict=True):
        if isinstance(old, NotChecked) or isinstance(new, NotChecked):
            is_proved = isinstance(old, NotChecked) and isinstance(new, NotChecked) and old.reason == new.reason
        elif old.number in wanted:
            is_proved = old.number == new.number and same(new.content, wanted[old.number])
        else:
            is_proved = old.number == new.number and old.raw == new.raw
        if not is_proved:
            place = old.place if isinstance(old, NotChecked) else old.place()
            raise NotProved(place, "the result would mean something else")
