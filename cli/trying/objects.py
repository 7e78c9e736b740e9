"""The objects in files, as an API server would have asked an admission about them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from manifests.kinds.known import Kinds
from review.lint.objects import Manifest, is_kustomization, manifests
from review.sources import files
from review.sources.stream import read
from review.sources.text import NotChecked
from webhook.http import admission_review
from webhook.model import AdmissionRequest


@dataclass(frozen=True, slots=True)
class TriedObject:
    """An object, where it stands, and the namespace that it is tried in."""

    file: str
    namespace: str
    content: Mapping[str, Any] = field(repr=False)

    @property
    def kind(self) -> tuple[str, str, str]:
        """Group, version and kind."""
        group, _, version = str(self.content["apiVersion"]).rpartition("/")
        return group, version, str(self.content["kind"])

    @property
    def name(self) -> str:
        """The object's name; empty if it has none of its own."""
        found = self._metadata.get("name")
        return found if isinstance(found, str) else ""

    @property
    def _metadata(self) -> Mapping[str, Any]:
        found = self.content.get("metadata")
        return found if isinstance(found, dict) else {}

    def request(self, kinds: Kinds) -> AdmissionRequest:
        """Return the request to create it. Raises `admission_review.ReviewError` if the API server would refuse it."""
        group, version, kind = self.kind
        codec = kinds.of(group, kind)
        sent = {**self.content, "metadata": {**self._metadata, "namespace": self.namespace}}
        for part in ("data", "stringData") if codec is not None and not group else ():
            values = sent.get(part) or {}
            if not isinstance(values, dict) or not all(isinstance(text, str) for text in values.values()):
                raise admission_review.ReviewError(f"{part} is no map of texts")
        manifest = dict(codec.as_admitted(sent)) if codec is not None else sent
        manifest.pop("stringData", None)
        request = {
            "uid": "try",
            "kind": {"group": group, "version": version, "kind": kind},
            "namespace": self.namespace,
            "name": self.name,
            "operation": "CREATE",
            "userInfo": {"username": "keyhole-try"},
            "object": manifest,
        }
        review = {"apiVersion": admission_review.API_VERSION, "kind": admission_review.KIND, "request": request}
        return admission_review.parse(json.dumps(review).encode())


def objects(roots: Sequence[Path], namespace: str) -> Iterator[TriedObject | NotChecked]:
    """Yield the objects in files and folders. A kustomization says the namespace of the files beside it."""
    found = [each for file in files.find(roots) for each in _in_file(file)]
    of_folders = {
        PurePosixPath(each.document.file).parent: each.member("namespace")
        for each in found
        if isinstance(each, Manifest) and is_kustomization(each)
    }
    for one in found:
        if isinstance(one, NotChecked):
            yield one
        elif one.is_object and not is_kustomization(one):
            beside = of_folders.get(PurePosixPath(one.document.file).parent)
            said = (one.part("metadata").get("namespace"), beside, namespace)
            own = next((each for each in said if isinstance(each, str)), namespace)
            yield TriedObject(one.document.file, own, one.content)


def _in_file(file: files.File | NotChecked) -> Iterator[Manifest | NotChecked]:
    if isinstance(file, NotChecked):
        yield file
        return
    content = files.read(file)
    for document in [content] if isinstance(content, NotChecked) else read(content, file.name):
        if isinstance(document, NotChecked):
            yield document
        else:
            yield from manifests(document)
