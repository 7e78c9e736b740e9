"""JSON (RFC 8259) read without losing anything: a number keeps the text it was written with.

Python's own reader does the work, in C: a worker is one thread, and while one text is read nobody else is answered. For
the same reason a text is bounded in its parts. A megabyte of empty lists takes a hundred times as long to read as a
megabyte in one string, and as much more memory.
"""

import json
import re
from collections.abc import Callable, Mapping
from itertools import accumulate
from json.encoder import encode_basestring
from typing import Any, Final, TypeAlias

from resolver.references.value import SecretValue

# Deep enough for every document that people write, and shallow enough that no parser runs out of stack.
MAX_DEPTH = 100
# Commas and opening brackets outside of strings: about one for each value. Parsing takes at most some 50 ms.
MAX_PARTS = 100_000

JsonNumber: TypeAlias = bytes
"""A number as its JSON text, so that 1.10, 1e3 and integers above 2^53 stay what they were.

Bytes can be told from a string, and are made without a call into Python for each number.
"""

JsonValue: TypeAlias = "bool | str | JsonNumber | list[JsonValue] | dict[str, JsonValue] | None"

_OPENERS = ("[", "{")
_STEPS: Final[Mapping[str, int]] = {"[": 1, "{": 1, "]": -1, "}": -1}
# Possessive quantifiers, and a match even at the end of the text, so that nothing is searched twice.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NO_BRACKETS = re.compile(r"[^\[\]{}]+")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class JsonTextError(ValueError):
    """A text that is not JSON. Unlike json.JSONDecodeError, it contains nothing of the text."""


class TooManyParts(JsonTextError):
    """A text with too many parts, JSON or not."""


def parse(text: bytes | str) -> JsonValue:
    """Read a JSON text of at most 100 levels and 100,000 parts; raises JsonTextError, a ValueError.

    Stricter than Python: NaN and Infinity, names given twice and halves of surrogate pairs are refused.
    Bytes are UTF-8 without a byte order mark.
    """
    try:
        characters = text.decode() if isinstance(text, bytes) else text.encode().decode()
        is_small = _is_small(characters)
        value = _read(characters) if is_small else None
    except (ValueError, RecursionError):
        pass
    else:
        if is_small:
            return value
        raise TooManyParts("the text has more parts than are read")
    # Raised outside the handler, because the decoder's error has the whole text and would become the context.
    raise JsonTextError("the text is not JSON that can be read")


def cost(text: bytes) -> tuple[int, int]:
    """Estimate what it takes to parse and serialise a text: nanoseconds, and bytes of memory meanwhile."""
    parts = min(sum(map(text.count, (b"[", b"{", b","))), MAX_PARTS)
    return 10 * len(text) + 1000 * parts, 4 * len(text) + 250 * parts


def text(value: JsonValue) -> str | None:
    """Return a JSON string as text, or None for any other value."""
    return value if isinstance(value, str) else None


def field_value(value: JsonValue) -> SecretValue | None:
    """Return the value of a reference to this JSON value; None for null, which counts as a missing field.

    A string as it is, a number or boolean as its JSON text, an object or list as compact JSON in UTF-8.
    """
    if value is None:
        return None
    return SecretValue(value if isinstance(value, bytes | str) else _WRITERS[type(value)](value))


def _read(characters: str) -> JsonValue:
    value: JsonValue = json.loads(
        characters,
        parse_int=str.encode,
        parse_float=str.encode,
        parse_constant=_refuse_constant,
        object_pairs_hook=_object_with_unique_names,
    )
    # An escape such as "\ud800" is valid JSON but not a character.
    if _SURROGATE_ESCAPE.search(characters):
        _compact(value).encode()
    return value


def _is_small(characters: str) -> bool:
    """Return whether the text has few enough parts. Raises ValueError if it is nested too deeply."""
    openers = sum(map(characters.count, _OPENERS))
    if openers <= MAX_DEPTH and openers + characters.count(",") <= MAX_PARTS:
        return True
    outside = _STRING.sub("", characters)
    if sum(map(outside.count, (*_OPENERS, ","))) > MAX_PARTS:
        return False
    brackets = _NO_BRACKETS.sub("", outside)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > MAX_DEPTH:
        raise ValueError("nested too deeply")
    return True


def _refuse_constant(_name: str) -> JsonValue:
    raise ValueError("NaN and Infinity are not JSON")


def _object_with_unique_names(members: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """Refuse names that occur twice: RFC 8259 section 4 leaves open which counts, so readers may disagree."""
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("a name stands twice in an object")
    return found


def _compact(value: JsonValue) -> str:
    return _WRITERS[type(value)](value)


def _list(items: list[JsonValue]) -> str:
    return "[" + ",".join([_WRITERS[type(item)](item) for item in items]) + "]"


def _object(members: dict[str, JsonValue]) -> str:
    written = [f"{encode_basestring(name)}:{_WRITERS[type(member)](member)}" for name, member in members.items()]
    return "{" + ",".join(written) + "}"


# By type and not by `match`, which takes five times as long. Half of the functions are C.
_WRITERS: Final[Mapping[type, Callable[[Any], str]]] = {
    str: encode_basestring,
    bytes: bytes.decode,
    bool: {True: "true", False: "false"}.__getitem__,
    type(None): {None: "null"}.__getitem__,
    list: _list,
    dict: _object,
}
