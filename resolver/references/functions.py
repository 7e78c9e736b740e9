"""The functions of references: pure, hermetic, bytes in and bytes out.

No function reads a file, the environment or the network, and no error holds anything of a value.
"""

import base64
import hashlib
import re
import urllib.parse
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final, Literal, Self

from resolver.budget import Budget
from resolver.deadline import Deadline
from resolver.references.errors import FunctionError, MissingField
from resolver.references.json_texts import Failure, JsonTexts
from resolver.references.reference import Function, Reference
from resolver.references.signatures import SIGNATURES
from resolver.references.template import MAX_VALUE_BYTES
from resolver.references.value import SecretValue

__all__ = ["SIGNATURES", "Evaluation", "evaluate", "in_order", "reference_type"]

_ASCII_BLANKS = b" \t\n\r\v\f"
_INTEGER = re.compile(rb"0|-?[1-9][0-9]{0,18}")
# Kubernetes holds integers as int64.
_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**63 - 1
# What functions take, in nanoseconds at the most.
_FUNCTION_UNITS: Final = 10_000
_UNITS_A_BYTE: Final[Mapping[str, int]] = {"base64decode": 10, "indent": 10, "lines": 8, "urlencode": 70}
_UNITS_A_LINE: Final = 250
# Where RFC 4648's two alphabets differ.
_ALPHABETS = (b"-", b"_"), (b"+", b"/")
# The break before a line that holds more than carriage returns.
_BEFORE_TEXT = re.compile(rb"\n(?=\r*[^\r\n])")
_URLS_TO_MIME = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the references of one object share while they are evaluated: a budget, and the JSON texts that were read."""

    budget: Budget
    texts: JsonTexts

    @classmethod
    def within(cls, budget: Budget) -> Self:
        """Return one for a budget."""
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
    """Return a key by which references are sorted, so that those to members of one JSON text stand together."""
    chain = [(function.name, function.argument or "") for function in reference.functions]
    texts = [position for position, (name, _) in enumerate(chain) if name == "json"]
    return chain[: texts[-1]] if texts else chain, chain


def reference_type(reference: Reference) -> Literal["string", "integer", "boolean"]:
    """Give the type that the last function makes of the value; text and anything else is a string."""
    match reference.functions:
        case (*_, Function(name="int")):
            return "integer"
        case (*_, Function(name="bool")):
            return "boolean"
        case _:
            return "string"


def _beginning(functions: Sequence[Function], evaluation: Evaluation, source: Hashable) -> int:
    """Return where to begin: at the last function that names a member of a text which is held, else at the first."""
    for position in range(len(functions) - 1, -1, -1):
        if functions[position].name == "json" and evaluation.texts.knows((source, functions[:position])):
            return position
    return 0


def _result(
    functions: Sequence[Function], position: int, value: bytes, evaluation: Evaluation, source: Hashable
) -> bytes | Failure:
    """Pay for the function at a position, and return what it makes of the value."""
    function = functions[position]
    evaluation.budget.spend(_FUNCTION_UNITS)
    if function.name == "json":
        result = evaluation.texts.member((source, functions[:position]), value, function.argument or "")
    else:
        evaluation.budget.spend(_units(function.name, value))
        result = _FUNCTIONS[function.name](value, function.argument or "")
    if isinstance(result, bytes) and len(result) > MAX_VALUE_BYTES:
        return Failure(f"the result is larger than {MAX_VALUE_BYTES} bytes")
    return result


def _units(name: str, value: bytes) -> int:
    """Estimate what a function takes, in nanoseconds. What is too large already is not indented."""
    if len(value) > MAX_VALUE_BYTES:
        return len(value)
    lines = value.count(b"\n") if name == "indent" else 0
    return _UNITS_A_BYTE.get(name, 3) * len(value) + _UNITS_A_LINE * lines


def _base64(value: bytes, _argument: str) -> bytes:
    """RFC 4648 section 4, without line breaks."""
    return base64.b64encode(value)


def _base64decode(value: bytes, _argument: str) -> bytes | Failure:
    """RFC 4648, sections 4 and 5: with line breaks or without, padded or not, in either alphabet but not in both.

    Blanks around it do not count. Everything else is strict: a character that belongs to neither alphabet is refused.
    """
    encoded = value.strip(_ASCII_BLANKS).replace(b"\r\n", b"").replace(b"\n", b"")
    is_of_urls, is_of_mime = (any(each in encoded for each in two) for two in _ALPHABETS)
    if is_of_urls and not is_of_mime:
        encoded = encoded.translate(_URLS_TO_MIME)
    if not encoded.endswith(b"="):
        encoded += b"=" * (-len(encoded) % 4)
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except ValueError:
        return Failure("the value is not base64 (RFC 4648)")
    # Python lets bits in the last character pass that stand for nothing (section 3.5).
    if base64.b64encode(decoded) != encoded:
        return Failure("the value is not base64 (RFC 4648)")
    return decoded


def _urlencode(value: bytes, _argument: str) -> bytes:
    """Keep RFC 3986's unreserved characters (section 2.3), escape every other byte."""
    return urllib.parse.quote_from_bytes(value, safe="").encode()


def _sha256(value: bytes, _argument: str) -> bytes:
    return hashlib.sha256(value).hexdigest().encode()


def _trim(value: bytes, _argument: str) -> bytes:
    return value.strip(_ASCII_BLANKS)


def _indent(value: bytes, count: str) -> bytes:
    """Blanks before every line but the first, for a value that is placed into indented text."""
    if len(value) > MAX_VALUE_BYTES:
        return value  # `_result` refuses it; indented first, 8 MiB would become 264
    margin = b" " * int(count)
    if b"\r\r" in value or len(value) + len(margin) * value.count(b"\n") > MAX_VALUE_BYTES:
        return (b"\n" + margin).join(_BEFORE_TEXT.split(value))
    # Many times as fast: blanks before every line, and taken away again before empty ones. Of two empty lines in a row,
    # the end of the first is the beginning of the second, so it takes two goes.
    indented = value.replace(b"\n", b"\n" + margin)
    for empty in (b"\n", b"\r\n") * 2:
        indented = indented.replace(b"\n" + margin + empty, b"\n" + empty)
    for end in (b"\n", b"\n\r"):
        if value.endswith(end):
            return indented.removesuffix(end[:1] + margin + end[1:]) + end
    return indented


def _lines(value: bytes, _argument: str) -> bytes:
    r"""Line breaks for the two characters \n: a PEM file that was stored on one line."""
    return value.replace(b"\\n", b"\n")


def _default(value: bytes, _argument: str) -> bytes:
    """Keep the value: the field is there. `evaluate` takes care of the other case."""
    return value


def _int(value: bytes, _argument: str) -> bytes | Failure:
    if _INTEGER.fullmatch(value) and _MIN_INTEGER <= int(value) <= _MAX_INTEGER:
        return value
    return Failure("the value is not an integer of 64 bits")


def _bool(value: bytes, _argument: str) -> bytes | Failure:
    return value if value in (b"true", b"false") else Failure("the value is neither true nor false")


# `json` is not among them: it works on a text that is read once (`resolver.references.json_texts`).
_FUNCTIONS: Mapping[str, Callable[[bytes, str], bytes | Failure]] = {
    "base64": _base64,
    "base64decode": _base64decode,
    "bool": _bool,
    "default": _default,
    "indent": _indent,
    "int": _int,
    "lines": _lines,
    "sha256": _sha256,
    "trim": _trim,
    "urlencode": _urlencode,
}
