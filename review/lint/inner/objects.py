"""Objects in the maps of others, such as the extra objects of a chart's values or what a template makes."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from review.findings.finding import ObjectName
from review.lint.objects import Manifest, named
from review.sources.nodes import Path

# What only names an object, as an owner or a target of scaling does, has none of these.
_BODIES: Final = ("metadata", "spec", "data", "stringData")
_NAMESPACES: Final[Mapping[str, tuple[str, ...]]] = {
    "HelmRelease": ("spec", "targetNamespace"),
    "HelmChart": ("spec", "targetNamespace"),
    "Kustomization": ("spec", "targetNamespace"),
    "Application": ("spec", "destination", "namespace"),
}


def within(manifest: Manifest) -> Iterator[Manifest]:
    """Yield the objects that stand in an object, but none that stands in one of those."""
    waiting: list[tuple[Path, Any]] = [((), manifest.content)]
    seen: set[int] = set()
    while waiting:
        path, value = waiting.pop()
        if not isinstance(value, dict | list) or id(value) in seen:
            continue
        seen.add(id(value))
        if path and isinstance(value, dict) and _is_object(value):
            inner = _name(value, namespace_for(manifest))
            yield replace(manifest, content=value, within=(*manifest.within, *path), inner=inner)
            continue
        members = value.items() if isinstance(value, dict) else enumerate(value)
        waiting += reversed([((*path, name), member) for name, member in members])


def namespace_for(manifest: Manifest) -> str:
    """Return the namespace that an object's inner ones get if they name none; empty if no file says it."""
    *holders, name = _NAMESPACES.get(manifest.name_inside.kind, ("metadata", "namespace"))
    said = manifest.part(*holders).get(name)
    # The last is a kustomization's.
    said = said or manifest.part("metadata").get("namespace") or manifest.member("namespace")
    return named(said) if isinstance(said, str) and said else manifest.name_inside.namespace


def _is_object(value: Mapping[str, Any]) -> bool:
    version, kind = value.get("apiVersion"), value.get("kind")
    return (
        isinstance(version, str) and isinstance(kind, str) and any(isinstance(value.get(one), dict) for one in _BODIES)
    )


def _name(value: Mapping[str, Any], namespace: str) -> ObjectName:
    metadata = value.get("metadata")
    said = [metadata.get(part) if isinstance(metadata, dict) else None for part in ("namespace", "name")]
    texts = [named(each) if isinstance(each, str) and each else "" for each in said]
    return ObjectName(named_group(value["apiVersion"]), named(value["kind"]), texts[0] or namespace, texts[1])


def named_group(version: str) -> str:
    """Return the group of an `apiVersion`, as it can be shown."""
    group = version.rpartition("/")[0]
    return named(group) if group else ""
