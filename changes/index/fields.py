"""The fields of an admission as a row of the index has them: JSON in which texts are numbers. Pure."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

import msgspec

from changes.told import ToldField, ToldReference

_Use: TypeAlias = tuple[int, int | None, str, str]
_Field: TypeAlias = tuple[int, str, str, str, tuple[_Use, ...], tuple[_Use, ...] | None]
_DECODER: Final = msgspec.json.Decoder(tuple[_Field, ...])
_ENCODER: Final = msgspec.json.Encoder()


def dump(fields: Sequence[ToldField], number: Callable[[str], int]) -> bytes:
    """Return the fields as the index keeps them. `number` gives the number of a text."""
    return _ENCODER.encode(
        [
            (
                number(field.pointer),
                field.form,
                field.done,
                field.cause,
                _uses(field.references, number),
                None if field.before is None else _uses(field.before, number),
            )
            for field in fields
        ]
    )


def numbers(stored: bytes) -> Iterable[int]:
    """Yield the numbers of all texts that stored fields have, some of them twice."""
    for pointer, _, _, _, references, before in _DECODER.decode(stored):
        yield pointer
        yield from (use[0] for use in references)
        yield from (use[0] for use in before or ())


def load(stored: bytes, text: Callable[[int], str]) -> Sequence[ToldField]:
    """Return stored fields. `text` gives the text of a number."""
    return [
        ToldField(
            text(pointer),
            form,
            done,
            cause,
            _references(references, text),
            None if before is None else _references(before, text),
        )
        for pointer, form, done, cause, references, before in _DECODER.decode(stored)
    ]


def merged(stored: bytes, further: bytes) -> bytes:
    """Return stored fields with those of a further line of the same admission: one field may go on there."""
    fields = list(_DECODER.decode(stored))
    for field in _DECODER.decode(further):
        if fields and fields[-1][0] == field[0]:
            *same, references, before = fields[-1]
            more = None if before is None and field[5] is None else (*(before or ()), *(field[5] or ()))
            fields[-1] = (*same, (*references, *field[4]), more)  # type: ignore[assignment]  # as many as before
        else:
            fields.append(field)
    return _ENCODER.encode(fields)


def _uses(references: Iterable[ToldReference], number: Callable[[str], int]) -> list[_Use]:
    return [(number(each.text), each.version, each.request_id, each.cause) for each in references]


def _references(uses: Iterable[_Use], text: Callable[[int], str]) -> tuple[ToldReference, ...]:
    return tuple(ToldReference(text(number), version, request, cause) for number, version, request, cause in uses)
