"""Addresses by which somebody might try to see more than they may."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from tests.e2e.page.names import SEEN, Names

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Forged:
    """A request, but for its token."""

    target: str
    method: str = "GET"
    headers: Headers = ()


def forged(names: Names, commits: Sequence[str], position: str) -> Sequence[Forged]:
    """Return requests for what these names stand for. `position` is one behind which the hidden changes are."""
    found = [*_views(names, commits), *_filters(names, commits, position)]
    return [
        *map(Forged, dict.fromkeys(found)),
        *(Forged(each, "HEAD") for each in found[::3]),
        *(Forged(each, method) for each in found[:2] for method in ("POST", "PUT", "OPTIONS", "TRACE", "DELETE", "X")),
        *_with_headers(names),
    ]


def _views(names: Names, commits: Sequence[str]) -> Iterator[str]:
    namespace, name = names.namespace, names.object
    plain = [
        f"/namespace/{namespace}",
        f"/object/{namespace}/Secret/{name}",
        f"/object/{namespace}/Secret/db",
        f"/object/{SEEN}/Secret/{name}",
        f"/person?name={names.person}",
        *(f"/commit/deploy/{each}" for each in commits),
        *(f"/commit/deploy/{each[:10]}" for each in commits),
        f"/commit/{names.file}/{commits[-1]}",
        "/compliance",
        "/standards",
    ]
    for each in plain:
        yield each
        for form in ("json", "csv", "html", "xml"):
            yield f"{each}{'&' if '?' in each else '?'}format={form}"
    for one in (f"/namespace/{namespace}", f"/object/{namespace}/Secret/{name}", f"/commit/deploy/{commits[-1]}"):
        yield from _tricks(one)


def _tricks(path: str) -> Iterator[str]:
    view, last = path.rsplit("/", 1)
    yield from (
        path.upper(),
        f"/{path}",
        f"{path}/",
        f"{path}//",
        f"{view}/./{last}",
        f"{view}/../{view.lstrip('/')}/{last}",
        f"{view}/%2e%2e/{last}",
        f"{view}%2f{last}",
        f"{view}/{last}%00",
        f"{view}/{last}%0a",
        f"{view}/{last};{SEEN}",
        f"{view}/{last}?",
        f"{view}/{''.join(f'%{ord(each):02x}' for each in last)}",
        f"{view}/{quote(quote(last[0], safe='') + last[1:])}%2520",
        f"{view}/{''.join(chr(ord(each) + 0xFEE0) if each.isalnum() else each for each in last)}".encode()
        .decode("latin-1")
        .encode("ascii", "backslashreplace")
        .decode(),
        f"{view}/{quote(chr(0x202E) + last)}",
        f"{view}/{last}%25",
        f"{view}/*",
        f"{view}/%25",
        f"{view}/{quote(chr(39))}%20OR%201=1--",
    )


def _filters(names: Names, commits: Sequence[str], position: str) -> Iterator[str]:
    told = {
        "namespace": names.namespace,
        "kind": "Secret",
        "name": names.object,
        "requester": names.person,
        "reference": names.reference,
        "commit": commits[-1],
        "behind": position,
    }
    for key, value in told.items():
        for form in ("", "json", "csv"):
            yield "/?" + urlencode({key: value, **({"format": form} if form else {})})
        yield "/?" + urlencode({key: value, "namespace" if key != "namespace" else "name": SEEN})
        for odd in (value.upper(), f" {value}", f"{value}%", f"{value}*", f"{value[:-1]}_", f"' OR '1'='1' -- {value}"):
            yield "/?" + urlencode({key: odd})
        yield f"/?{key}={quote(quote(value, safe=''), safe='')}"
        yield f"/?{key}[]={quote(value)}"
        yield f"/namespace/{SEEN}?" + urlencode({key: value})
    for query in (
        f"namespace={SEEN}&namespace={names.namespace}",
        f"namespace={names.namespace}&namespace={SEEN}",
        f"namespace={SEEN},{names.namespace}",
        f"namespace={SEEN}%00{names.namespace}",
        f"namespaces={names.namespace}",
        f"namespace=&requester={names.person}",
        f"since=1970-01-01&until=2999-01-01&requester={names.person}",
        "namespace=",
        "namespace=*",
        "namespace=%25",
        "behind=9223372036854775807-9223372036854775807",
        "behind=9223372036854775808-1",
        "behind=-1--1",
        "reference=vault:secret/",
        f"reference={quote(names.reference.partition('#')[0])}",
    ):
        yield f"/?{query}"
    for behind in (position, "9223372036854775807-1"):
        yield f"/object/{SEEN}/Secret/db?behind={behind}"
        yield f"/namespace/{names.namespace}?behind={behind}"
        yield f"/person?name={names.person}&behind={behind}"


def _with_headers(names: Names) -> Iterator[Forged]:
    path = f"/namespace/{names.namespace}"
    for header, value in (
        ("X-Original-URL", path),
        ("X-Rewrite-URL", path),
        ("X-Forwarded-Prefix", path),
        ("X-Forwarded-User", names.person),
        ("X-Forwarded-Host", names.namespace),
        ("X-HTTP-Method-Override", "PUT"),
        ("Impersonate-User", names.person),
        ("Impersonate-Group", "system:masters"),
        ("X-Remote-Group", "system:masters"),
        ("Accept", "application/json"),
        ("Range", "bytes=0-10"),
        ("Cookie", f"namespace={names.namespace}; keyhole-page={names.namespace}"),
        ("Host", names.namespace),
    ):
        for target in ("/", path):
            yield Forged(target, headers=[(header, value)])
