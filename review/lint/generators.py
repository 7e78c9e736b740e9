"""What a kustomization makes of values in the tree, and of references."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Final

from manifests import annotations
from review.findings.finding import Finding, ObjectName
from review.findings.rule import Rule
from review.lint.catalogue import FIXED, GENERATED
from review.lint.objects import Manifest, named, pointer
from review.lint.placeholders import is_encrypted
from review.lint.plaintext import is_harmless
from review.lint.uses import Spot
from review.sources import git
from review.sources.kustomization import GENERATORS, OPTIONS, Generated, Look, Taken, generated
from review.sources.nodes import Path
from review.sources.text import NotChecked, Place

PARTS: Final = frozenset({(OPTIONS,), *((part,) for part in GENERATORS)})
"""What of a kustomization is looked at as the objects that come of it."""
_HASHED: Final = (
    "the hash in the Secret's name is of the references: a new value in Vault changes no name, and so rolls out no "
    f"workload; set disableNameSuffixHash, and `{annotations.RESTART}` on the workload"
)


@dataclass(frozen=True, slots=True)
class Made(Manifest):
    """An object that a generator makes. What stands in it stands in the kustomization, or in a file that it names."""

    of: Generated | None = None

    def place(self, path: Path, line: int | None = None) -> Place:  # noqa: ARG002 - a text of a file has no lines here
        """Return where the generator takes something from."""
        return self.document.place((*self.path, *self._origin(path)))

    def spot(self, path: Path, *, place: Place | None = None) -> Spot:
        """Return the same, with its pointer in the kustomization."""
        return Spot(self.name, place or self.place(path), pointer(self._origin(path)))

    def finding(self, rule: Rule, path: Path, message: str, *, place: Place | None = None) -> Finding:
        """Return a finding there. Of a file that has several keys it says which one is meant."""
        of_file = len(path) > 1 and self._origin(path)[2:3] in {("envs",), ("env",)}
        told = f"{named(str(path[-1]))}: {message}" if of_file else message
        return self.spot(path, place=place).finding(rule, told)

    @property
    def may_refer(self) -> bool:
        """Whether anything in it looks as if it were Keyhole's business. A search for a few characters."""
        notes = self.part("metadata", "annotations")
        texts = [*self.part("stringData").values(), *self.part("data").values()]
        return any("keyhole.dev" in str(name) for name in notes) or any("vault" in str(text) for text in texts)

    def hashed(self) -> Iterator[Finding]:
        """Yield that the name of an object with references ends in a hash of them, if it does."""
        if self.of is not None and self.of.has_hash and self.of.behavior == "create":
            yield self.finding(FIXED, (), _HASHED)

    def _origin(self, path: Path) -> Path:
        return self.of.origin(path) if self.of is not None else path


def made(manifest: Manifest, look: Look) -> Iterator[Made]:
    """Yield what a kustomization generates, to be read as any other object."""
    for each in generated(manifest.content, look):
        metadata = each.manifest["metadata"]
        names = (named(str(metadata[part])) if metadata[part] else "" for part in ("namespace", "name"))
        inner = ObjectName("", each.kind, *names)
        yield Made(manifest.document, manifest.path, each.manifest, manifest.name, inner=inner, of=each)


def not_looked_at(one: Made) -> Iterator[NotChecked]:
    """Yield the files that a generator takes something from and that could not be read, if that matters."""
    if one.of is not None and (one.of.kind == "Secret" or one.may_refer):
        for taken in one.of.taken:
            if taken.left_out:
                place = one.document.place((*one.path, *taken.path))
                yield NotChecked(place, f"what is taken from {named(taken.file)}: {taken.left_out}")


def plaintext(one: Made, folder: FilePath | None) -> Iterator[Finding]:
    """Yield where a Secret gets values from the repository. A file that Git ignores is in no clone of it."""
    if one.of is None or one.of.kind != "Secret":
        return
    for taken in one.of.taken:
        has_values = not all(map(is_harmless, _texts(taken)))
        if has_values and not (taken.file and folder and git.ignores(folder / taken.file)):
            what = f"the file {named(taken.file)} is in the tree and holds values"
            message = what if taken.file else f"the literal {named(taken.pairs[0][0])} holds a value"
            place = one.document.place((*one.path, *taken.path))
            yield Spot(one.name, place, pointer(taken.path)).finding(GENERATED, message)


def _texts(taken: Taken) -> Iterator[str]:
    texts = [(key, value.decode("utf-8", errors="replace")) for key, value in taken.pairs]
    # SOPS encrypts a file as a whole, and leaves names and a few members readable.
    is_whole = any(key.startswith("sops_mac") and is_encrypted(f"{key}={text}") for key, text in texts)
    return (text.strip("\"'") for _, text in texts if not is_whole)
