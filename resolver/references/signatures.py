"""The closed list of functions that a reference may name, and the arguments they take."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

MAX_INDENT = 64

_COUNT = re.compile(r"0|[1-9][0-9]?")
# RFC 6901 section 3: "~" only as "~0" (for "~") or "~1" (for "/").
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)+", re.DOTALL)


class SignatureError(ValueError):
    """A function that does not exist or was given a wrong argument; `part` is what is at fault."""

    def __init__(self, problem: str, expected: str, part: Literal["name", "argument"]) -> None:
        super().__init__(problem)
        self.problem = problem
        self.expected = expected
        self.part = part


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes: `accepts` judges the decoded argument and is None where none is allowed."""

    usage: str
    accepts: Callable[[str], bool] | None = None


def _is_indent(argument: str) -> bool:
    return _COUNT.fullmatch(argument) is not None and int(argument) <= MAX_INDENT


def _is_pointer(argument: str) -> bool:
    return _POINTER.fullmatch(argument) is not None


def _is_any(_argument: str) -> bool:
    return True


SIGNATURES: Mapping[str, Signature] = MappingProxyType(
    {
        "base64": Signature("base64"),
        "base64decode": Signature("base64decode"),
        "bool": Signature("bool"),
        "default": Signature("default:TEXT", _is_any),
        "indent": Signature(f"indent:N with N from 0 to {MAX_INDENT}", _is_indent),
        "int": Signature("int"),
        "json": Signature("json:/POINTER (RFC 6901)", _is_pointer),
        "lines": Signature("lines"),
        "sha256": Signature("sha256"),
        "trim": Signature("trim"),
        "urlencode": Signature("urlencode"),
    }
)


def check(name: str, argument: str | None) -> None:
    """Raise SignatureError unless the function exists and takes this decoded argument."""
    signature = SIGNATURES.get(name)
    if signature is None:
        raise SignatureError("an unknown function", f"one of {', '.join(SIGNATURES)}", "name")
    if signature.accepts is None:
        if argument is not None:
            raise SignatureError("a function that takes no argument", signature.usage, "argument")
    elif argument is None:
        raise SignatureError("a function without its argument", signature.usage, "name")
    elif not signature.accepts(argument):
        raise SignatureError("an argument that the function does not take", signature.usage, "argument")
