"""A reference: the name of one value in Vault and what is made of it."""

import re
import unicodedata
from dataclasses import dataclass, replace

from resolver.references import escapes, functions, paths

MAX_REFERENCE_BYTES = 2048
MAX_FUNCTIONS = 8
MAX_REFERENCES = 1000  # in one object, hence also in one text of it
DEFAULT_CONNECTION = "default"

# A DNS label, RFC 1123 section 2.1: connections are named in configuration and in metric labels.
_CONNECTION = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_VERSION = re.compile(r"[1-9][0-9]{0,9}")
_FORBIDDEN_IN_FIELD = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Function:
    """One step of the chain behind a reference; `argument` is decoded, None where none was written."""

    name: str
    argument: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """One value in Vault. `path` and `field` are decoded; `version` None means the newest.

    Two references are equal when they ask for the same, however they were written. `str` gives the
    canonical text and raises ValueError where `format_reference` does.
    """

    path: str
    field: str
    connection: str = DEFAULT_CONNECTION
    version: int | None = None
    functions: tuple[Function, ...] = ()

    def __str__(self) -> str:
        return format_reference(self)

    @property
    def shown(self) -> str:
        """The canonical text as errors, logs and the audit trail have it: without the argument of `default`.

        That argument may become a field's value, and in place it is part of a Secret's data. What fills fields or
        recognises them again needs it, and takes `str`.
        """
        functions = tuple(replace(one, argument="") if one.name == "default" else one for one in self.functions)
        return format_reference(replace(self, functions=functions))


def is_connection(text: str) -> bool:
    """Say whether the text can name a connection: a DNS label of at most 63 characters."""
    return _CONNECTION.fullmatch(text) is not None


def is_version(text: str) -> bool:
    """Say whether the text is a version: 1 to 10 digits, the first not 0."""
    return _VERSION.fullmatch(text) is not None


def forbidden_in_field(field: str) -> int | None:
    """Give the index of the first character that no field may hold (line breaks and controls), or None."""
    if field.isascii() and field.isprintable():
        return None
    for index, character in enumerate(field):
        if unicodedata.category(character) in _FORBIDDEN_IN_FIELD:
            return index
    return None


def format_reference(reference: Reference) -> str:
    """Give the canonical text of a reference, always one line; parsing it gives an equal reference.

    Raises ValueError for a reference that no text can express.
    """
    if not is_connection(reference.connection):
        raise ValueError("the connection of a reference is a DNS label")
    paths.check(reference.path)
    if not reference.field or forbidden_in_field(reference.field) is not None:
        raise ValueError("the field of a reference is a text without control characters")
    if reference.version is not None and not is_version(str(reference.version)):
        raise ValueError("the version of a reference is a positive integer of at most 10 digits")
    if len(reference.functions) > MAX_FUNCTIONS:
        raise ValueError(f"a reference has at most {MAX_FUNCTIONS} functions")
    text = _format(reference)
    if len(text.encode()) > MAX_REFERENCE_BYTES:
        raise ValueError(f"a reference has at most {MAX_REFERENCE_BYTES} bytes")
    return text


def _format(reference: Reference) -> str:
    connection = "" if reference.connection == DEFAULT_CONNECTION else f"+{reference.connection}"
    path, field = (escapes.encode(part, separator="#") for part in (reference.path, reference.field))
    version = "" if reference.version is None else f"#{reference.version}"
    functions = "".join(f" | {_format_function(function)}" for function in reference.functions)
    return f"vault{connection}:{path}#{field}{version}{functions}"


def _format_function(function: Function) -> str:
    functions.check(function.name, function.argument)
    return function.name if function.argument is None else f"{function.name}:{escapes.encode(function.argument)}"
