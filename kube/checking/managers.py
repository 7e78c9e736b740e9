"""Who wrote what of an object, as its field managers say: names of fields, and no values.

Source: Kubernetes, *Server-Side Apply*, *Field management*. Clients own what they sent. Nobody owns what a webhook
added.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kube.documents import Document, entries, part, text

_PREFIX: Final = "f:"
# What a client wrote as text is owned under that name.
_KEYS: Final = ("f:data", "f:stringData")


@dataclass(frozen=True, slots=True)
class Manager:
    """A field manager, and what it owns: `keys` of data, and names of annotations.

    `operation` is Apply or Update. `time` is when it wrote last; None if that cannot be read.
    """

    name: str
    operation: str
    subresource: str
    time: datetime | None
    keys: tuple[str, ...]
    annotations: tuple[str, ...]


def managers_of(metadata: Document) -> tuple[Manager, ...] | None:
    """Return the field managers in an object's metadata; None if it has none, for instance because they were removed.

    Every object that a client wrote has one at least.
    """
    found = entries(metadata, "managedFields")
    return tuple(map(_manager, found)) or None


def _manager(entry: Document) -> Manager:
    fields = part(entry, "fieldsV1")
    keys = dict.fromkeys(key for name in _KEYS for key in _members(part(fields, name)))
    return Manager(
        text(entry, "manager"),
        text(entry, "operation"),
        text(entry, "subresource"),
        moment(text(entry, "time")),
        tuple(sorted(keys)),
        tuple(sorted(_members(part(fields, "f:metadata", "f:annotations")))),
    )


def _members(owned: Document) -> Iterator[str]:
    return (name.removeprefix(_PREFIX) for name in owned if name.startswith(_PREFIX))


def moment(written: str) -> datetime | None:
    """Return a time as the API server writes it; None if that is none."""
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
