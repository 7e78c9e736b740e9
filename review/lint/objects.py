"""The objects of a document, and findings in them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jsonpointer

from resolver.references.characters import visible
from review.findings.finding import Finding, ObjectName
from review.findings.rule import Rule
from review.lint.tokens import shown
from review.lint.uses import Spot, Use
from review.sources import kustomization
from review.sources.nodes import Path
from review.sources.stream import Document
from review.sources.text import Place

if TYPE_CHECKING:
    from manifests.fields.scan import Form
    from resolver.references.reference import Reference

# The longest key of a Secret, or name of an annotation within its domain.
_LONGEST_NAME = 253


@dataclass(frozen=True, slots=True)
class Manifest:
    """An object of Kubernetes, or whatever else a document is.

    `path` is where it stands in the document. `content` is what stands at `within` in it: all, or an inner object, and
    `inner` is that one's own name. `text` is the path of the text in the object that holds this document, if one does:
    pointers begin with it.
    """

    document: Document
    path: Path
    content: Any = field(repr=False)
    name: ObjectName
    within: Path = ()
    inner: ObjectName | None = None
    text: Path = ()

    @property
    def is_object(self) -> bool:
        """Whether it says of which kind it is."""
        return bool(self.name.kind)

    @property
    def name_inside(self) -> ObjectName:
        """The name of the object that `content` is: the inner one, or the whole."""
        return self.inner or self.name

    @property
    def is_object_inside(self) -> bool:
        """Whether `content` says of which kind it is."""
        return bool(self.name_inside.kind)

    def part(self, *keys: str | int) -> Mapping[str, Any]:
        """Return the map behind some keys; an empty one if there is none."""
        found = self.content
        for key in keys:
            if isinstance(key, int):
                found = found[key] if isinstance(found, list) and key < len(found) else None
            else:
                found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def member(self, key: str) -> Any:
        """Return a member of the object; None if it has no such, or is no map."""
        return self.content.get(key) if isinstance(self.content, dict) else None

    @property
    def root(self) -> Path:
        """Where pointers of this object begin: through the objects and texts around it."""
        return (*self.text, *self.within)

    def place(self, path: Path, line: int | None = None) -> Place:
        """Return where something stands; of a text of several lines the one with this number, counted from 0."""
        whole = (*self.path, *self.within, *path)
        return self.document.place(whole) if line is None else self.document.line_in(whole, line)

    def finding(self, rule: Rule, path: Path, message: str, *, place: Place | None = None) -> Finding:
        """Return a finding at a path in this object."""
        return self.spot(path, place=place).finding(rule, message)

    def spot(self, path: Path, *, place: Place | None = None) -> Spot:
        """Return where a field of this object stands."""
        return Spot(self.name, place or self.place(path), pointer((*self.root, *path)))

    def uses(
        self,
        path: Path,
        form: "Form",
        references: Iterable["Reference"],
        *,
        place: Place | None = None,
        is_variable: bool = False,
        drifts: bool = False,
        fills: str = "",
        secrets: tuple[str, ...] = (),
    ) -> Sequence[Use]:
        """Return the uses of a field of this object, each reference once."""
        spot = self.spot(path, place=place)
        found = dict.fromkeys(references)
        name = self.name_inside
        return [Use(spot, form, reference, name, is_variable, drifts, fills, secrets) for reference in found]


def pointer(path: Sequence[str | int]) -> str:
    """Return a path as a JSON Pointer (RFC 6901), without anything invisible, long or secret in it."""
    return "".join(f"/{jsonpointer.escape(named(str(part)))}" for part in path)


@lru_cache(maxsize=4096)
def named(text: str) -> str:
    """Return a name that somebody chose as it can be shown: on one line, bounded, and no secret by its form."""
    return visible(shown(text), _LONGEST_NAME)


def manifests(document: Document) -> Iterator[Manifest]:
    """Yield a document, or the items of the lists in it (`kubectl get -o yaml` writes such lists)."""
    waiting: list[tuple[Path, Any, Mapping[str, str]]] = [((), document.content, {})]
    while waiting:
        path, content, unsaid = waiting.pop()
        kind = _text(content, "kind", unsaid)
        items = content.get("items") if isinstance(content, dict) and kind.endswith("List") else None
        if not isinstance(items, list):
            yield Manifest(document, path, content, _name(content, kind, unsaid))
            continue
        # In a list of one kind, as the API server sends it, the items do not have a kind.
        inner = {"apiVersion": _text(content, "apiVersion", unsaid) or "v1", "kind": kind.removesuffix("List")}
        waiting.extend(((*path, "items", number), item, inner) for number, item in reversed(list(enumerate(items))))


def is_kustomization(manifest: Manifest) -> bool:
    """Whether this is a kustomization. In its own file it need not say so."""
    content = manifest.content
    return isinstance(content, dict) and kustomization.is_kustomization(manifest.document.file, content)


def _name(content: Any, kind: str, unsaid: Mapping[str, str]) -> ObjectName:
    if not isinstance(content, dict):
        return ObjectName()
    version = _text(content, "apiVersion", unsaid)
    if not kind or not version:
        return ObjectName()
    metadata = content.get("metadata")
    names = [_text(metadata, part, {}) for part in ("namespace", "name")]
    group = version.rpartition("/")[0]
    return ObjectName(*(named(part) if part else "" for part in (group, kind, *names)))


def _text(content: Any, key: str, unsaid: Mapping[str, str]) -> str:
    found = content.get(key) if isinstance(content, dict) else None
    return found if isinstance(found, str) else unsaid.get(key, "")
