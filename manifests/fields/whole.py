"""The annotations that ask for whole secrets: `keyhole.dev/from` and `keyhole.dev/env-from`, lists of paths in Vault.

    secret/app, vault+eu:secret/base

    paths = path *( "," path )            blanks around a path do not count
    path  = [ "vault" [ "+" connection ] ":" ] segment 1*( "/" segment )

Connection and segments are those of a reference, percent-encoded; in here, a comma in a path is %2C. A path has neither
a field nor a version: it stands for every field, and for the newest version.
"""

import re
from dataclasses import dataclass
from typing import Final

from resolver.references import paths as path_rules
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.reference import (
    DEFAULT_CONNECTION,
    MAX_REFERENCE_BYTES,
    EscapeError,
    Reference,
    is_connection,
    percent_decode,
    percent_encode,
)

MAX_PATHS: Final = 20
# A reference is the path, # and the name of a field, which as a key of Kubernetes has at most 253 characters.
MAX_PATH_BYTES: Final = MAX_REFERENCE_BYTES - 254
_SCHEME = re.compile(r"vault(?:\+(?P<connection>[^:\s#/,]*))?:")
# What ends the path of a reference, or begins one, cannot stand in a path.
_ENDS = re.compile(r"[#|(){}$]")
_ENDING = {"#": "a field or a version behind a path", "|": "a function behind a path"}
_PATH_EXPECTED = "the path of a secret, MOUNT/PATH"


@dataclass(frozen=True, slots=True)
class WholePath:
    """A secret of which every field is wanted. `path` is decoded. `str` gives the canonical text."""

    connection: str
    path: str

    def __str__(self) -> str:
        connection = "" if self.connection == DEFAULT_CONNECTION else f"+{self.connection}"
        return f"vault{connection}:{percent_encode(self.path, separator='#,')}"

    def reference(self, field: str) -> Reference:
        """Return the reference to the newest version of one field."""
        return Reference(self.path, field, self.connection)


def paths(text: str) -> tuple[WholePath, ...]:
    """Read a list of paths, in their order. Raises ReferenceSyntaxError.

    There are 1 to 20, and none of them twice.
    """
    found: list[WholePath] = []
    # Nobody reads on behind the first path too many: the text may have a quarter of a megabyte.
    parts = text.split(",", MAX_PATHS + 1)
    start = 0
    for part in parts[: MAX_PATHS + 1]:
        end = start + len(part)
        first = start + len(part) - len(part.lstrip())
        span = (first, max(first, start + len(part.rstrip())))
        if len(found) == MAX_PATHS:
            raise _error(text, span, "too many paths", f"at most {MAX_PATHS}")
        path = _path(text, *span)
        if path in found:
            raise _error(text, span, "a path that is there twice", "each path once")
        found.append(path)
        start = end + 1
    return tuple(found)


def _path(text: str, start: int, end: int) -> WholePath:
    if start == end:
        raise _error(text, (start, min(start + 1, len(text))), "no path", _PATH_EXPECTED)
    # Every further step takes longer for a longer text.
    if end - start > MAX_PATH_BYTES:
        raise _too_long(text, (start, end))
    connection, first = _connection(text, start, end)
    if (ending := _ENDS.search(text, first, end)) is not None:
        problem = _ENDING.get(ending[0], f"an unescaped {ending[0]} in a path")
        expected = "the path alone, or data.keyhole.dev/KEY for a single field"
        if ending[0] not in _ENDING:
            expected = percent_encode(ending[0])
        raise _error(text, ending.span(), problem, expected, (start, end))
    path = _decoded(text, start, first, end)
    whole = WholePath(connection, path)
    if len(str(whole).encode()) > MAX_PATH_BYTES:
        raise _too_long(text, (start, end))
    return whole


def _connection(text: str, start: int, end: int) -> tuple[str, int]:
    """Return the connection and where the path begins."""
    scheme = _SCHEME.match(text, start, end)
    if scheme is None:
        return DEFAULT_CONNECTION, start
    name = scheme["connection"]
    if name is None:
        return DEFAULT_CONNECTION, scheme.end()
    if not is_connection(name):
        expected = "at most 63 lower-case letters, digits and inner hyphens"
        span = (scheme.start("connection"), max(scheme.end("connection"), scheme.start("connection") + 1))
        raise _error(text, span, "a name that no connection can have", expected, (start, end))
    return name, scheme.end()


def _decoded(text: str, start: int, first: int, end: int) -> str:
    for offset in (first, end - 1):
        if first < end and text[offset] in " \t":
            span = (offset, offset + 1)
            raise _error(text, span, "a blank at the edge of a part", "%20 for a blank that counts", (start, end))
    try:
        decoded = percent_decode(text, first, end)
    except EscapeError as error:
        problem, expected, span = error.problem, error.expected, (error.start, error.end)
    else:
        try:
            path_rules.check(decoded.text)
        except path_rules.PathError as error:
            problem = f"a path that is not allowed ({error.reason})"
            expected, span = _PATH_EXPECTED, decoded.span(error.start, error.end)
        else:
            return decoded.text
    raise _error(text, span, problem, expected, (start, end))


def _too_long(text: str, span: tuple[int, int]) -> ReferenceSyntaxError:
    return _error(text, span, "a path that is too long", f"at most {MAX_PATH_BYTES} bytes")


def _error(
    text: str, span: tuple[int, int], problem: str, expected: str, around: tuple[int, int] | None = None
) -> ReferenceSyntaxError:
    return ReferenceSyntaxError(problem, expected, source=text, span=span, reference_span=around or span)
