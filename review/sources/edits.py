"""Edits of manifests by span: comments, quotes, order and every byte beside the edited values stay as they are.

Each edit is a splice of the document's own text (`review.sources.splices`). The result is read again, and must be
exactly what was intended; otherwise nothing is edited and `NotProved` says why.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from review.sources.nodes import Path
from review.sources.stream import Document, read_text
from review.sources.text import NotChecked, Place, Text


@dataclass(frozen=True, slots=True)
class Put:
    """Adds the value at a path, with the maps in between, or replaces it. Items of lists must be there."""

    path: Path
    value: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Remove:
    """Removes what is at a path; with `prune`, the maps and lists as well that hold nothing else."""

    path: Path
    prune: bool = False


@dataclass(frozen=True, slots=True)
class Replace:
    """Replaces the whole document. Its comments stay, above it."""

    content: Any = field(repr=False)


Edit: TypeAlias = Put | Remove | Replace


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
        result += [text.content[at : document.start], _document(document, edits[number])]
        at = document.end
    proved = "".join([*result, text.content[at:]])
    _prove(text, before, proved, wanted)
    return proved


def intended(content: Any, edits: Sequence[Edit]) -> Any:
    """Return what a document's content is to be after edits. The content itself stays as it is."""
    result = _unshared(content)
    for edit in edits:
        if isinstance(edit, Replace):
            result = _unshared(edit.content)
        elif isinstance(edit, Put):
            result = _put(result, edit.path, edit.value)
        else:
            result = _removed(result, _reach(result, edit))
    return result


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same, types included: 1, 1.0, true and "1" are four. The order of keys is free."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) or one != one  # not a number is not itself  # noqa: PLR0124


def _document(document: Document, edits: Sequence[Edit]) -> str:
    from review.sources.splices import Impossible, Splicer  # noqa: PLC0415 - most runs edit nothing

    current = document
    for edit in edits:
        if isinstance(edit, Replace):
            from review.sources.replacing import replaced  # noqa: PLC0415 - as above

            raw = replaced(current, edit.content)
        else:
            try:
                splicer = Splicer(current)
                if isinstance(edit, Put):
                    splice = splicer.put(edit.path, edit.value)
                else:
                    splice = splicer.remove(_reach(current.content, edit))
            except Impossible as error:
                raise NotProved(document.place(edit.path), error.reason) from None
            raw = splice.applied(current.raw)
        read = list(read_text(Text(document.file, raw)))
        if len(read) != 1 or not isinstance(read[0], Document):
            path = () if isinstance(edit, Replace) else edit.path
            raise NotProved(document.place(path), "the result could not be read")
        if not same(read[0].content, intended(current.content, [edit])):
            path = () if isinstance(edit, Replace) else edit.path
            raise NotProved(document.place(path), _why(current))
        current = read[0]
    return current.raw


def _why(document: Document) -> str:
    if not document.raw.endswith("\n"):
        return "the result would mean something else; end the file with a line break first"
    return "the result would mean something else: an alias, a merge key, a key that stands twice, or a comment"


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


def _reach(content: Any, edit: Remove) -> Path:
    """Return the path of what goes: of an edit that prunes, the outermost map that would be empty."""
    path = edit.path
    while edit.prune and len(path) > 1:
        holder = _at(content, path[:-1])
        if not isinstance(holder, dict | list) or len(holder) > 1:
            break
        path = path[:-1]
    return path


def _at(content: Any, path: Path) -> Any:
    for step in path:
        if isinstance(content, list) and isinstance(step, int) and step < len(content):
            content = content[step]
        elif isinstance(content, dict) and isinstance(step, str):
            content = content.get(step)
        else:
            return None
    return content


def _put(content: Any, path: Path, value: Any) -> Any:
    if not path:
        return _unshared(value)
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        if isinstance(content, list) and step < len(content):
            content[step] = _put(content[step], rest, value)
        return content
    members = content if isinstance(content, dict) else {} if content is None else content
    if isinstance(members, dict):
        members[step] = _put(members.get(step), rest, value)
    return members


def _removed(content: Any, path: Path) -> Any:
    holder, step = _at(content, path[:-1]), path[-1]
    if isinstance(holder, list):
        if isinstance(step, int) and step < len(holder):
            del holder[step]
    elif isinstance(holder, dict):
        holder.pop(step, None)
    return content


def _unshared(value: Any) -> Any:
    """Return a copy in which nothing stands in two places at once."""
    if isinstance(value, dict):
        return {key: _unshared(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_unshared(member) for member in value]
    return copy.copy(value)
