"""Patches in files of their own: only the kustomization that names one says for which kind of object it is."""

import posixpath
from collections.abc import Iterator
from typing import Any, Final

from review.findings.finding import ObjectName
from review.lint.inner.objects import namespace_for
from review.lint.inner.patches import assembled, is_json_patch, target_kind
from review.lint.objects import Manifest, named
from review.sources.kustomization import Look
from review.sources.stream import Document, read
from review.sources.text import NotChecked

_PATCHES: Final = ("patches", "patchesJson6902")
_KIND: Final = "Secret"


def patches_of_secrets(kustomization: Manifest, look: Look) -> Iterator[Manifest | NotChecked]:
    """Yield the patches of Secrets whose files do not say so themselves, and the files that cannot be looked at."""
    for part in _PATCHES:
        entries = kustomization.member(part)
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            target, path = (entry.get("target"), entry.get("path")) if isinstance(entry, dict) else (None, None)
            if isinstance(target, dict) and target_kind(target) == _KIND and isinstance(path, str):
                content = look(path)
                if isinstance(content, NotChecked):
                    place = kustomization.place((part, number, "path"))
                    yield NotChecked(place, f"the patch {named(path)}: {content.reason}")
                else:
                    yield from _of_file(kustomization, path, content, target)


def _of_file(kustomization: Manifest, path: str, content: bytes, target: dict[str, Any]) -> Iterator[Manifest]:
    name = posixpath.normpath(posixpath.join(posixpath.dirname(kustomization.document.file), path))
    namespace, called = namespace_for(kustomization), target.get("name")
    whole = ObjectName("", _KIND, namespace, named(called) if isinstance(called, str) and called else "")
    for document in read(content, name):
        if not isinstance(document, Document):
            continue  # told when the file itself was read
        if is_json_patch(document.content):
            one = assembled(document, whole, target, namespace=namespace)
            if "stringData" not in one.content:
                yield one
        elif isinstance(document.content, dict) and document.content.get("kind") != _KIND:
            yield Manifest(document, (), document.content, whole, inner=whole)
