"""Texts of YAML in the fields of an object: manifests in ConfigMaps, values of charts, patches of kustomizations."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any, Final

from review.findings.finding import ObjectName
from review.lint.inner.objects import named_group, namespace_for
from review.lint.inner.patches import assembled, is_json_patch, target_kind
from review.lint.objects import Manifest, manifests
from review.sources.inner import documents_in
from review.sources.nodes import Path
from review.sources.text import NotChecked
from review.sources.walk import texts

_DEEPEST: Final = 3
_SHORTEST: Final = 16
_OBJECT: Final = re.compile(r"""["']?kind["']?[ \t]*:[ \t]*["']?[A-Z]""")
_SECRET: Final = re.compile(r"""["']?kind["']?[ \t]*:[ \t]*["']?Secret\b""")
_PATCH: Final = re.compile(r"""["']?(?:op|kind)["']?[ \t]*:""")
# Comments and directives, then a key, an item, a marker, or JSON.
_BEGINNING: Final = re.compile(
    r"""(?:[ \t]*(?:\#.*|%.*)?\r?\n)*+[ \t]*(?:---|[\[{]|-[ \t]|["']?[\w./-]+["']?[ \t]*:(?:\s|$))"""
)
_PARTS: Final = (("data",), ("stringData",))
_VALUES: Final = frozenset({"values", "valuesContent", "values.yaml", "values.yml"})
"""Fields that hold the values of a chart as text, in Argo CD's, k3s' and Flux' objects."""
_REFERENCES: Final = ("vault", "keyhole.dev")
_IN_IT: Final = "in a text of its own: "


def looked_into(manifest: Manifest) -> tuple[list[tuple[Manifest, Collection[Path]]], list[NotChecked]]:
    """Return an object and what the texts in it hold, and what cannot be read of those.

    Beside each are the paths of the texts that it has itself, through everything around them. What a patch adds stands
    for the patch itself.
    """
    if not manifest.is_object and is_json_patch(manifest.content):
        # A file of its own, which a kustomization names.
        return [(assembled(manifest.document, manifest.name, {}), set())], []
    search = _Search()
    search.look_into(manifest, 0)
    return search.found, search.unread


@dataclass(slots=True)
class _Search:
    found: list[tuple[Manifest, Collection[Path]]] = field(default_factory=list)
    unread: list[NotChecked] = field(default_factory=list)

    def look_into(self, manifest: Manifest, depth: int) -> None:
        own: set[Path] = set()
        self.found.append((manifest, own))
        is_secret = manifest.name_inside.kind == "Secret"
        for path, text in texts(manifest.content) if depth < _DEEPEST else ():
            # A Secret's own texts are its values; in an annotation `kubectl apply` keeps all of them once more.
            if (
                not (is_secret and path[:1] in _PARTS)
                and _is_read(path, text)
                and self._read(manifest, path, text, depth)
            ):
                own.add((*manifest.root, *path))

    def _read(self, manifest: Manifest, path: Path, text: str, depth: int) -> bool:
        """Read a text; return whether it holds something."""
        at = (*manifest.root, *path)
        count = len(self.found)
        target = manifest.part(*path[:-1], "target") if path[-1:] == ("patch",) else {}
        for document in documents_in(manifest.document, (*manifest.path, *manifest.within, *path), text):
            if isinstance(document, NotChecked):
                # Most texts that are no YAML are nothing of ours; one with a Secret in it is.
                if _SECRET.search(text):
                    self.unread.append(NotChecked(document.place, f"{_IN_IT}{document.reason}"))
            elif is_json_patch(document.content):
                namespace = namespace_for(manifest)
                self.found.append((assembled(document, manifest.name, target, text=at, namespace=namespace), set()))
            else:
                for one in manifests(document):
                    inner = replace(_named(manifest, one, target), text=at)
                    if inner.is_object_inside or (path and path[-1] in _VALUES):
                        self.look_into(inner, depth + 1)
        return len(self.found) > count


def _named(outer: Manifest, one: Manifest, target: Any) -> Manifest:
    """Return an inner object with the outer one's name for the report, and its own for what is filled."""
    own, namespace = one.name, namespace_for(outer)
    if own.kind and not own.namespace:
        own = replace(own, namespace=namespace)
    kind, version = target_kind(target), one.member("apiVersion")
    if own.kind and kind and own.kind != kind:
        # With a target, kustomize takes no notice of what the patch itself says.
        own = ObjectName(named_group(version) if isinstance(version, str) else "", kind, own.namespace, own.name)
    if not own.kind:
        own = ObjectName(namespace=namespace)
    return replace(one, name=outer.name, inner=own)


def _is_read(path: Path, text: str) -> bool:
    if len(text) < _SHORTEST or not ("\n" in text or text.lstrip().startswith(("{", "["))):
        return False
    if not _BEGINNING.match(text):
        return False  # a script, say, or a manual
    if _OBJECT.search(text) or (path[-1:] == ("patch",) and _PATCH.search(text)):
        return True
    return bool(path) and path[-1] in _VALUES and any(each in text for each in _REFERENCES)
