"""The fields of a change as a row of the index has them: JSON in which texts are numbers. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

import msgspec

from changes.change import ChangedField, How
from changes.told import ToldField, ToldReference

_Use: TypeAlias = tuple[int, int | None, str, str]
_Field: TypeAlias = tuple[int, str, str, How, str, tuple[_Use, ...], tuple[_Use, ...] | None]
_DECODER: Final = msgspec.json.Decoder(tuple[_Field, ...])
_ENCODER: Final = msgspec.json.Encoder()


def dump(fields: Sequence[ChangedField], number: Callable[[str], int]) -> bytes:
    """Return the fields as the index keeps them. `number` gives the number of a text."""
    return _ENCODER.encode(
        [
            (
                number(field.pointer),
                field.form,
                field.done,
                each.how,
                field.cause,
                _uses(field.references, number),
                None if field.before is None else _uses(field.before, number),
            )
            for each in fields
            for field in (each.field,)
        ]
    )


def load(stored: bytes, text: Callable[[int], str]) -> Sequence[ChangedField]:
    """Return stored fields. `text` gives the text of a number."""
    return [
        ChangedField(
            ToldField(
                text(pointer),
                form,
                done,
                cause,
                _references(references, text),
                None if before is None else _references(before, text),
            ),
            how,
        )
        for pointer, form, done, how, cause, references, before in _DECODER.decode(stored)
    ]


def _uses(references: Iterable[ToldReference], number: Callable[[str], int]) -> list[_Use]:
    return [(number(each.text), each.version, each.request_id, each.cause) for each in references]


def _references(uses: Iterable[_Use], text: Callable[[int], str]) -> tuple[ToldReference, ...]:
    return tuple(ToldReference(text(number), version, request, cause) for number, version, request, cause in uses)
