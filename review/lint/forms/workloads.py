"""Variables of workloads, read with what admission itself makes of a pod template."""

from collections.abc import Iterator, Mapping
from typing import Final

import jsonpointer

from manifests import annotations
from manifests.fields.problem import Problem
from manifests.fields.scan import Form
from manifests.variables.asked import AskedFor
from manifests.variables.prepare import prepare
from manifests.variables.templates import BY_GROUP_AND_KIND
from resolver.references.characters import named as as_admission_names
from review.findings.finding import Finding
from review.findings.rule import Rule
from review.lint.catalogue import BESIDE, COPIED, NOT_FILLED, WARNED
from review.lint.forms import notes
from review.lint.forms.seen import NOTES, Seen, about, rule_of, said
from review.lint.forms.templates import Template, templates
from review.lint.objects import Manifest, named
from review.sources.nodes import Path
from review.sources.text import Place

_ANNOTATION: Final = "annotation "
# These admission says of names and of fields, which `notes` and the search elsewhere tell with their places.
_TOLD_ELSEWHERE: Final = ("means nothing to Keyhole", "it has no effect")
_TWICE: Final = ("has a value of its own", "has a reference of its own")


def workloads(manifest: Manifest, seen: Seen) -> list[Template]:
    """Add what is wrong with the variables of an object's pod templates, and their references; return the templates."""
    found = list(templates(manifest))
    name = manifest.part("metadata").get("name")
    for template in found:
        if template.notes == (*template.path, *NOTES):
            seen.findings += notes.wrong_types(manifest, template.path)
            seen.findings += notes.names(manifest, template.path)
        _template(manifest, template, str(name or ""), seen)
    seen.findings += _on_the_workload(manifest)
    return found


def _template(manifest: Manifest, template: Template, name: str, seen: Seen) -> None:
    for path in template.copied:
        message = "the variable comes from a Secret that Keyhole makes, and was copied from a cluster"
        seen.tell(manifest, COPIED, path, message)
    prepared = prepare(template.workload, name, template.manifest)
    named_by = _names(template) if prepared.problems or prepared.warnings else {}
    for problem in prepared.problems:
        path, place = _where(manifest, template, problem.origin, named_by)
        seen.findings.append(manifest.finding(_rule(problem), path, about(problem), place=place))
    for warning in prepared.warnings:
        if not warning.endswith(_TOLD_ELSEWHERE):
            path, _ = _where(manifest, template, warning.partition(": ")[0], named_by)
            seen.tell(manifest, WARNED, path, said(warning))
    made = prepared.made
    secrets = tuple(filter(None, (made.secret, made.whole))) if made is not None else ()
    for asked in prepared.variables:
        _use(manifest, template, asked, secrets, seen)


def _use(manifest: Manifest, template: Template, asked: AskedFor, secrets: tuple[str, ...], seen: Seen) -> None:
    form = asked.field.form if asked.field.key else Form.FROM
    references = asked.field.template.references
    if form is Form.IN_PLACE:
        path, place = _in_place(template, asked), None
    else:
        path, place = _where(manifest, template, asked.field.origin, {})
    drifts = form is Form.IN_PLACE
    fills = asked.field.pointer if asked.field.key else ""
    seen.uses += manifest.uses(
        path, form, references, place=place, is_variable=True, drifts=drifts, fills=fills, secrets=secrets
    )


def _in_place(template: Template, asked: AskedFor) -> Path:
    """Return the path of the value that admission makes an annotation of."""
    note = jsonpointer.unescape(asked.pointer.rpartition("/")[2])
    domain, _, variable = note.partition("/")
    container = f"{domain}/".removesuffix(annotations.ENV_DOMAIN).removesuffix(".")
    return (*template.variables.get((container, variable), template.path), "value")


def _names(template: Template) -> dict[str, Path]:
    """Return where containers and variables stand, by the words with which admission names them."""
    found = {f"container {as_admission_names(name)}": path for name, path in template.containers.items()}
    for (container, variable), path in template.variables.items():
        origin = f"container {as_admission_names(container)}, variable {as_admission_names(variable)}"
        found[origin] = (*path, "value")
    return found


def _where(
    manifest: Manifest, template: Template, origin: str, named_by: Mapping[str, Path]
) -> tuple[Path, Place | None]:
    if origin.startswith(_ANNOTATION):
        name, _, one = origin.removeprefix(_ANNOTATION).partition(", ")
        path: Path = (*template.notes, name)
        line = notes.place_in(manifest, path, one)
        return path, None if line is None else manifest.place(path, line)
    return named_by.get(origin) or named_by.get(origin.partition(", ")[0]) or template.path, None


def _rule(problem: Problem) -> Rule:
    return BESIDE if problem.message.startswith(_TWICE) else rule_of(problem)


def _on_the_workload(manifest: Manifest) -> Iterator[Finding]:
    """Yield variables that the workload's own annotations ask for: only those of its template count."""
    workload = BY_GROUP_AND_KIND.get((manifest.name_inside.group, manifest.name_inside.kind))
    if workload is None or workload.is_bare:
        return
    yield from notes.wrong_types(manifest, ())
    yield from notes.names(manifest)
    at = ".".join((*workload.pointer.split("/")[1:], *NOTES))
    for name in filter(annotations.asks_for_variables, manifest.part(*NOTES)):
        message = f"annotation {named(name)} counts in the pod template only: write it at {at}"
        yield manifest.finding(NOT_FILLED, (*NOTES, name), message)
