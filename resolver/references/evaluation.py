"""Evaluates references: applies their functions to the values of fields, within the budget of the object.

A JSON text is parsed once for all references to its members: otherwise a thousand references would parse it a thousand
times.
"""

import re
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final, Literal, Self

from resolver.budget import Budget, NoRoom
from resolver.deadline import Deadline
from resolver.references import jsontext
from resolver.references.errors import FunctionError, MissingField
from resolver.references.functions import FUNCTIONS, Failure, apply
from resolver.references.reference import Function, Reference, percent_encode
from resolver.references.value import MAX_VALUE_BYTES, SecretValue

# The costs of functions, in nanoseconds: upper bounds.
_FUNCTION_UNITS: Final = 10_000
_UNITS_A_LINE: Final = 250
# A text, and texts inside its members. Holding more would waste memory.
_MOST_HELD: Final = 4
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")


@dataclass(frozen=True, slots=True)
class _Read:
    """A parsed text, or why it could not be parsed, and what that cost."""

    document: "jsontext.JsonValue | Failure" = field(repr=False)
    units: int
    held_bytes: int


class JsonTexts:
    """The JSON texts that were parsed last, each under a key of the caller's."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._held: OrderedDict[Hashable, _Read] = OrderedDict()

    def knows(self, key: Hashable) -> bool:
        """Return whether a parsed text is held, so that `member` does not need its bytes."""
        return key in self._held

    def forget(self) -> None:
        """Return the memory of all texts."""
        while self._held:
            self._budget.release(self._held.popitem()[1].held_bytes)

    def member(self, key: Hashable, text: bytes, pointer: str) -> bytes | Failure:
        """Return the value at a pointer (RFC 6901), converted like the value of a field.

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
            return Failure(f"the value has nothing, or null, at {percent_encode(pointer)}; correct the pointer")
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
            # This object may itself be what takes the memory; then no retry would ever succeed.
            self.forget()
            self._budget.hold(size_bytes)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the references of one object share while they are evaluated: the budget and the parsed JSON texts."""

    budget: Budget
    texts: JsonTexts

    @classmethod
    def within(cls, budget: Budget) -> Self:
        """Return an evaluation within a budget."""
        return cls(budget, JsonTexts(budget))


def evaluate(
    reference: Reference, value: SecretValue | None, evaluation: Evaluation | None = None, source: Hashable = None
) -> SecretValue:
    """Apply the reference's functions, left to right, to the value of its field (None: missing or null).

    A missing field takes the text of the first `default`, functions before it are skipped. `source` tells the fields of
    an evaluation apart. Raises MissingField when there is none, FunctionError when a function cannot work on the value
    or gives more than 1 MiB, and what `Budget.spend` and `Budget.hold` raise.
    """
    evaluation = evaluation or Evaluation.within(Budget("", Deadline.after(inf)))
    functions = reference.functions
    if value is None:
        defaults = [index for index, function in enumerate(functions) if function.name == "default"]
        if not defaults:
            raise MissingField(reference)
        functions = functions[defaults[0] :]
        value = SecretValue(functions[0].argument or "")
    current = value.reveal()
    for position in range(_beginning(functions, evaluation, source), len(functions)):
        result = _result(functions, position, current, evaluation, source)
        if isinstance(result, Failure):
            raise FunctionError(reference, functions[position].name, result.reason)
        current = result
    return SecretValue(current)


def in_order(reference: Reference) -> tuple[object, ...]:
    """Return a sort key that puts references to members of one JSON text next to each other."""
    chain = [(function.name, function.argument or "") for function in reference.functions]
    texts = [position for position, (name, _) in enumerate(chain) if name == "json"]
    return chain[: texts[-1]] if texts else chain, chain


def reference_type(reference: Reference) -> Literal["string", "integer", "boolean"]:
    """Return the type that the last function gives the value; a string unless a function says otherwise."""
    return FUNCTIONS[reference.functions[-1].name].gives if reference.functions else "string"


def _beginning(functions: Sequence[Function], evaluation: Evaluation, source: Hashable) -> int:
    """Return where to begin: at the last `json` whose text is held, or else at the first function."""
    for position in range(len(functions) - 1, -1, -1):
        if functions[position].name == "json" and evaluation.texts.knows((source, functions[:position])):
            return position
    return 0


def _result(
    functions: Sequence[Function], position: int, value: bytes, evaluation: Evaluation, source: Hashable
) -> bytes | Failure:
    """Pay for the function at a position, and apply it to the value."""
    function = functions[position]
    evaluation.budget.spend(_FUNCTION_UNITS)
    if function.name == "json":
        result = evaluation.texts.member((source, functions[:position]), value, function.argument or "")
    else:
        evaluation.budget.spend(_units(function.name, value))
        result = apply(function.name, value, function.argument)
    if isinstance(result, bytes) and len(result) > MAX_VALUE_BYTES:
        return Failure(f"the result is larger than {MAX_VALUE_BYTES} bytes")
    return result


def _units(name: str, value: bytes) -> int:
    """Estimate the cost of a function in nanoseconds. A value that is too large is not indented."""
    if len(value) > MAX_VALUE_BYTES:
        return len(value)
    lines = value.count(b"\n") if name == "indent" else 0
    return FUNCTIONS[name].units_a_byte * len(value) + _UNITS_A_LINE * lines


def _document(text: bytes) -> "jsontext.JsonValue | Failure":
    try:
        return jsontext.parse(text)
    except jsontext.TooManyParts:
        return Failure(
            f"the value is JSON of more than {jsontext.MAX_PARTS} parts, more than Keyhole reads; split it in Vault"
        )
    except ValueError:
        return Failure(
            "the value is not JSON that Keyhole can read; without `json`, the reference gives the whole value"
        )


def _member(parent: jsontext.JsonValue, name: str) -> jsontext.JsonValue:
    match parent:
        case dict():
            return parent.get(name)
        case list() if _INDEX.fullmatch(name) and int(name) < len(parent):
            return parent[int(name)]
        case _:
            return None
