"""The fields of a change as a row of the index has them: JSON in which texts are numbers. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from changes.change import ChangedField, How
from changes.told import ToldField, ToldReference

_Use: TypeAlias = tuple[int, int | None, str, str]
_Field: TypeAlias = tuple[int, str, str, How, str, tuple[_Use, ...], tuple[_Use, ...] | None]
_DECODER: Final = msgspec.json.Decoder(tuple[_Field, ...])
_ENCODER: Final = msgspec.json.Encoder()


def dump(fields: Sequence[tuple[ToldField, How]], numbers: Mapping[str, int]) -> tuple[bytes, set[int]]:
    """Return the fields as the index keeps them, and the numbers of their references, those of before as well."""
    rows: list[_Field] = []
    used: set[int] = set()
    for field, how in fields:
        now = tuple([(numbers[one.text], one.version, one.request_id, one.cause) for one in field.references])
        used.update([use[0] for use in now])
        before = None
        if field.before is not None:
            before = tuple([(numbers[one.text], one.version, one.request_id, one.cause) for one in field.before])
            used.update([use[0] for use in before])
        rows.append((numbers[field.pointer], field.form, field.done, how, field.cause, now, before))
    return _ENCODER.encode(rows), used


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


def _references(uses: Iterable[_Use], text: Callable[[int], str]) -> tuple[ToldReference, ...]:
    return tuple(ToldReference(text(number), version, request, cause) for number, version, request, cause in uses)
