"""JSON (RFC 8259) read without losing anything: a number keeps the text it was written with."""

import json
from typing import TypeAlias

from resolver.value import SecretValue

# Deep enough for every document a person writes, and shallow enough that no reader of it runs out of stack.
MAX_DEPTH = 100


class JsonNumber(str):
    """A number as its JSON text, so that 1.10, 1e3 and integers above 2^53 stay what they were."""

    __slots__ = ()


JsonValue: TypeAlias = "bool | str | JsonNumber | list[JsonValue] | dict[str, JsonValue] | None"


class JsonTextError(ValueError):
    """A text that is not JSON. Holds nothing of the text, unlike json.JSONDecodeError."""


def parse(text: bytes | str) -> JsonValue:
    """Read a JSON text of at most 100 levels; raises JsonTextError, a ValueError.

    Stricter than Python: NaN and Infinity, names given twice and halves of surrogate pairs are refused.
    Bytes are UTF-8 without a byte order mark.
    """
    try:
        value: JsonValue = json.loads(
            text.decode() if isinstance(text, bytes) else text,
            parse_int=JsonNumber,
            parse_float=JsonNumber,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_with_unique_names,
        )
        _check_depth_and_characters(value)
    except (ValueError, RecursionError):
        pass
    else:
        return value
    # Raised outside the handler: the decoder's own error keeps the whole text, and would come along as context.
    raise JsonTextError("the text is not JSON that can be read")


def text(value: JsonValue) -> str | None:
    """Give a string; None for everything else, a number included, whose text is held as a string too."""
    return value if isinstance(value, str) and not isinstance(value, JsonNumber) else None


def field_value(value: JsonValue) -> SecretValue | None:
    """Give what a reference to this value stands for; None for null, which counts as a missing field.

    A string as it is, a number or boolean as its JSON text, an object or list as compact JSON in UTF-8.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return SecretValue(str(value))
    return SecretValue(_compact(value))


def _compact(value: JsonValue) -> str:
    match value:
        case JsonNumber():
            return str(value)
        case dict():
            members = (f"{_compact(name)}:{_compact(member)}" for name, member in value.items())
            return "{" + ",".join(members) + "}"
        case list():
            return "[" + ",".join(map(_compact, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _refuse_constant(_name: str) -> JsonValue:
    raise ValueError("NaN and Infinity are not JSON")


def _object_with_unique_names(members: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """RFC 8259 section 4 leaves open which of two equal names counts, so two readers may see two values."""
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("a name stands twice in an object")
    return found


def _check_depth_and_characters(value: JsonValue) -> None:
    level: list[JsonValue] = [value]
    depth = 0
    while level:
        below: list[JsonValue] = []
        for item in level:
            match item:
                case str():
                    # An escape such as "\ud800" is JSON by its grammar but no character.
                    item.encode()
                case dict():
                    below.extend(item)
                    below.extend(item.values())
                case list():
                    below.extend(item)
        if depth == MAX_DEPTH and any(isinstance(item, dict | list) for item in level):
            raise ValueError("nested too deeply")
        level = below
        depth += 1
