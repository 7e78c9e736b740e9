"""Which variables the annotations of a pod template, or of a pod, ask for.

This reads names and leaves the texts to whoever fills them. Nothing here knows containers or references.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from manifests import annotations
from manifests.fields import fields_map
from manifests.fields.problem import Problem
from manifests.variables import names
from resolver.causes import Cause
from resolver.references.characters import named

MAX_VARIABLES: Final = 1000
"""The most that one template may ask for: each is at least one reference, and no Secret may have more of them."""
_EXPECTED: Final = "a map from names of variables to strings"


@dataclass(frozen=True, slots=True, order=True)
class Variable:
    """A variable that references fill. `container` is empty if all containers have it.

    `origin` tells the reader of a message where it is written.
    """

    container: str
    name: str
    text: str = field(repr=False)
    origin: str = field(compare=False)

    @property
    def key(self) -> str:
        """Its key in the Secret."""
        return names.secret_key(self.container, self.name)

    @property
    def address(self) -> str:
        """NAME, or CONTAINER/NAME."""
        return f"{self.container}/{self.name}" if self.container else self.name


@dataclass(frozen=True, slots=True)
class Wanted:
    """What annotations ask for: variables, in order of container and name, and the paths of whole secrets.

    A variable that a problem is about is not among them.
    """

    variables: tuple[Variable, ...] = ()
    paths: tuple[str, ...] = ()
    problems: Sequence[Problem] = ()

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.variables or self.paths)


def read(notes: Mapping[str, str]) -> Wanted:
    """Read the annotations of a template. Every problem is reported, up to a thousand, and then nothing else is."""
    size_bytes = sum(len(name) + len(text.encode(errors="replace")) for name, text in notes.items())
    if size_bytes > fields_map.MAX_BYTES:
        message = f"they have {size_bytes} bytes, more than the {fields_map.MAX_BYTES} that Kubernetes allows"
        return Wanted(problems=[Problem("the annotations of the template", message, Cause.RECORD_TOO_LARGE)])
    problems: list[Problem] = []
    by_key: dict[str, Variable] = {}
    count = 0
    for variable in _variables(notes, problems):
        count += 1
        if not names.is_variable_name(variable.name):
            problems.append(Problem(variable.origin, 'no variable has such a name: printable ASCII without "="'))
        elif (other := by_key.setdefault(variable.key, variable)) is not variable:
            what = "the same variable" if other.address == variable.address else "the same key of a Secret"
            problems.append(Problem(variable.origin, f"{other.origin} fills {what}; remove one"))
    if count > MAX_VARIABLES:
        message = f"it has {count} variables, and {MAX_VARIABLES} are the most; use several workloads or whole secrets"
        return Wanted(problems=[Problem("the template", message, Cause.RECORD_TOO_LARGE)])
    return Wanted(tuple(sorted(by_key.values())), _paths(notes), problems)


def annotation_of(container: str, name: str) -> str | None:
    """Return the annotation that asks for a variable; None if no annotation can be named after it."""
    if not names.is_annotation_name(name):
        return None
    return f"{container}.{annotations.ENV_DOMAIN}{name}" if container else f"{annotations.ENV_DOMAIN}{name}"


def _variables(notes: Mapping[str, str], problems: list[Problem]) -> Iterator[Variable]:
    for note in sorted(filter(annotations.is_environment, notes)):
        domain, _, name = note.partition("/")
        container = f"{domain}/".removesuffix(annotations.ENV_DOMAIN).removesuffix(".")
        yield Variable(container, name, notes[note], f"annotation {named(note)}")
    if annotations.ENV not in notes:
        return
    origin = f"annotation {annotations.ENV}"
    try:
        entries = fields_map.parse(notes[annotations.ENV], expected=_EXPECTED)
    except fields_map.FieldsMapError as error:
        problems.append(Problem(origin, error.problem))
        return
    for address, text in entries.items():
        # No container's name has a slash in it, so what follows the first one is the variable's.
        container, slash, name = address.partition("/")
        container, name = (container, name) if slash else ("", address)
        if slash and not container:
            problems.append(Problem(f"{origin}, {named(address)}", "names no container in front of the slash"))
            continue
        yield Variable(container, name, text, f"{origin}, {named(address)}")


def _paths(notes: Mapping[str, str]) -> tuple[str, ...]:
    text = notes.get(annotations.ENV_FROM, "")
    return tuple(path.strip() for path in text.split(",")) if text.strip() else ()
