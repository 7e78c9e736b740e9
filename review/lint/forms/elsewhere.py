"""References where Keyhole fills nothing, and those in what others make objects of."""

from collections.abc import Collection, Iterator
from typing import Any, Final

from manifests import annotations
from manifests.fields import fields_map
from manifests.fields.scan import Form
from manifests.fields.whole import paths as whole_paths
from manifests.variables.templates import BY_GROUP_AND_KIND
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import Reference, parse_value
from review.lint.forms.seen import NOTES
from review.lint.objects import Manifest
from review.lint.uses import Use
from review.sources.nodes import Path
from review.sources.walk import texts

PASSED_ON: Final = frozenset(
    {
        *("HelmRelease", "Application", "ApplicationSet", "Kustomization", "Component", "HelmChartInflationGenerator"),
        *("HelmChart", "HelmChartConfig", "Template", "ClusterPolicy", "Policy", "Composition", "Object"),
        *("ResourceSet", "Bundle", "ManifestWork", "Package", "App"),
    }
)
"""Kinds of which others make objects, so that a reference arrives where it belongs."""
_MAPS: Final = frozenset({annotations.FIELDS, annotations.ENV})
_LISTS: Final = frozenset({annotations.FROM, annotations.ENV_FROM})


def left(manifest: Manifest, without: Collection[Path]) -> Iterator[Path]:
    """Yield the paths of references, and of annotations that fill fields, in an object that Keyhole fills nothing in.

    Variables are left out: whatever becomes a container is filled.
    """
    for path, text in texts(manifest.content, without):
        if is_filling_annotation(path) or (
            "vault" in text and not _is_variable(path) and path[-2:-1] != ("annotations",) and references_in(text)
        ):
            yield path


def passed_on(content: Any, without: Collection[Path]) -> Iterator[tuple[Path, Form, tuple[Reference, ...]]]:
    """Yield the references that others take from here into objects of their own."""
    for path, text in texts(content, without):
        name = str(path[-1]) if path else ""
        if name in _MAPS or name in _LISTS or annotations.is_environment(name):
            found = _annotation(name, text)
            form = Form.FROM if name in _LISTS else Form.ANNOTATION
        else:
            found = references_in(text) if "vault" in text else ()
            form = Form.ANNOTATION if name.startswith(annotations.DATA_PREFIX) else Form.IN_PLACE
        if found:
            yield path, form, found


def _annotation(name: str, text: str) -> tuple[Reference, ...]:
    try:
        if name in _LISTS:
            return tuple(path.reference("") for path in whole_paths(text))
        inner = fields_map.parse(text).values() if name in _MAPS else [text]
    except (ReferenceSyntaxError, fields_map.FieldsMapError):
        return ()
    return tuple(reference for each in inner for reference in references_in(each))


def is_passed_on(use: Use) -> bool:
    """Whether others make an object of the one that refers, and that one is filled, under a name that no file says."""
    name = use.wanted_by
    if use.is_variable:
        return (name.group, name.kind) not in BY_GROUP_AND_KIND
    return not use.fills and (not name.kind or name.kind in PASSED_ON)


def is_filling_annotation(path: Path) -> bool:
    """Whether a path leads to an annotation that fills a field; those of variables are for workloads."""
    if len(path) < len(NOTES) or path[-2] != NOTES[-1]:
        return False
    name = str(path[-1])
    return name in {annotations.FIELDS, annotations.FROM} or name.startswith(annotations.DATA_PREFIX)


def _is_variable(path: Path) -> bool:
    return path[-1:] == ("value",) and "env" in path


def references_in(text: str) -> tuple[Reference, ...]:
    """Return the references in a text; none if it merely begins like one, such as the container image vault:1.21."""
    try:
        return parse_value(text).references
    except ReferenceSyntaxError:
        return ()
