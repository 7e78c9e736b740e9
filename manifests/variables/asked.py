"""The references that a pod template asks for, read as the admission of the generated Secret will read them."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import jsonpointer

from manifests import annotations
from manifests.fields.problem import Problem
from manifests.fields.scan import Form, WantedField, annotated_field, too_many
from manifests.fields.texts import reading_units
from manifests.fields.whole import paths as whole_paths
from manifests.kinds.secret import SECRET
from manifests.variables import wanted
from manifests.variables.in_place import expanded
from manifests.variables.templates import Workload
from resolver.references.characters import named
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import Placed, Template

_UNITS_A_VARIABLE: Final = 5_000


@dataclass(frozen=True, slots=True)
class AskedFor:
    """A variable, or whole secrets: the JSON Pointer of the annotation that has the references, and what they are."""

    pointer: str
    field: WantedField


@dataclass(frozen=True, slots=True)
class Asking:
    """The template that asks: the addresses of variables in place, its containers, and where to say what is wrong."""

    workload: Workload
    in_place: Collection[str]
    containers: Collection[str]
    pay: Callable[[int], None]
    problems: list[Problem]
    warnings: list[str]


def asked_for(one: Asking, asked: wanted.Wanted) -> Iterator[AskedFor]:
    """Yield what can be read; add the problems with the others."""
    yield from _whole(one, asked.paths)
    count = 0
    for variable in asked.variables:
        one.pay(_UNITS_A_VARIABLE + reading_units(variable.text))
        if variable.container and variable.container not in one.containers:
            message = f"the template has no container {named(variable.container)}"
            one.problems.append(Problem(variable.origin, message))
            continue
        found = annotated_field(SECRET, variable.key, variable.origin, variable.text, one.problems)
        if found is None:
            continue
        is_in_place = variable.address in one.in_place
        if not is_in_place and isinstance(found.template, Template) and (other := expanded(found.template)):
            one.warnings.append(f"{variable.origin}: Kubernetes does not expand {named(other)} beside a reference")
        count += len(found.template.references)
        form = Form.IN_PLACE if is_in_place else Form.ANNOTATION
        wanted_field = WantedField(found.codec, found.key, form, found.origin, found.template, found.text)
        yield AskedFor(_pointer_of(one, variable), wanted_field)
    one.problems.extend(too_many(count))


def _whole(one: Asking, paths: Sequence[str]) -> Iterator[AskedFor]:
    """Yield the whole secrets as one, each with a reference to all of its fields; add the problem with them."""
    if not paths:
        return
    origin, text = f"annotation {annotations.ENV_FROM}", ",".join(paths)
    try:
        placed = tuple(Placed(path.reference(""), 0, 0) for path in whole_paths(text))
    except ReferenceSyntaxError as error:
        one.problems.append(Problem(origin, error.describe(show_text=True)))
        return
    pointer = f"{one.workload.pointer}/metadata/annotations/{jsonpointer.escape(annotations.ENV_FROM)}"
    yield AskedFor(pointer, WantedField(SECRET, "", Form.ANNOTATION, origin, Template(text, placed), text))


def _pointer_of(one: Asking, variable: wanted.Variable) -> str:
    note = wanted.annotation_of(variable.container, variable.name)
    note = note if note is not None and variable.origin == f"annotation {note}" else annotations.ENV
    return f"{one.workload.pointer}/metadata/annotations/{jsonpointer.escape(note)}"
