"""Indexes for the page's tests: a week that people would recognise, and one in which every name is hostile."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from audit.entry import AuditEntry, Done, FieldEntry, OriginEntry, Requester
from changes.history import reading
from changes.index.index import Index
from tests.changes import sample
from tests.changes.history.repositories import Repository
from tests.changes.sample import ref, resolved

NOW = datetime.now(UTC).replace(microsecond=0)
APPS = OriginEntry("flux-kustomization", "flux-system", "apps")
CONTROLLER = Requester("system:serviceaccount:shop:keyhole-reconciler")
DB = "vault:secret/shop/db#password"
DB_EU = "vault:secret/shop/db-eu#password"
MAIL = "vault:secret/shop/mail#host"
CACHE = "vault:secret/shop/cache#"
STRIPE = "vault:secret/payments/stripe#"
SSO = "vault:secret/identity/sso#"
HOSTILE = (
    *sample.HOSTILE,
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "محفظة-الدفع",
    "a?x=1&y=2#z %2F",
)


def ordinary() -> Sequence[AuditEntry]:
    """Return a week of three namespaces, oldest first: people, Flux, Argo CD, rotations, removals."""
    db = replace(sample.entry("shop", "db", sample.FLUX, APPS), operation="CREATE")
    stripe = sample.entry("payments", "stripe", sample.ARGOCD, OriginEntry("argocd", "argocd", "payments"))
    settings = sample.entry("shop", "settings", sample.BOB, kind="ConfigMap")
    url = replace(
        resolved("/data/url", f"{CACHE}user", 1, [ref(f"{CACHE}password", 3)]),
        references=(
            *resolved("/data/url", f"{CACHE}user", 1).references,
            *resolved("/data/url", f"{CACHE}password | urlencode", 3).references,
        ),
    )
    tls = replace(
        sample.entry("shop", "web", sample.ALICE, kind="HelmRelease"),
        group="helm.toolkit.fluxcd.io",
        operation="UPDATE",
    )
    old = FieldEntry("/data/app.yaml", "annotation", Done.REMOVED, before=[ref(MAIL, 2)])
    keys = ("key", "webhook")
    clients = [f"client-{number:02}" for number in range(9)]
    changes = [
        (170, replace(db, fields=[resolved("/data/password", DB, 1)])),
        (150, replace(stripe, operation="CREATE", fields=[resolved(f"/data/{key}", STRIPE + key, 7) for key in keys])),
        (100, replace(db, requester=CONTROLLER, operation="UPDATE",
                      fields=[resolved("/data/password", DB, 2, [ref(DB, 1)])])),
        (74, replace(sample.entry("shop", "session", sample.ALICE), fields=[url])),
        (51, replace(settings, fields=[resolved("/data/app.yaml", MAIL, 2)])),
        (27, replace(db, operation="UPDATE", fields=[resolved("/data/password", DB_EU, 1, [ref(DB, 2)])])),
        (26, replace(settings, fields=[old])),
        (3, replace(stripe,
                    fields=[resolved(f"/data/{key}", STRIPE + key, 8, [ref(STRIPE + key, 7)]) for key in keys])),
        (1, replace(tls,
                    fields=[resolved("/spec/values/tls", "vault:pki/shop#cert", 4, [ref("vault:pki/old#cert", 3)])])),
        (0.2, replace(sample.entry("identity", "sso", replace(CONTROLLER, username="bob@example.com")),
                      fields=[resolved(f"/data/{each}", SSO + each, 5, [ref(SSO + each, 4)]) for each in clients])),
    ]  # fmt: skip
    return [
        replace(entry, time=NOW - timedelta(hours=hours), uid=str(uuid.UUID(int=number)))
        for number, (hours, entry) in enumerate(changes, 1)
    ]


def hostile() -> Sequence[AuditEntry]:
    """Return changes in which every name that somebody else gives is hostile."""
    return [
        replace(
            sample.entry(text, text, Requester(text), OriginEntry("argocd", text, text), kind=text),
            time=NOW - timedelta(minutes=number),
            uid=text,
            group=text,
            identity=text,
            fields=[resolved(f"/data/{text}", f"vault:{text}", 2, [ref(f"vault:old-{text}", 1)])],
        )
        for number, text in enumerate(HOSTILE)
    ]


def repository(folder: Path) -> Repository:
    """Return a repository with the manifests of the ordinary week: what people and Flux applied, but not all of it."""
    made = Repository(folder)

    def commit(hours: float, author: str, message: str, files: Mapping[str, str]) -> None:
        time = int((NOW - timedelta(hours=hours)).timestamp())
        made.commit(files, time=time, author=f"{author} <{author.lower()}@example.com>", message=message)

    commit(200, "Ada", "Shop: the database's password comes from Vault", {"shop/db.yaml": manifest("db", password=DB)})
    stripe = manifest("stripe", "payments", key=f"{STRIPE}key", webhook=f"{STRIPE}webhook")
    commit(151, "Grace", "Payments: Stripe", {"payments/stripe.yaml": stripe})
    url = f"redis://(({CACHE}user)):(({CACHE}password | urlencode))@cache"
    commit(75, "Ada", "The session cache has a user", {"shop/session.yaml": manifest("session", url=url)})
    commit(28, "Ada", "Move the shop's database to Europe", {"shop/db.yaml": manifest("db", password=DB_EU)})
    return made


def manifest(name: str, namespace: str = "shop", **fields: str) -> str:
    annotations = "".join(f"    data.keyhole.dev/{key}: {text}\n" for key, text in fields.items())
    head = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: {namespace}\n"
    return f"{head}  annotations:\n{annotations}"


def index(folder: Path, entries: Iterable[AuditEntry], history: Path | None = None) -> Path:
    """Return the file of an index that has these admissions, and the history of a repository as `deploy`."""
    trail, file = sample.write(folder / "audit.log", entries), folder / "index.sqlite"
    made = Index(file)
    made.read_file(trail)
    if history is not None:
        reading.read(made.database, history, "deploy")
    made.close()
    return file
