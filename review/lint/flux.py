"""Flux in the tree: which files a Kustomization with `postBuild` reaches, and which texts it would take for its own.

Sources: Flux's documentation of the Kustomization (`path`, "Generate kustomization.yaml", "Post build variable
substitution"); kustomize's of its own file.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Any, Final

from review.lint.objects import Manifest, is_kustomization
from review.lint.uses import Spot
from review.sources.kustomization import brought_in
from review.sources.walk import texts

_GROUP: Final = "kustomize.toolkit.fluxcd.io"
_SWITCH: Final = f"{_GROUP}/substitute"
_DISABLED: Final = "disabled"
OPENER: Final = "${vault"
"""What a document has that has something for `Flux.look`."""
# With another $ in front Flux leaves it, without that one.
_TAKEN: Final = re.compile(r"(?<!\$)\$\{vault[:+]")


@dataclass(frozen=True, slots=True)
class Substituting:
    """A Flux Kustomization that substitutes variables below `path`, in the repository or bucket that it names."""

    name: str
    file: str
    path: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A field with a `${vault:…}`, and the file that it stands in."""

    spot: Spot
    file: str


@dataclass(slots=True)
class Flux:
    """What a tree says about Flux."""

    substituting: list[Substituting] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    kustomizations: dict[str, list[str]] = field(default_factory=dict)
    """By folder, what the kustomization in it brings in, as it is written there."""

    def see(self, manifest: Manifest) -> None:
        """Take note of what an object says about Flux and kustomize."""
        name, file = manifest.name, manifest.document.file
        if name.group == _GROUP and name.kind == "Kustomization":
            build = manifest.part("spec", "postBuild")
            if build.get("substitute") or build.get("substituteFrom"):
                path = manifest.part("spec").get("path")
                self.substituting.append(Substituting(str(name), file, path if isinstance(path, str) else "."))
        elif is_kustomization(manifest):
            self.kustomizations.setdefault(_folder(file), []).extend(brought_in(manifest.content))

    def look(self, manifest: Manifest) -> None:
        """Take note of the texts of an object that Flux would take; for documents with `OPENER` in them."""
        if not _is_left_alone(manifest):
            file = manifest.document.file
            self.taken += (
                Taken(manifest.spot(path), file) for path, text in texts(manifest.content) if _is_taken(text)
            )


def reached(flux: Flux, begin: str, files: Mapping[str, str]) -> frozenset[str]:
    """Return which of the files Flux builds for a path.

    `files` gives for each file its name in the repository, as `begin` and the folders of `flux` have to be too.
    """
    found: set[str] = set()
    seen: set[str] = set()
    waiting = [normpath(begin.lstrip("/") or ".")]
    while waiting:
        at = waiting.pop()
        if at in seen:
            continue
        seen.add(at)
        found.update(file for file, name in files.items() if name == at)
        if at in flux.kustomizations:
            waiting += (normpath(f"{at}/{entry}") for entry in flux.kustomizations[at])
            continue
        # Flux makes a kustomization of all that is below, in which a folder with one of its own is one entry.
        below = [folder for folder in flux.kustomizations if _is_below(folder, at)]
        waiting += below
        found.update(
            file
            for file, name in files.items()
            if _is_below(name, at) and not any(_is_below(name, folder) for folder in below)
        )
    return frozenset(found)


def _is_below(name: str, folder: str) -> bool:
    return folder == "." or PurePosixPath(folder) in PurePosixPath(name).parents


def _folder(file: str) -> str:
    return normpath(file.rpartition("/")[0] or ".")


def _is_left_alone(manifest: Manifest) -> bool:
    parts: Sequence[Mapping[str, Any]] = [manifest.part("metadata", part) for part in ("annotations", "labels")]
    return any(part.get(_SWITCH) == _DISABLED for part in parts)


def _is_taken(text: str) -> bool:
    return OPENER in text and _TAKEN.search(text) is not None
