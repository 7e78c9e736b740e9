"""References in place: `env[].value` of a container that is a reference or contains some.

The webhook turns each into an annotation of the template and lists it in the marker. From then on the entry in `env`
decides: if it changes, so does the annotation, and if it goes, so does the annotation.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from manifests import annotations
from manifests.fields.problem import Problem
from manifests.fields.texts import what_it_is
from manifests.variables import names
from manifests.variables.containers import Container, is_from_ours
from manifests.variables.wanted import annotation_of
from resolver.references.characters import named
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import Template, has_reference, parse_value

_UNITS_AN_ENTRY: Final = 500
_UNITS_A_REFERENCE: Final = 20_000
# `$(NAME)` stands for another variable, but only in a value that stands in the template.
_EXPANDED: Final = re.compile(r"\$\([^()=]+\)")
_HINT: Final = f"if it is not a reference, say so with the annotation {annotations.IGNORE} of the template"


@dataclass(slots=True)
class InPlace:
    """What became of the references in place: the annotations they turn into, by name, and those that go.

    `addresses` has the variables, as CONTAINER/NAME, for the marker.
    """

    addresses: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Before:
    """How it was: the variables that the markers list as written in place, and the annotations of the old template.

    `notes` is None if the object is new.
    """

    listed: frozenset[str]
    notes: Mapping[str, str] | None = field(repr=False)


def convert(
    containers: Mapping[str, Container], notes: Mapping[str, str], before: Before, pay: Callable[[int], None]
) -> InPlace:
    """Look for references in the containers' variables. `notes` are the template's annotations as they were sent."""
    search = _Search(notes, before)
    ignored = annotations.ignored(notes)
    entries = {container.name: container.by_name() for container in containers.values()}
    for container, of_this in entries.items():
        pay(_UNITS_AN_ENTRY * len(of_this))
        for name, entry in of_this.items():
            value = entry.get("value")
            if not isinstance(value, str) or not has_reference(value):
                continue
            if name in ignored or f"{container}/{name}" in ignored:
                continue
            pay(_UNITS_A_REFERENCE)
            search.add(container, name, value)
    pay(_UNITS_AN_ENTRY * len(before.listed))
    for address in sorted(before.listed - search.found.addresses):
        search.keep_or_drop(address, entries)
    return search.found


def expanded(template: Template) -> str | None:
    """Return what Kubernetes would expand in a text if it stood in `env[].value`, `$(NAME)`; None if nothing."""
    pieces = (piece for piece in template.pieces() if isinstance(piece, str))
    return next((match.group() for piece in pieces if (match := _EXPANDED.search(piece))), None)


@dataclass(frozen=True, slots=True)
class _Search:
    notes: Mapping[str, str]
    before: Before
    found: InPlace = field(default_factory=InPlace)

    def add(self, container: str, name: str, value: str) -> None:
        """Turn a value with a reference into an annotation, or say why not."""
        address = f"{container}/{name}"
        note = annotation_of(container, name) if names.is_variable_name(name) else None
        problem = _not_convertible(address, note, value)
        if problem or note is None:
            self.found.problems.append(Problem(_origin(container, name), problem))
        elif note in self.notes and self.notes[note] != value and address not in self.before.listed:
            message = f"has a reference of its own, and annotation {note} fills it"
            if self.before.notes is None:
                self.found.problems.append(Problem(_origin(container, name), f"{message}; remove one of the two"))
        else:
            self.found.addresses.add(address)
            self.found.texts[note] = value

    def keep_or_drop(self, address: str, entries: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
        """Decide about a variable that was written in place before and has no reference there now."""
        container, _, name = address.partition("/")
        note = annotation_of(container, name)
        if note is None or note not in self.notes:
            return
        entry = entries.get(container, {}).get(name)
        if entry is not None and is_from_ours(entry):
            self.found.addresses.add(address)
        elif entry is not None:
            self.found.gone.add(note)
        elif self.before.notes is not None and self.before.notes.get(note) == self.notes[note]:
            self.found.gone.add(note)
            if container in entries:
                self.found.warnings.append(
                    f"{_origin(container, name)} is gone, and so is annotation {note}, which was made of it;"
                    " if you wrote that annotation instead, apply it once more"
                )
        # Otherwise the object is new, or the annotation has another text: somebody wrote it.


def _not_convertible(address: str, note: str | None, value: str) -> str:
    """Return why a value cannot become an annotation; empty if it can."""
    if note is None:
        return f"has a reference, and no annotation can be named after it; write it in {annotations.ENV}"
    try:
        template = parse_value(value)
    except ReferenceSyntaxError as error:
        return f"{what_it_is(error)} ({_HINT}: {address})"
    if (other := expanded(template)) is None:
        return ""
    return (
        f"has a reference beside {named(other)}, which Kubernetes expands only in a value that has none;"
        " use a variable for the reference alone"
    )


def _origin(container: str, name: str) -> str:
    return f"container {named(container)}, variable {named(name)}"
