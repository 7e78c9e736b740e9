"""Objects of the cluster, as its administrator applies and deletes them: over HTTP, which is quicker than kubectl."""

import functools
from collections.abc import Mapping
from typing import Any

import requests

from testbed.bed import Testbed
from testbed.servers.kubernetes import Kubernetes

Manifest = Mapping[str, Any]


def apply(bed: Testbed, *manifests: Manifest) -> None:
    """Apply manifests server-side, and take over what others own. Raises requests.HTTPError with the refusal."""
    for manifest in manifests:
        path = f"{_path(bed.kubernetes, manifest)}?fieldManager=kubectl&force=true&fieldValidation=Strict"
        _check(bed.kubernetes.request("PATCH", path, manifest, content_type="application/apply-patch+yaml"))


def delete(bed: Testbed, *manifests: Manifest) -> None:
    """Delete the objects that manifests describe. Raises requests.HTTPError with the refusal."""
    for manifest in manifests:
        _check(bed.kubernetes.request("DELETE", _path(bed.kubernetes, manifest)))


def merge(bed: Testbed, manifest: Manifest) -> None:
    """Change an object by a merge patch: what stands in the manifest. Raises requests.HTTPError with the refusal."""
    path = _path(bed.kubernetes, manifest)
    _check(bed.kubernetes.request("PATCH", path, manifest, content_type="application/merge-patch+json"))


def _path(kubernetes: Kubernetes, manifest: Manifest) -> str:
    metadata, version = manifest["metadata"], manifest["apiVersion"]
    group = f"/apis/{version}" if "/" in version else f"/api/{version}"
    resource, is_namespaced = _resource(kubernetes, group, manifest["kind"])
    within = f"/namespaces/{metadata.get('namespace', 'default')}" if is_namespaced else ""
    return f"{group}{within}/{resource}/{metadata['name']}"


@functools.lru_cache(maxsize=256)
def _resource(kubernetes: Kubernetes, group: str, kind: str) -> tuple[str, bool]:
    """Return the name of a kind's resource and whether it stands in namespaces, as discovery tells."""
    answer = kubernetes.request("GET", group)
    _check(answer)
    found = [each for each in answer.json()["resources"] if each["kind"] == kind and "/" not in each["name"]]
    return found[0]["name"], found[0]["namespaced"]


def _check(answer: requests.Response) -> None:
    if not answer.ok:
        raise requests.HTTPError(f"{answer.status_code}: {answer.json().get('message')}", response=answer)
