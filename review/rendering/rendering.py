"""Renders a text: every reference is replaced by its value, written as its format wants it, and the result is proved.

Proved means: the result is read again, and a reader sees what it saw before, but for the texts that had references.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from resolver.references.errors import ReferenceSyntaxError
from resolver.references.functions import FUNCTIONS
from resolver.references.grammar import Reference, Template, has_reference, parse_value
from review.rendering.pieces import NUL, NotRendered, Piece, Problem
from review.sources.text import Place, Text

Form: TypeAlias = Literal["yaml", "json", "dotenv", "properties", "text"]
Resolve: TypeAlias = Callable[[Sequence[Reference]], Mapping[Reference, str]]
"""Returns the value of every reference that it is given. What it raises passes through."""


@dataclass(frozen=True, slots=True)
class _Slot:
    """A piece with references. `number` is its place in the order of all pieces."""

    number: int
    piece: Piece
    template: Template

    @property
    def is_typed(self) -> bool:
        """Whether the value is written as a number or a boolean: a whole reference that ends in `int` or `bool`."""
        functions = self.template.references[-1].functions
        is_other = bool(functions) and FUNCTIONS[functions[-1].name].gives != "string"
        return is_other and self.template.is_whole and self.piece.as_number is not None

    def filled(self, values: Mapping[Reference, str]) -> str:
        """Return the text with its values."""
        if self.is_typed:
            return values[self.template.references[0]]
        inserted = self.piece.inserted
        return "".join(part if isinstance(part, str) else inserted(values[part]) for part in self.template.pieces())


def rendered(text: str, form: Form, resolve: Resolve, *, file: str = "the text") -> str:
    """Return a text with values in place of its references; `file` names it in problems.

    `resolve` is called once with every reference of the text, each once, and not at all if there is none. Everything
    but the texts with references stays as it is, to the byte. Raises `NotRendered`.
    """
    source = Text(file, text)
    pieces = list(_pieces(source, form))
    slots = _slots(source, pieces)
    if not slots:
        return text
    values = resolve(list(dict.fromkeys(reference for slot in slots for reference in slot.template.references)))
    _check(source, slots, values)
    result = _written(text, slots, values)
    expected = [(piece.kind, piece.text) for piece in pieces]
    for slot in slots:
        kind = slot.piece.as_number if slot.is_typed else slot.piece.as_text
        expected[slot.number] = (kind, slot.filled(values))
    if not _is_proved(Text(file, result), form, expected):
        reason = "with its values the text would be read as something else; nothing was written"
        raise NotRendered([Problem(Place(file), reason)])
    return result


def references(text: str, form: Form, *, file: str = "the text") -> Sequence[Reference]:
    """Return the references of a text, each once, without asking for any value. Raises `NotRendered`."""
    source = Text(file, text)
    found = (each for slot in _slots(source, list(_pieces(source, form))) for each in slot.template.references)
    return list(dict.fromkeys(found))


def _pieces(text: Text, form: Form) -> Iterator[Piece]:
    # Each run needs one of them.
    if form == "yaml":
        from review.rendering import yaml_text  # noqa: PLC0415

        return yaml_text.pieces(text)
    if form == "json":
        from review.rendering import json_text  # noqa: PLC0415

        return json_text.pieces(text)
    if form == "dotenv":
        from review.rendering import dotenv  # noqa: PLC0415

        return dotenv.pieces(text)
    if form == "properties":
        from review.rendering import properties  # noqa: PLC0415

        return properties.pieces(text)
    from review.rendering import plain  # noqa: PLC0415

    return plain.pieces(text)


def _slots(source: Text, pieces: Sequence[Piece]) -> list[_Slot]:
    slots: list[_Slot] = []
    problems: list[Problem] = []
    for number, piece in enumerate(pieces):
        if (piece.write is None and not piece.barred) or not has_reference(piece.text):
            continue
        place = source.place(piece.start, piece.end)
        if piece.barred:
            problems.append(Problem(place, piece.barred))
            continue
        try:
            template = parse_value(piece.text)
        except ReferenceSyntaxError as error:
            problems.append(Problem(place, f"{error.cause}: {error.message}"))
            continue
        slots.append(_Slot(number, piece, template))
    if problems:
        raise NotRendered(problems)
    return slots


def _check(source: Text, slots: Sequence[_Slot], values: Mapping[Reference, str]) -> None:
    """Raise `NotRendered` for values that no format can hold."""
    problems = [
        Problem(source.place(slot.piece.start, slot.piece.end), f"`{reference.shown}`: the value holds a NUL character")
        for slot in slots
        for reference in dict.fromkeys(slot.template.references)
        if NUL in values[reference]
    ]
    if problems:
        raise NotRendered(problems)


def _written(text: str, slots: Sequence[_Slot], values: Mapping[Reference, str]) -> str:
    parts: list[str] = []
    position = 0
    for slot in sorted(slots, key=lambda each: each.piece.start):
        filled = slot.filled(values)
        write = slot.piece.write
        parts += (text[position : slot.piece.start], filled if slot.is_typed or write is None else write(filled))
        position = slot.piece.end
    return "".join((*parts, text[position:]))


def _is_proved(result: Text, form: Form, expected: Sequence[object]) -> bool:
    try:
        return [(piece.kind, piece.text) for piece in _pieces(result, form)] == expected
    except NotRendered:
        return False
