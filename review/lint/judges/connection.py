"""What judges know of a Vault connection, from the webhook's own file or by default."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from review.lint.objects import named
from review.lint.uses import Use
from review.sources.text import NotChecked

if TYPE_CHECKING:
    from resolver.connections.allow import AllowPattern

V2: Final = 2
_DATA: Final = "data"


@dataclass(frozen=True, slots=True)
class Location:
    """A secret on a mount of a known version. `path` has no `data/`."""

    mount: str
    version: int
    path: str

    @property
    def canonical(self) -> str:
        """Mount and path as one path, as connections allow them."""
        return f"{self.mount}/{self.path}"

    @property
    def read_path(self) -> str:
        """The path of Vault's API that has the values."""
        return f"{self.mount}/{_DATA}/{self.path}" if self.version == V2 else self.canonical

    @property
    def metadata_path(self) -> str | None:
        """The path of Vault's API that has the versions, by which Keyhole follows; None on KV v1."""
        return f"{self.mount}/metadata/{self.path}" if self.version == V2 else None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why admission would refuse the reference on this mount."""

    reason: str


def _default_policy(namespace: str) -> str:
    return f"keyhole-{namespace}"


def _nowhere(_use: Use) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection as far as references are judged by it.

    `allow` is None for everything. `policy` gives the name of the policy that the identity of a namespace has.
    `locate` says where a reference leads; None if the file does not name its mount.
    """

    allow: "Sequence[AllowPattern] | None" = None
    mounts: Mapping[str, int] = field(default_factory=dict)
    policy: Callable[[str], str] = _default_policy
    locate: Callable[[Use], Location | Refused | None] = _nowhere


ASSUMED: Final = Connection()
"""A connection of which nothing is known."""


def possible(path: str) -> Iterator[Location]:
    """Yield where a path could lead, if it is not known which part of it is the mount: every KV v2 first."""
    segments = path.split("/")
    for length in range(1, len(segments)):
        mount, below = segments[:length], segments[length:]
        if below[0] == _DATA and len(below) > 1:
            below = below[1:]
        yield Location("/".join(mount), V2, "/".join(below))
    yield Location(segments[0], 1, "/".join(segments[1:]))


@dataclass(slots=True)
class Unknown:
    """Collects what could not be judged, and tells each reason once a file."""

    _told: dict[tuple[str, str], tuple[Use, int]] = field(default_factory=dict)

    def add(self, use: Use, reason: str) -> None:
        """Take note of a reference that could not be judged."""
        key = (use.spot.place.file, reason)
        first, count = self._told.get(key, (use, 0))
        self._told[key] = first, count + 1

    def told(self) -> Iterator[NotChecked]:
        """Yield them, each where it is first."""
        for (_, reason), (use, count) in self._told.items():
            more = f" (and {count - 1} more in this file)" if count > 1 else ""
            yield NotChecked(use.spot.place, f"{shown(use)}{more}: {reason}")


def shown(use: Use) -> str:
    """Return the connection and path of a reference, for a message."""
    connection = use.reference.connection
    prefix = "" if connection == "default" else f"{named(connection)}:"
    return prefix + named(use.reference.path)
