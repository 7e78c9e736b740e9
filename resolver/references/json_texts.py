"""The JSON texts that the references of one object name members of, each read once.

A thousand references to members of one text would read it a thousand times otherwise.
"""

import re
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from resolver.budget import Budget, NoRoom
from resolver.references import escapes, jsontext

# A text, and those that its members hold in turn. More would be memory that is held for nothing.
_MOST_HELD: Final = 4
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")


class Failure:
    """Why a function could not work. Returned, not raised: no handler, no context that keeps the value."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Read:
    """A text that was read, or why it could not be; and what that took."""

    document: "jsontext.JsonValue | Failure" = field(repr=False)
    units: int
    held_bytes: int


class JsonTexts:
    """The texts that were read last, by whatever tells them apart."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._held: OrderedDict[Hashable, _Read] = OrderedDict()

    def knows(self, key: Hashable) -> bool:
        """Return whether a text is held, so that `member` does not need it."""
        return key in self._held

    def forget(self) -> None:
        """Give back the memory of all texts."""
        while self._held:
            self._budget.release(self._held.popitem()[1].held_bytes)

    def member(self, key: Hashable, text: bytes, pointer: str) -> bytes | Failure:
        """Return the value at a pointer (RFC 6901), by the rules for the values of fields.

        Raises `TooMuchWork`, `NoRoom` or `DeadlineExceeded`.
        """
        read = self._read(key, text)
        if isinstance(read.document, Failure):
            return read.document
        target: jsontext.JsonValue = read.document
        for token in pointer.split("/")[1:]:
            target = _member(target, token.replace("~1", "/").replace("~0", "~"))
        if isinstance(target, dict | list):
            self._budget.spend(read.units)
        found = jsontext.field_value(target)
        if found is None:
            return Failure(f"the value has nothing, or null, at {escapes.encode(pointer)}")
        return found.reveal()

    def _read(self, key: Hashable, text: bytes) -> _Read:
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        if len(self._held) == _MOST_HELD:
            self._budget.release(self._held.popitem(last=False)[1].held_bytes)
        units, size_bytes = jsontext.cost(text)
        self._budget.spend(units)
        self._hold(size_bytes)
        read = self._held[key] = _Read(_document(text), units, size_bytes)
        return read

    def _hold(self, size_bytes: int) -> None:
        try:
            self._budget.hold(size_bytes)
        except NoRoom:
            if not self._held:
                raise
            # The object may be alone, and itself be what takes the room: then no retry would ever find any.
            self.forget()
            self._budget.hold(size_bytes)


def _document(text: bytes) -> "jsontext.JsonValue | Failure":
    try:
        return jsontext.parse(text)
    except jsontext.TooManyParts:
        return Failure(f"the value is JSON of more than {jsontext.MAX_PARTS} parts, which is more than is read")
    except ValueError:
        return Failure("the value is not JSON that can be read")


def _member(parent: jsontext.JsonValue, name: str) -> jsontext.JsonValue:
    match parent:
        case dict():
            return parent.get(name)
        case list() if _INDEX.fullmatch(name) and int(name) < len(parent):
            return parent[int(name)]
        case _:
            return None
