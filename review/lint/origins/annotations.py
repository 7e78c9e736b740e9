"""What kustomize writes into an object about its origin, with `buildMetadata: [originAnnotations]`.

Source: kustomize's documentation, *Build Metadata*. Local paths are relative to the folder that was built.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from review.lint.objects import Manifest
from review.sources.text import Place

NAME: Final = "config.kubernetes.io/origin"
_TRANSFORMATIONS: Final = "alpha.config.kubernetes.io/transformations"
_NOTES: Final = ("metadata", "annotations")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an object is from. All paths are as kustomize writes them.

    `path` is the file that has the object, `generated_in` the kustomization that generates it; one of the two is empty.
    `patched_in` has the kustomizations whose patches changed it, the last one first. `kind` and `name` are as built.
    `place` is where the object begins in what was built.
    """

    path: str
    generated_in: str
    patched_in: Sequence[str]
    kind: str
    name: str
    place: Place


def origin_of(manifest: Manifest) -> Origin | None:
    """Return where an object is from; None if it does not say so, or is of another repository."""
    notes = manifest.part(*_NOTES)
    said = notes.get(NAME)
    if not isinstance(said, str):
        return None
    members = dict(re.findall(r"^(\w+):[ \t]*(\S.*?)[ \t]*$", said, re.MULTILINE))
    if "repo" in members or not ({"path", "configuredIn"} & members.keys()):
        return None
    found = notes.get(_TRANSFORMATIONS)
    steps = re.findall(
        r"configuredIn: *(\S+)\s+configuredBy:(?:\n +.*)*?\n +kind: *(\w+)", found if isinstance(found, str) else ""
    )
    patched = [file for file, kind in reversed(steps) if kind.startswith("Patch")]
    name = manifest.part("metadata").get("name")
    return Origin(
        members.get("path", ""),
        "" if "path" in members else members["configuredIn"],
        patched,
        manifest.name.kind,
        name if isinstance(name, str) else "",
        manifest.place(()),
    )
