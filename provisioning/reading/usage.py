"""The references in manifests, read in the same way as admission reads them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from manifests.annotations import DATA_PREFIX, DOMAIN, FIELDS, FROM, ignored
from manifests.fields.scan import scan_object
from manifests.kinds.codec import Codec
from manifests.kinds.known import ONLY_SECRETS, Kinds
from provisioning.reading.documents import Document, PassedOver
from provisioning.reading.kustomization import (
    file_name,
    files_of,
    generated_by,
    left_out,
    others_with_references,
    pointer,
)
from provisioning.reading.pod_templates import PodTemplate, pod_templates
from provisioning.reading.told import Told
from provisioning.reading.unsupported import references_elsewhere
from resolver.references.characters import named
from resolver.references.grammar import Reference
from review.sources.kustomization import Generated

_LONGEST_LIST = 5
_TEMPLATE = "{{"
_RENDER = "render it first"


@dataclass(frozen=True, slots=True)
class Used:
    """A reference and its first place."""

    reference: Reference
    place: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What was found in manifests, for one namespace and connection.

    `findings` are what admission would refuse; `passed_over` is what was not read although references stand in it, or
    may; `notes` say what else was left out, and why. Each has 1,000 entries at most, and then how many more there are.
    """

    used: Sequence[Used]
    findings: Sequence[str] = ()
    passed_over: Sequence[str] = ()
    notes: Sequence[str] = ()


@dataclass(slots=True)
class _Survey:
    namespace: str
    connection: str
    kinds: Kinds
    used: dict[Reference, Used] = field(default_factory=dict)
    findings: Told = field(default_factory=Told)
    passed_over: Told = field(default_factory=Told)
    notes: Told = field(default_factory=Told)
    foreign: Counter[str] = field(default_factory=Counter)

    def look_at(self, place: str, manifest: Any) -> None:
        if not _is_object(manifest):
            for origin in references_elsewhere(manifest):
                self.passed_over.say(f"{place}, {origin or '/'}: passed over, this is no Kubernetes object")
            return
        metadata = _part(manifest, "metadata")
        namespace = str(metadata.get("namespace") or self.namespace)
        name = named(str(metadata["name"])) if metadata.get("name") else "(no name)"
        where = f"{place}, {named(manifest['kind'])} {named(namespace)}/{name}"
        group, _, version = manifest["apiVersion"].rpartition("/")
        codec = self.kinds.of(group, manifest["kind"])
        codec = codec if codec is not None and not {version, "*"}.isdisjoint(codec.versions) else None
        templates = [*pod_templates(manifest)]
        if namespace != self.namespace and _TEMPLATE not in namespace:
            self.foreign[namespace] += codec is not None or any(one.asked_for()[0] for one in templates)
            return
        for template in templates:
            self._variables(where, template)
        if codec is not None:
            self._filled(codec, where, manifest)
            return
        for name in filter(_fills, _annotations_of_any(manifest)):
            what = f"{named(manifest['kind'])} is filled only if the list of kinds names it (--kinds)"
            self.findings.say(f"{where}, annotation {named(name)}: {what}")
        for origin in references_elsewhere(manifest):
            if not any(template.reads(origin) for template in templates):
                self.passed_over.say(f"{where}, {origin}: passed over, Keyhole fills nothing there")

    def kustomization(self, document: Document, objects: Sequence[Generated]) -> None:
        for made in objects:
            self.look_at(f"{document}, {pointer(made.path)}", made.manifest)
        self.passed_over.say(*(f"{document}, {text}" for text in left_out(objects)))
        for part in others_with_references(document.content):
            what = f"{named(part)}: passed over, something like a reference stands in it, {_RENDER}"
            self.passed_over.say(f"{document}, {what}")

    def _filled(self, codec: Codec, where: str, manifest: Mapping[str, Any]) -> None:
        problems = list(_wrong_types(codec, manifest))
        if problems:
            self.findings.say(*(f"{where}, {problem}" for problem in problems))
            return
        for origin in _templates(manifest):
            self.passed_over.say(f"{where}, {origin}: passed over, {_TEMPLATE} is of a template, {_RENDER}")
        found = scan_object(codec, as_admitted(codec, manifest))
        self.findings.say(*(f"{where}, {problem.origin}: {problem.message}" for problem in found.problems))
        self.notes.say(*(f"{where}, {warning}" for warning in found.warnings))
        for wanted in found.wanted:
            for reference in wanted.template.references:
                self._reference(f"{where}, {wanted.origin}", reference)
        for path in found.whole:
            self._reference(f"{where}, annotation {FROM}", path.reference(""))

    def _variables(self, where: str, template: PodTemplate) -> None:
        asked, problems, warnings = template.asked_for()
        self.findings.say(*(f"{where}, {problem}" for problem in problems))
        self.notes.say(*(f"{where}, {warning}" for warning in warnings))
        for one in asked:
            if _TEMPLATE in one.field.text:
                told = f"{where}, {one.field.origin}: passed over, {_TEMPLATE} is of a template, {_RENDER}"
                self.passed_over.say(told)
            for reference in one.field.template.references:
                self._reference(f"{where}, {one.field.origin}", reference)

    def _reference(self, place: str, reference: Reference) -> None:
        if reference.connection != self.connection:
            self.notes.say(f"{place}: left out, {reference.shown} is of the connection {reference.connection}")
        else:
            self.used.setdefault(reference, Used(reference, place))

    def usage(self) -> Usage:
        if total := self.foreign.total():
            names = sorted(name for name, count in self.foreign.items() if count)
            shown = ", ".join(map(named, names[:_LONGEST_LIST])) + (", …" if len(names) > _LONGEST_LIST else "")
            self.notes.say(f"objects of other namespaces left out: {total} ({shown})")
        return Usage(list(self.used.values()), self.findings.all(), self.passed_over.all(), self.notes.all())


def survey(
    documents: Iterable[Document | PassedOver], namespace: str, connection: str, kinds: Kinds = ONLY_SECRETS
) -> Usage:
    """Find the references of a namespace's objects to a connection. Objects without a namespace count as its own.

    The files of which a kustomization generates objects are read with it. What holds no reference is not told of: a
    file of values, say, or a generator of other things.
    """
    found = _Survey(namespace, connection, kinds)
    read = [(one, generated_by(one) if isinstance(one, Document) else None) for one in documents]
    taken = {name for document, objects in read for name in files_of(document.source, objects or ())}
    for document, objects in read:
        is_taken = file_name(document.source) in taken
        if isinstance(document, PassedOver):
            if not is_taken:
                found.passed_over.say(str(document))
        elif objects is not None:
            found.kustomization(document, objects)
        elif not is_taken or _is_object(document.content):
            for place, manifest in _members(str(document), document.content):
                found.look_at(place, manifest)
    return found.usage()


def as_admitted(codec: Codec, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a manifest with correct types as the API server would pass it to a webhook."""
    metadata = {**_part(manifest, "metadata"), "annotations": _annotations(manifest)}
    return {**codec.as_admitted(manifest), "metadata": metadata}


def _is_object(content: Any) -> bool:
    return isinstance(content, dict) and all(isinstance(content.get(name), str) for name in ("apiVersion", "kind"))


def _members(place: str, content: Any) -> Iterator[tuple[str, Any]]:
    """Yield a document, or the items of the lists in it (`kubectl get -o yaml` writes such lists)."""
    waiting = [(place, content)]
    while waiting:
        place, content = waiting.pop()
        items = content.get("items") if _is_object(content) and content["kind"].endswith("List") else None
        if not isinstance(items, list):
            yield place, content
            continue
        # In a list of one kind, as the API server sends it, the items do not have a kind.
        unsaid = {"apiVersion": "v1", "kind": content["kind"].removesuffix("List")}
        members = [{**unsaid, **item} if isinstance(item, dict) else item for item in items]
        waiting.extend(reversed([(f"{place}, item {number}", item) for number, item in enumerate(members, 1)]))


def _annotations_of_any(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield from map(str, _part(_part(manifest, "metadata"), "annotations"))


def _fills(name: str) -> bool:
    return name in {FIELDS, FROM} or name.startswith(DATA_PREFIX)


def _templates(secret: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a Secret has parts that a template fills in later."""
    metadata = _part(secret, "metadata")
    annotated = _annotations(secret)
    for name in ("name", "namespace"):
        if _TEMPLATE in str(metadata.get(name)):
            yield f"metadata.{name}"
    for name, text in annotated.items():
        if DOMAIN in name and _TEMPLATE in text:
            yield f"annotation {name}"
    ignored_keys = ignored(annotated)
    for key, text in _part(secret, "stringData").items():
        if isinstance(text, str) and _TEMPLATE in text and key not in ignored_keys:
            yield f"stringData.{key}"


def _annotations(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    # To the API server, null is an empty text.
    return {name: text or "" for name, text in _part(_part(manifest, "metadata"), "annotations").items()}


def _wrong_types(codec: Codec, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield which of the members that are read below have the wrong type for the API server."""
    metadata = manifest.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        yield "metadata: is no map"
        return
    for path, holder, name in (
        ("annotation", metadata or {}, "annotations"),
        # Of a custom resource, they may be anything.
        *((f"{name}.", manifest, name) for name in ("data", "stringData") if codec.has_keys),
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
