"""Edits of one document: all of a kind at once where they do not meet, else one after another. Each result is read."""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from review.sources.editing.intent import Edit, Put, Remove, Replace, intended, reach, removed, same, unshared
from review.sources.editing.replacing import replaced
from review.sources.editing.splices import Impossible, Splice, Splicer
from review.sources.nodes import Path
from review.sources.stream import Document, read_text
from review.sources.text import Text


class NotApplied(Exception):
    """An edit whose result is not what was intended. `path` says of which, `reason` quotes nothing of the text."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


def applied(document: Document, edits: Sequence[Edit]) -> str:
    """Return a document's text after edits, one after another. Raises `NotApplied`."""
    current = document
    for _, found in groupby(edits, type):
        group = list(found)
        # The first of them may make the map that the others need.
        together = _together(current, group)
        if together is None:
            current = _one(current, group.pop(0))
            together = _together(current, group)
        if together is None:
            for edit in group:
                current = _one(current, edit)
        else:
            current = together
    return current.raw


def _one(document: Document, edit: Edit) -> Document:
    path: Path = () if isinstance(edit, Replace) else edit.path
    if isinstance(edit, Replace):
        raw = replaced(document, edit.content)
    else:
        try:
            raw = _splice(Splicer(document), document, edit).applied(document.raw)
        except Impossible as error:
            raise NotApplied(path, error.reason) from None
    result = _read(document, raw)
    if result is None:
        raise NotApplied(path, "the result could not be read")
    if not _is_meant(result, document, [edit]):
        raise NotApplied(path, _why(document))
    return result


def _together(document: Document, edits: Sequence[Edit]) -> Document | None:
    """Return the document after edits that do not meet; None if they do, or if not all of them can be proved."""
    if len(edits) < 2:  # noqa: PLR2004 - one is not together
        return None if edits else document
    try:
        splices = sorted(_splices(document, edits), key=lambda splice: splice.start)
    except Impossible:
        return None
    if any(one.end > other.start for one, other in pairwise(splices)):
        return None
    pieces, at = [], 0
    for splice in splices:
        pieces += [document.raw[at : splice.start], splice.text]
        at = splice.end
    result = _read(document, "".join([*pieces, document.raw[at:]]))
    return result if result is not None and _is_meant(result, document, edits) else None


def _is_meant(result: Document, document: Document, edits: Sequence[Edit]) -> bool:
    """Whether a document is what edits were to make of another one. Of a key that stands twice, one would hide."""
    is_new = len(list(result.keys_twice())) > len(list(document.keys_twice()))
    return not is_new and same(result.content, intended(document.content, edits))


def _splices(document: Document, edits: Sequence[Edit]) -> Iterator[Splice]:
    splicer = Splicer(document)
    content = unshared(document.content)
    gone: dict[Path, None] = {}
    for edit in edits:
        if isinstance(edit, Put):
            yield splicer.put(edit.path, edit.value)
        elif isinstance(edit, Remove):
            path = reach(content, edit)
            content = removed(content, path)
            gone[path] = None
        else:
            raise Impossible("it is the whole document")
    for path in gone:
        # What goes with its holder needs no edit of its own.
        if not any(path[:length] in gone for length in range(1, len(path))):
            yield splicer.remove(path)


def _splice(splicer: Splicer, document: Document, edit: Put | Remove) -> Splice:
    if isinstance(edit, Put):
        return splicer.put(edit.path, edit.value)
    return splicer.remove(reach(document.content, edit))


def _read(document: Document, raw: str) -> Document | None:
    read = list(read_text(Text(document.file, raw)))
    return read[0] if len(read) == 1 and isinstance(read[0], Document) else None


def _why(document: Document) -> str:
    if not document.raw.endswith("\n"):
        return "the result would mean something else; end the file with a line break first"
    return "the result would mean something else: an alias, a merge key, a key that stands twice, or a comment"
