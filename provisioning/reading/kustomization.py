"""Kustomizations: what they generate, of which files, and what of the rest may hold references."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from manifests.annotations import DOMAIN
from provisioning.reading.documents import Document, looks_like_reference
from resolver.references.characters import named
from review.sources.kustomization import GENERATORS, OPTIONS, Generated, generated, is_kustomization


def generated_by(document: Document) -> Sequence[Generated] | None:
    """Return what a kustomization generates; None if the document is none."""
    content = document.content
    if not isinstance(content, dict) or not is_kustomization(document.source, content):
        return None
    return list(generated(content, document.look))


def files_of(source: str, objects: Sequence[Generated]) -> Iterator[str]:
    """Yield the files that the objects of the kustomization in `source` were made of, as `file_name` writes them."""
    for each in objects:
        for taken in each.taken:
            if taken.file and not taken.left_out:
                yield file_name(os.path.join(os.path.dirname(source), taken.file))  # noqa: PTH118, PTH120


def file_name(source: str) -> str:
    """Return one name for one file, however it is written."""
    return os.path.normpath(source)


def left_out(objects: Sequence[Generated]) -> Iterator[str]:
    """Yield what could not be read of files that may have references, with its place and the reason."""
    for each in objects:
        notes = each.manifest["metadata"]["annotations"]
        if each.kind == "Secret" or any(DOMAIN in str(name) for name in notes):
            for taken in each.taken:
                if taken.left_out:
                    reason = taken.left_out.removeprefix("it ")
                    yield f"{pointer(taken.path)}, {named(taken.file)}: passed over, {reason}"


def pointer(path: Sequence[str | int]) -> str:
    """Return a path in a kustomization as a JSON Pointer (RFC 6901). Its own keys need no escapes."""
    return "".join(f"/{part}" for part in path)


def others_with_references(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parts of a kustomization, other than generators, that contain something like a reference."""
    for part, value in content.items():
        if part in GENERATORS or part == OPTIONS:
            continue
        if any(looks_like_reference(text.encode(errors="replace")) for text in _texts(value)):
            yield f"/{part}"


def _texts(value: Any) -> Iterator[str]:
    stack = [value]
    while stack:
        match stack.pop():
            case str() as text:
                yield text
            case dict() as members:
                stack.extend(members.values())
            case list() as items:
                stack.extend(items)
