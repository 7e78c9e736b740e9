"""The functions that a reference may name: one table, `FUNCTIONS`, with what each takes, does and costs.

All are pure: bytes in, bytes out. None reads a file, the environment or the network, and no failure quotes the value.
A new function is a line in the table; `python -m resolver.document docs/references.md` renews the documentation.
"""

import base64
import hashlib
import re
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from resolver.references.value import MAX_VALUE_BYTES

MAX_INDENT: Final = 64
_COUNT = re.compile(r"0|[1-9][0-9]?")
# RFC 6901 section 3: "~" only as "~0" (for "~") or "~1" (for "/").
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)+", re.DOTALL)
_ASCII_BLANKS = b" \t\n\r\v\f"
_INTEGER = re.compile(rb"0|-?[1-9][0-9]{0,18}")
# Kubernetes holds integers as int64.
_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**63 - 1
# Where RFC 4648's two alphabets differ.
_ALPHABETS = (b"-", b"_"), (b"+", b"/")
_URLS_TO_MIME = bytes.maketrans(b"-_", b"+/")
# The break before a line that holds more than carriage returns.
_BEFORE_TEXT = re.compile(rb"\n(?=\r*[^\r\n])")


class FunctionUseError(ValueError):
    """A function that does not exist, or has a wrong argument; `part` is what is at fault."""

    def __init__(self, problem: str, expected: str, part: Literal["name", "argument"]) -> None:
        super().__init__(problem)
        self.problem = problem
        self.expected = expected
        self.part = part


class Failure:
    """Why a function could not work. Returned and not raised, so that no traceback keeps the value."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


_NOT_BASE64: Final = Failure(
    "the value is not base64 (RFC 4648); if Vault holds the plain value, leave `base64decode` out"
)


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """What a function is: `does` takes the value, and the decoded argument where `accepts` says which are allowed.

    `does` is None for `json`, whose text is read once for all references (`resolver.references.evaluation`). `result`
    and `argument` are for the documentation. `gives` is the type of a whole field in JSON. `units_a_byte` is what it
    takes, in nanoseconds for each byte.
    """

    does: Callable[[bytes], bytes | Failure] | Callable[[bytes, str], bytes | Failure] | None
    result: str
    argument: str = ""
    accepts: Callable[[str], bool] | None = None
    gives: Literal["string", "integer", "boolean"] = "string"
    units_a_byte: int = 3


def check(name: str, argument: str | None) -> None:
    """Raise FunctionUseError unless the function exists and takes this decoded argument."""
    function = FUNCTIONS.get(name)
    if function is None:
        raise FunctionUseError("an unknown function", f"one of {', '.join(FUNCTIONS)}", "name")
    usage = f"{name}{function.argument}"
    if function.accepts is None:
        if argument is not None:
            raise FunctionUseError("a function that takes no argument", usage, "argument")
    elif argument is None:
        raise FunctionUseError("a function without its argument", usage, "name")
    elif not function.accepts(argument):
        raise FunctionUseError("an argument that the function does not take", usage, "argument")


def apply(name: str, value: bytes, argument: str | None) -> bytes | Failure:
    """Return what a function of the table, other than `json`, makes of a value."""
    does: Callable[..., bytes | Failure] | None = FUNCTIONS[name].does
    if does is None:
        raise ValueError(f"{name} does not work on a value alone")
    return does(value) if argument is None else does(value, argument)


def _is_indent(argument: str) -> bool:
    return _COUNT.fullmatch(argument) is not None and int(argument) <= MAX_INDENT


def _is_pointer(argument: str) -> bool:
    return _POINTER.fullmatch(argument) is not None


def _is_any(_argument: str) -> bool:
    return True


def _base64decode(value: bytes) -> bytes | Failure:
    """Decode RFC 4648, sections 4 and 5: with or without line breaks and padding, in either alphabet but not in both.

    White space around the text does not matter. Anything else that belongs to neither alphabet is refused.
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
        return _NOT_BASE64
    # Python ignores left-over bits in the last character (section 3.5).
    if base64.b64encode(decoded) != encoded:
        return _NOT_BASE64
    return decoded


def _urlencode(value: bytes) -> bytes:
    """Keep RFC 3986's unreserved characters (section 2.3), escape every other byte."""
    return urllib.parse.quote_from_bytes(value, safe="").encode()


def _sha256(value: bytes) -> bytes:
    return hashlib.sha256(value).hexdigest().encode()


def _trim(value: bytes) -> bytes:
    return value.strip(_ASCII_BLANKS)


def _keep(value: bytes, _argument: str) -> bytes:
    """Return the value, which is there: `evaluate` takes care of the other case."""
    return value


def _indent(value: bytes, count: str) -> bytes:
    """Put blanks before every line but the first, for a value that is placed into indented text."""
    if len(value) > MAX_VALUE_BYTES:
        return value  # too large anyway: the caller refuses it, and 8 MiB would become 264 here
    margin = b" " * int(count)
    if b"\r\r" in value or len(value) + len(margin) * value.count(b"\n") > MAX_VALUE_BYTES:
        return (b"\n" + margin).join(_BEFORE_TEXT.split(value))
    # This is many times as fast: put blanks before every line, and take them away again before empty ones. The end of
    # one empty line is the beginning of the next, so that takes two passes.
    indented = value.replace(b"\n", b"\n" + margin)
    for empty in (b"\n", b"\r\n") * 2:
        indented = indented.replace(b"\n" + margin + empty, b"\n" + empty)
    for end in (b"\n", b"\n\r"):
        if value.endswith(end):
            return indented.removesuffix(end[:1] + margin + end[1:]) + end
    return indented


def _lines(value: bytes) -> bytes:
    r"""Put line breaks for the two characters \n, as for a PEM file that was stored on one line."""
    return value.replace(b"\\n", b"\n")


def _int(value: bytes) -> bytes | Failure:
    if _INTEGER.fullmatch(value) and _MIN_INTEGER <= int(value) <= _MAX_INTEGER:
        return value
    return Failure("the value is not an integer of 64 bits; correct it in Vault, or leave `int` out")


def _bool(value: bytes) -> bytes | Failure:
    return (
        value
        if value in (b"true", b"false")
        else Failure("the value is neither true nor false; correct it in Vault, or leave `bool` out")
    )


FUNCTIONS: Final[Mapping[str, FunctionSpec]] = MappingProxyType(
    {
        "base64": FunctionSpec(base64.b64encode, "RFC 4648, without line breaks"),
        "base64decode": FunctionSpec(
            _base64decode,
            "the bytes behind base64 (RFC 4648), binary ones too. Line breaks, missing padding and the alphabet for "
            "URLs are accepted",
            units_a_byte=10,
        ),
        "bool": FunctionSpec(
            _bool, "the text, if it is `true` or `false`; at the end, a boolean in a custom resource", gives="boolean"
        ),
        "default": FunctionSpec(
            _keep,
            "TEXT, if the secret has no such *field*; a denied or failed read stays an error. TEXT is no place for a "
            "secret: it stands in the record, also when the reference is written in place. Messages, logs and the "
            "audit trail leave it out",
            ":TEXT",
            _is_any,
        ),
        "indent": FunctionSpec(
            _indent,
            f"every line but the first, indented by N blanks, at most {MAX_INDENT}",
            f":N with N from 0 to {MAX_INDENT}",
            _is_indent,
            units_a_byte=10,
        ),
        "int": FunctionSpec(
            _int,
            "the text, if it is a whole number of 64 bits; at the end, a number in a custom resource",
            gives="integer",
        ),
        "json": FunctionSpec(
            None,
            "the member of a JSON text that an RFC 6901 pointer names. The text has at most 100 levels and 100,000 "
            "parts (commas and opening brackets)",
            ":/POINTER (RFC 6901)",
            _is_pointer,
        ),
        "lines": FunctionSpec(
            _lines,
            "line breaks for the two characters `\\n`, as for a PEM file that is stored on one line",
            units_a_byte=8,
        ),
        "sha256": FunctionSpec(_sha256, "the SHA-256 digest, in lower-case hexadecimal"),
        "trim": FunctionSpec(_trim, "without white space at both ends"),
        "urlencode": FunctionSpec(
            _urlencode, "everything but RFC 3986's unreserved characters as %XX", units_a_byte=70
        ),
    }
)
