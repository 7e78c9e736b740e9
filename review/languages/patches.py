"""Patches in a kustomization that are about objects of a kind which is there no longer after a migration.

Source: kustomize's reference of `patches`, `patchesJson6902` and `patchesStrategicMerge`.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from review.languages.foreign import Told
from review.lint.objects import Manifest

_PARTS: Final = ("patches", "patchesJson6902", "patchesStrategicMerge")


def patches(manifest: Manifest, kind: str) -> Iterator[Told]:
    """Yield the patches of a kustomization that change objects of a kind: kustomize would look for them in vain."""
    for part in _PARTS:
        entries = manifest.content.get(part)
        for number, entry in enumerate(entries if isinstance(entries, list) else []):
            if _is_about(entry, kind):
                told = f"patches an {kind}, which becomes a Secret; write the patch anew, for its annotations"
                yield Told((part, number), told.replace("an V", "a V"))


def _is_about(entry: Any, kind: str) -> bool:
    target, text = (entry.get("target"), entry.get("patch")) if isinstance(entry, dict) else (None, entry)
    if isinstance(target, dict) and target.get("kind") == kind:
        return True
    return (
        isinstance(text, str)
        and re.search(rf"^[ \t-]*[\"']?kind[\"']?:[ \t]*[\"']?{kind}\b", text, re.MULTILINE) is not None
    )
