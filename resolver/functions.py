"""The functions of references: pure, hermetic, bytes in and bytes out.

No function reads a file, the environment or the network, and no error holds anything of a value.
"""

import base64
import hashlib
import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Literal

from resolver import escapes, jsontext
from resolver.errors import FunctionError, MissingField
from resolver.reference import Function, Reference
from resolver.signatures import SIGNATURES
from resolver.template import MAX_VALUE_BYTES
from resolver.value import SecretValue

__all__ = ["SIGNATURES", "evaluate", "reference_type"]

_ASCII_BLANKS = b" \t\n\r\v\f"
_INTEGER = re.compile(rb"0|-?[1-9][0-9]{0,18}")
# Kubernetes holds integers as int64.
_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**63 - 1
# What `base64` of the GNU coreutils and MIME put into the text, and RFC 4648's two alphabets where they differ.
_LINE_BREAKS = re.compile(rb"\r?\n")
_OF_MIME, _OF_URLS = re.compile(rb"[+/]"), re.compile(rb"[-_]")
_URLS_TO_MIME = bytes.maketrans(b"-_", b"+/")
_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")


def evaluate(reference: Reference, value: SecretValue | None) -> SecretValue:
    """Apply the reference's functions, left to right, to the value of its field (None: missing or null).

    A missing field takes the text of the first `default`, functions before it are skipped. Raises MissingField
    when there is none, FunctionError when a function cannot work on the value or gives more than 1 MiB.
    """
    functions = reference.functions
    if value is None:
        defaults = [index for index, function in enumerate(functions) if function.name == "default"]
        if not defaults:
            raise MissingField(reference)
        functions = functions[defaults[0] :]
        value = SecretValue(functions[0].argument or "")
    current = value.reveal()
    for function in functions:
        result = _apply(function, current)
        if isinstance(result, _Failure):
            raise FunctionError(reference, function.name, result.reason)
        current = result
    return SecretValue(current)


def reference_type(reference: Reference) -> Literal["string", "integer", "boolean"]:
    """Give the type that the last function makes of the value; text and anything else is a string."""
    match reference.functions:
        case (*_, Function(name="int")):
            return "integer"
        case (*_, Function(name="bool")):
            return "boolean"
        case _:
            return "string"


class _Failure:
    """Why a function could not work. Returned, not raised: no handler, no context that keeps the value."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def _apply(function: Function, value: bytes) -> bytes | _Failure:
    result = _FUNCTIONS[function.name](value, function.argument or "")
    if isinstance(result, bytes) and len(result) > MAX_VALUE_BYTES:
        return _Failure(f"the result is larger than {MAX_VALUE_BYTES} bytes")
    return result


def _base64(value: bytes, _argument: str) -> bytes:
    """RFC 4648 section 4, without line breaks."""
    return base64.b64encode(value)


def _base64decode(value: bytes, _argument: str) -> bytes | _Failure:
    """RFC 4648, sections 4 and 5: with line breaks or without, padded or not, in either alphabet but not in both.

    Blanks around it do not count. Everything else is strict: a character that belongs to neither alphabet is refused.
    """
    encoded = _LINE_BREAKS.sub(b"", value.strip(_ASCII_BLANKS))
    if _OF_URLS.search(encoded) and not _OF_MIME.search(encoded):
        encoded = encoded.translate(_URLS_TO_MIME)
    if not encoded.endswith(b"="):
        encoded += b"=" * (-len(encoded) % 4)
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except ValueError:
        return _Failure("the value is not base64 (RFC 4648)")
    # Python lets bits in the last character pass that stand for nothing (section 3.5).
    if base64.b64encode(decoded) != encoded:
        return _Failure("the value is not base64 (RFC 4648)")
    return decoded


def _json(value: bytes, pointer: str) -> bytes | _Failure:
    """RFC 6901: the value of the document at the pointer, by the rules for the values of fields."""
    try:
        document = jsontext.parse(value)
    except jsontext.TooManyParts:
        return _Failure(f"the value is JSON of more than {jsontext.MAX_PARTS} parts, which is more than is read")
    except ValueError:
        return _Failure("the value is not JSON that can be read")
    target: jsontext.JsonValue | None = document
    for token in pointer.split("/")[1:]:
        target = _member(target, token.replace("~1", "/").replace("~0", "~"))
    found = jsontext.field_value(target)
    if found is None:
        return _Failure(f"the value has nothing, or null, at {escapes.encode(pointer)}")
    return found.reveal()


def _member(parent: jsontext.JsonValue, name: str) -> jsontext.JsonValue:
    match parent:
        case dict():
            return parent.get(name)
        case list() if _INDEX.fullmatch(name) and int(name) < len(parent):
            return parent[int(name)]
        case _:
            return None


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
        return value  # `_apply` refuses it; indented first, 8 MiB would become 264
    first, *others = value.split(b"\n")
    margin = b" " * int(count)
    lines = [first, *(margin + line if line.strip(b"\r") else line for line in others)]
    return b"\n".join(lines)


def _lines(value: bytes, _argument: str) -> bytes:
    r"""Line breaks for the two characters \n: a PEM file that was stored on one line."""
    return value.replace(b"\\n", b"\n")


def _default(value: bytes, _argument: str) -> bytes:
    """Keep the value: the field is there. `evaluate` takes care of the other case."""
    return value


def _int(value: bytes, _argument: str) -> bytes | _Failure:
    if _INTEGER.fullmatch(value) and _MIN_INTEGER <= int(value) <= _MAX_INTEGER:
        return value
    return _Failure("the value is not an integer of 64 bits")


def _bool(value: bytes, _argument: str) -> bytes | _Failure:
    return value if value in (b"true", b"false") else _Failure("the value is neither true nor false")


_FUNCTIONS: Mapping[str, Callable[[bytes, str], bytes | _Failure]] = {
    "base64": _base64,
    "base64decode": _base64decode,
    "bool": _bool,
    "default": _default,
    "indent": _indent,
    "int": _int,
    "json": _json,
    "lines": _lines,
    "sha256": _sha256,
    "trim": _trim,
    "urlencode": _urlencode,
}
