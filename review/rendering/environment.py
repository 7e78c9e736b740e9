"""The variables for a program, from files of variables and from arguments, with references in them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import Reference, Template, parse_value
from review.rendering.dotenv import BRACES, assignments
from review.rendering.pieces import NUL, NotRendered, Problem
from review.sources.text import Place, Text

_OF_COMPOSE = "a variable ($…), which nothing replaces here: put the text between ' if a dollar is meant"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, its text with references, and where that stands."""

    name: str
    template: Template
    place: Place


def of_file(text: Text) -> Iterator[Variable]:
    """Yield the variables of a file, as Compose reads it. Raises `NotRendered` with everything that is wrong."""
    problems: list[Problem] = []
    found: list[Variable] = []
    for each in assignments(text):
        place = text.place(each.start, each.end)
        if each.has_variables:
            problems.append(Problem(place, BRACES if "${vault" in each.raw else _OF_COMPOSE))
            continue
        try:
            found.append(variable(each.name, each.text, place))
        except NotRendered as error:
            problems += error.problems
    if problems:
        raise NotRendered(problems)
    yield from found


def variable(name: str, text: str, place: Place) -> Variable:
    """Return a variable. Raises `NotRendered` for a malformed reference."""
    try:
        return Variable(name, parse_value(text), place)
    except ReferenceSyntaxError as error:
        problem = Problem(place, f"{error.cause}: {error.message}")
    # Outside the handler, because the error has the text and would become the context.
    raise NotRendered([problem])


def references(variables: Iterable[Variable]) -> Sequence[Reference]:
    """Return the references of variables, each once."""
    return list(dict.fromkeys(reference for each in variables for reference in each.template.references))


def filled(variables: Iterable[Variable], values: Mapping[Reference, str]) -> Mapping[str, str]:
    """Return the variables with their values; of two with the same name, the last. Raises `NotRendered` for a NUL."""
    result: dict[str, str] = {}
    problems: list[Problem] = []
    for each in variables:
        parts = [part if isinstance(part, str) else values[part] for part in each.template.pieces()]
        result[each.name] = "".join(parts)
        if NUL in result[each.name]:
            problems.append(Problem(each.place, f"{each.name}: a value with a NUL character, which ends a variable"))
    if problems:
        raise NotRendered(problems)
    return result
