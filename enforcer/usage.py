"""Which references manifests hold, read as admission reads them."""

import base64
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from enforcer.documents import Document
from enforcer.unsupported import references_elsewhere
from manifests.fields import scan_secret
from resolver.grammar import Reference

_LONGEST_LIST = 5


@dataclass(frozen=True, slots=True)
class Used:
    """A reference, and the first place where it stands."""

    reference: Reference
    place: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a look at manifests found, for one namespace and connection.

    `findings` are what admission would refuse; `notes` say what was left out, and why.
    """

    used: Sequence[Used]
    findings: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(slots=True)
class _Survey:
    namespace: str
    connection: str
    used: dict[Reference, Used] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    foreign: Counter[str] = field(default_factory=Counter)

    def look_at(self, place: str, manifest: Mapping[str, Any]) -> None:
        metadata = manifest.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        namespace = metadata.get("namespace") or self.namespace
        name = metadata.get("name") or "(no name)"
        where = f"{place}, {manifest['kind']} {namespace}/{name}"
        is_secret = (manifest["apiVersion"], manifest["kind"]) == ("v1", "Secret")
        if namespace != self.namespace:
            self.foreign[str(namespace)] += is_secret
        elif is_secret:
            self._secret(where, manifest)
        else:
            for origin in references_elsewhere(manifest):
                self.notes.append(f"{where}, {origin}: left out, Keyhole fills Secrets only")

    def _secret(self, where: str, manifest: Mapping[str, Any]) -> None:
        problems = list(_wrong_types(manifest))
        if problems:
            self.findings += [f"{where}, {problem}" for problem in problems]
            return
        scan = scan_secret(as_admitted(manifest))
        self.findings += [f"{where}, {problem.origin}: {problem.message}" for problem in scan.problems]
        self.notes += [f"{where}, {warning}" for warning in scan.warnings]
        for want in scan.wants:
            for reference in want.filling.references:
                self._reference(f"{where}, {want.origin}", reference)

    def _reference(self, place: str, reference: Reference) -> None:
        if reference.connection != self.connection:
            self.notes.append(f"{place}: left out, {reference.shown} is of the connection {reference.connection}")
        else:
            self.used.setdefault(reference, Used(reference, place))

    def usage(self) -> Usage:
        if total := self.foreign.total():
            names = sorted(name for name, count in self.foreign.items() if count)
            shown = ", ".join(names[:_LONGEST_LIST]) + (", …" if len(names) > _LONGEST_LIST else "")
            self.notes.append(f"Secrets of other namespaces left out: {total} ({shown})")
        return Usage(list(self.used.values()), self.findings, list(dict.fromkeys(self.notes)))


def survey(documents: Iterable[Document], namespace: str, connection: str) -> Usage:
    """Find the references of a namespace's Secrets to a connection; objects without a namespace are taken as its own.

    What is no Kubernetes object (a file of values, say) is passed over.
    """
    found = _Survey(namespace, connection)
    for document in documents:
        for place, manifest in _objects(str(document), document.content):
            found.look_at(place, manifest)
    return found.usage()


def as_admitted(secret: Mapping[str, Any]) -> Mapping[str, Any]:
    """Merge a Secret's `stringData` into its base64 `data`, as the API server does before it asks a webhook."""
    plain = {
        key: base64.b64encode((text or "").encode(errors="replace")).decode()
        for key, text in _part(secret, "stringData").items()
    }
    return {**secret, "data": {**_part(secret, "data"), **plain}}


def _objects(place: str, content: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the objects of a document: itself, or the items of a list (`kubectl get -o yaml` writes such)."""
    if not isinstance(content, dict):
        return
    if not all(isinstance(content.get(name), str) for name in ("apiVersion", "kind")):
        return
    items = content.get("items")
    if content["kind"].endswith("List") and isinstance(items, list):
        for number, item in enumerate(items, 1):
            if isinstance(item, dict):
                # In a list of one kind, as the API server sends it, the items do not say theirs.
                kind = content["kind"].removesuffix("List")
                yield from _objects(f"{place}, item {number}", {"apiVersion": "v1", "kind": kind, **item})
    else:
        yield place, content


def _wrong_types(secret: Mapping[str, Any]) -> Iterator[str]:
    """Say which members that are read below do not have the type that the API server wants."""
    metadata = secret.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        yield "metadata: is no map"
        return
    for path, holder, name in (
        ("annotation", metadata or {}, "annotations"),
        ("data.", secret, "data"),
        ("stringData.", secret, "stringData"),
    ):
        part = holder.get(name)
        if part is not None and not isinstance(part, dict):
            yield f"{name}: is no map"
            continue
        for key, text in (part or {}).items():
            if not isinstance(key, str) or not (text is None or isinstance(text, str)):
                separator = " " if path == "annotation" else ""
                yield f"{path}{separator}{key}: is no string; put it in quotes"


def _part(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = manifest.get(name)
    return part if isinstance(part, dict) else {}
