"""A trail of a large cluster, written by the webhook's own writer.

A change costs most. In a real trail most admissions change nothing: GitOps clients apply the same again and again.
"""

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Final

from audit.entry import AuditEntry, Done, FieldEntry, OriginEntry, ReferenceEntry, Requester
from audit.key import AuditKey
from audit.line import Event, Head, lay_out, sign

NAMESPACES: Final = 1_000
OBJECTS: Final = 5
REQUESTERS: Final = 20
BEGINS: Final = datetime(2026, 1, 1, tzinfo=UTC)
_KEY: Final = AuditKey.of(bytes(range(32)))


def write(file: Path, lines: int, every: int = 1) -> None:
    """Write a trail of so many admissions, one a second, each of one object with one or two fields.

    One in `every` changes something.
    """
    head = Head.none(f"{17:032x}")
    with file.open("wb") as stream:
        for entry in _entries(lines, every):
            (record,) = lay_out(entry)
            text, head = sign(_KEY, Event.ADMISSION, head, record)
            stream.write(text)


def namespace(number: int) -> str:
    """Return the name of a namespace."""
    return f"team-{number:04d}"


def requester(number: int) -> str:
    """Return the name of a requester."""
    return f"system:serviceaccount:flux-system:kustomize-{number}"


def reference(of: str, number: int) -> str:
    """Return a reference of a namespace."""
    return f"vault:secret/{of}/app#key-{number}"


def _entries(count: int, every: int) -> Iterator[AuditEntry]:
    chance = random.Random(17)
    for number in range(count):
        of = namespace(chance.randrange(NAMESPACES))
        version = number // NAMESPACES + 2
        field = _kept if number % every else _changed
        yield AuditEntry(
            time=BEGINS + timedelta(seconds=number),
            uid=_uuid(chance),
            requester=Requester(requester(chance.randrange(REQUESTERS)), "", ("system:authenticated",)),
            group="",
            kind="Secret",
            namespace=of,
            name=f"app-{chance.randrange(OBJECTS)}",
            operation="UPDATE",
            dry_run=False,
            allowed=True,
            status=HTTPStatus.OK,
            milliseconds=4.2,
            identity=f"system:serviceaccount:{of}:keyhole",
            origin=OriginEntry("flux-kustomization", "flux-system", of),
            fields=[field(chance, of, each, version) for each in range(chance.choice((1, 1, 2)))],
        )


def _changed(chance: random.Random, of: str, number: int, version: int) -> FieldEntry:
    text = reference(of, number)
    now, before = ReferenceEntry(text, version, _uuid(chance)), ReferenceEntry(text, version - 1)
    return FieldEntry(f"/data/key-{number}", "annotation", Done.RESOLVED, (now,), before=(before,))


def _kept(_chance: random.Random, of: str, number: int, version: int) -> FieldEntry:
    return FieldEntry(f"/data/key-{number}", "annotation", Done.KEPT, (ReferenceEntry(reference(of, number), version),))


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128)))
