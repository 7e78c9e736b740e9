"""Connections: whether the webhook's own file has the one that a reference names, and lets the namespace there."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from resolver.connections.allow import AllowPattern
from review.findings.finding import Finding
from review.findings.rule import Severity
from review.lint.catalogue import NOT_ALLOWED, UNKNOWN_CONNECTION
from review.lint.judges.connection import Connection, Location, Refused, Unknown, possible, shown
from review.lint.objects import named
from review.lint.uses import Use
from review.sources.text import NotChecked

if TYPE_CHECKING:
    from review.lint.tree import Tree

_ANY: Final = "+"
_NAMESPACE: Final = "{namespace}"
_NO_NAMESPACE: Final = (
    "no file says in which namespace the object will be, and what the connection allows depends on it"
)
_NO_MOUNT: Final = "the connections file does not name its mount, and what it allows depends on where the mount ends"


@dataclass(frozen=True, slots=True)
class Allowed:
    """The judge. `connections` are those of the file, by name."""

    connections: Mapping[str, Connection]

    def __call__(self, tree: "Tree") -> Iterator[Finding | NotChecked]:
        """Yield what the file would refuse, and what cannot be told."""
        unknown = Unknown()
        for use in tree.uses:
            yield from self._judge(use, unknown)
        yield from unknown.told()

    def _judge(self, use: Use, unknown: Unknown) -> Iterator[Finding]:
        name = use.reference.connection
        connection = self.connections.get(name)
        if connection is None:
            message = f"there is no connection {named(name)!r}{_meant(name, self.connections)}"
            yield use.spot.finding(UNKNOWN_CONNECTION, message)
            return
        found = connection.locate(use)
        if isinstance(found, Refused):
            yield use.spot.finding(NOT_ALLOWED, found.reason)
            return
        if found is None and connection.mounts:
            yield self._other_mount(use, connection)
        answers = {self._answer(connection, place, use.namespace) for place in _places(use, found)}
        if answers == {False}:
            allowed = ", ".join(map(str, connection.allow or ())) or "nothing"
            who = f" in namespace {use.namespace}" if use.namespace else ", whatever its namespace"
            message = f"{shown(use)} is outside of what the connection allows{who}: {named(allowed)}"
            yield use.spot.finding(NOT_ALLOWED, message)
        elif answers != {True}:
            unknown.add(use, _NO_NAMESPACE if None in answers else _NO_MOUNT)

    def _other_mount(self, use: Use, connection: Connection) -> Finding:
        mounts = ", ".join(sorted(connection.mounts))
        first = use.reference.path.partition("/")[0]
        message = (
            f"{shown(use)} is on none of the connection's mounts ({named(mounts)}){_meant(first, connection.mounts)}"
        )
        return use.spot.finding(NOT_ALLOWED, message).told_as(Severity.WARNING)

    @staticmethod
    def _answer(connection: Connection, path: str, namespace: str) -> bool | None:
        """Return whether a canonical path is allowed; None if that depends on a namespace that nobody says."""
        if connection.allow is None:
            return True
        segments = path.split("/")
        if namespace:
            return any(pattern.matches(segments, namespace) for pattern in connection.allow)
        if any(_NAMESPACE not in pattern.segments and pattern.matches(segments, "") for pattern in connection.allow):
            return True
        return None if any(_in_some(pattern).matches(segments, "") for pattern in connection.allow) else False


def _places(use: Use, found: Location | None) -> Sequence[str]:
    """Return the paths that a connection may have to allow: one if the mount is known."""
    if found is not None:
        return [found.canonical]
    return list(dict.fromkeys(place.canonical for place in possible(use.reference.path)))


def _in_some(pattern: AllowPattern) -> AllowPattern:
    segments = tuple(_ANY if segment == _NAMESPACE else segment for segment in pattern.segments)
    return AllowPattern(segments, pattern.is_open)


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {named(near[0])}?" if near else ""
