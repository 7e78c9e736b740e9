"""Which edits put a finding right. Everything else is for a person to decide."""

import base64
import binascii
import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import jsonpointer

from manifests import annotations
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import parse_value
from review.findings.finding import Finding
from review.findings.fix import Fix
from review.lint.forms.notes import near
from review.lint.objects import manifests, named
from review.sources.edits import Edit, Put, Remove
from review.sources.nodes import Path
from review.sources.stream import Document

_CLOSE: Final = 0.9
_NOTES: Final = ("metadata", "annotations")
_PARTS: Final = ("data", "stringData")
# The part of an annotation's name behind the slash (Kubernetes, *Labels and Selectors*, syntax).
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")

Edited = tuple[list[Edit], str]


def fix_of(finding: Finding, documents: Sequence[Document]) -> Fix | None:
    """Return what puts a finding right in the documents of its file; None if a person has to decide."""
    edits_for = _BY_RULE.get(finding.rule.id)
    if edits_for is None:
        return None
    for document, path in _found(finding, documents):
        edited = edits_for(document.content, path)
        if edited is not None:
            edits, said = edited
            return Fix(document.number, edits, said)
    return None


def _found(finding: Finding, documents: Sequence[Document]) -> Iterator[tuple[Document, Path]]:
    """Yield the document and the path in it that a finding is about."""
    segments = [jsonpointer.unescape(each) for each in finding.pointer.split("/")[1:]]
    for document in documents:
        for manifest in manifests(document):
            path = _resolved(manifest.content, segments)
            if path and document.place((*manifest.path, *path)) == finding.place:
                yield document, (*manifest.path, *path)


def _resolved(content: Any, segments: Sequence[str]) -> Path:
    """Return the path that a pointer's segments lead along; an empty one if they lead nowhere."""
    path: list[str | int] = []
    for segment in segments:
        if isinstance(content, list) and segment.isdecimal() and int(segment) < len(content):
            path.append(int(segment))
            content = content[int(segment)]
        elif isinstance(content, dict) and segment in content:
            path.append(segment)
            content = content[segment]
        else:
            return ()
    return tuple(path)


def _at(content: Any, path: Path) -> Any:
    for step in path:
        content = content[step]
    return content


def _drifts(content: Any, path: Path) -> Edited | None:
    """Write a reference in place as an annotation."""
    if len(path) < len(_PARTS) or path[-2] not in _PARTS:
        return None
    holder, part, key = path[:-2], path[-2], path[-1]
    if not _is_secret(_at(content, holder)) or not _NAME.fullmatch(str(key)):
        return None
    text = _at(content, path)
    reference = _decoded(text) if part == "data" else text
    others = [each for each in _PARTS if each != part and str(key) in _map(_at(content, holder), each)]
    name = f"{annotations.DATA_PREFIX}{key}"
    if not isinstance(reference, str) or others or name in _map(_at(content, holder), *_NOTES):
        return None
    # In the brackets that Flux leaves alone: a finding about the others (KH202) has nothing left to put right then.
    written = _other_brackets(reference) or reference
    edits: list[Edit] = [Put((*holder, *_NOTES, name), written), Remove(path, prune=True)]
    return edits, f"{part}.{named(str(key))} is the annotation {named(name)} now"


def _taken_by_flux(content: Any, path: Path) -> Edited | None:
    """Write `((…))` in place of `${…}`, with the same references."""
    text = _at(content, path)
    other = _other_brackets(text) if isinstance(text, str) else None
    return ([Put(path, other)], "${…} is ((…)) now") if other is not None else None


def _other_brackets(text: str) -> str | None:
    """Return a text with `((…))` in place of `${…}`; None if there are none, or it would mean something else."""
    try:
        found = parse_value(text)
        other = text
        for placed in reversed(found.placed):
            if text.startswith("${", placed.start):
                inner = text[placed.start + 2 : placed.end - 1]
                other = f"{other[: placed.start]}(({inner})){other[placed.end :]}"
        same = parse_value(other).references == found.references
    except ReferenceSyntaxError:
        return None
    return other if same and other != text else None


def _misspelt(content: Any, path: Path) -> Edited | None:
    """Give an annotation the name that it is close to, and remove the value that it then fills."""
    if path[-3:-1] != _NOTES:
        return None
    holder, name, notes = path[:-3], str(path[-1]), _at(content, path[:-1])
    right = near(name)
    if not right or right in notes or not isinstance(notes[name], str) or not _is_slip(name, right):
        return None
    if annotations.asks_for_variables(right) and _is_secret(_at(content, holder)):
        return None
    edits: list[Edit] = [Put((*path[:-1], right), notes[name]), Remove(path)]
    if right.startswith(annotations.DATA_PREFIX):
        key = right.removeprefix(annotations.DATA_PREFIX)
        whole = _at(content, holder)
        edits += (Remove((*holder, part, key), prune=True) for part in _PARTS if key in _map(whole, part))
    return edits, f"the annotation {named(name)} is {named(right)} now"


def _beside(_content: Any, path: Path) -> Edited | None:
    """Remove the value of a key that an annotation fills."""
    if len(path) < len(_PARTS) or path[-2] not in _PARTS:
        return None
    return [Remove(path, prune=True)], f"{path[-2]}.{named(str(path[-1]))} is removed; the annotation fills it"


def _is_slip(name: str, right: str) -> bool:
    """Whether a name is so close to the right one that nobody can have meant another."""
    return difflib.SequenceMatcher(None, name, right).ratio() >= _CLOSE


def _decoded(text: Any) -> str | None:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError, TypeError):
        return None


def _is_secret(content: Any) -> bool:
    return isinstance(content, dict) and (content.get("apiVersion"), content.get("kind")) == ("v1", "Secret")


def _map(content: Any, *keys: str) -> Mapping[str, Any]:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}


_BY_RULE: Final[Mapping[str, Callable[[Any, Path], Edited | None]]] = {
    "KH201": _drifts,
    "KH202": _taken_by_flux,
    "KH205": _misspelt,
    "KH206": _beside,
}
FIXABLE: Final = frozenset(_BY_RULE)
"""The rules whose findings can be put right."""
