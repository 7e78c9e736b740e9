"""Tenants with something of everything, applied by the administrator and kept in Git: faults are planted in them."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from testbed import Testbed
from testbed.keyhole.objects import apply, delete, merge
from testbed.keyhole.registration import wait_until_asked
from testbed.keyhole.tenants import add_exact_tenant
from tests.e2e.canary import Canary
from tests.e2e.enforcer.installed import KINDS
from tests.e2e.objects import Manifest
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually

DIGEST = f"sha256:{'ab' * 32}"
OTHER_DIGEST = f"sha256:{'cd' * 32}"
_PATHS = re.compile(r'(?:vault:|"keyhole.dev/from": ")(secret/[-\w/]+)')
_ADMISSION = "admissionregistration.k8s.io/v1"
_GATE = {
    "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}
_OF_THE_SERVER = ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields")


@dataclass
class World:
    """The tenants. `git` is the folder with what Git has of them, a file for each."""

    bed: Testbed
    connections: Path
    git: Path
    canary: Canary
    manifests: dict[str, list[Manifest]] = field(default_factory=dict)

    def tenant(self, namespace: str, *manifests: Manifest, further: Sequence[str] = ()) -> None:
        """Let a namespace in for the paths of these manifests, fill these and `further`, apply them and commit them."""
        paths = sorted({*_PATHS.findall(json.dumps(manifests)), *further})
        add_exact_tenant(self.bed, namespace, paths, self.connections, KINDS)
        for path in paths:
            self.plant(path)
        placed = [{**one, "metadata": {**one["metadata"], "namespace": namespace}} for one in manifests]
        apply(self.bed, *placed)
        self.manifests[namespace] = placed
        self.commit(namespace)

    def plant(self, path: str) -> None:
        """Write a new version of a secret into Vault, with new values."""
        _mount, namespace, name = path.split("/", 2)
        Planter(self.bed, self.canary, namespace).secret(name, "user", "password")

    def leave(self) -> None:
        """Have nothing of the tenants looked at any more."""
        for namespace in self.manifests:
            kinds = "secrets,configmaps,deployments,pods"
            self.bed.kubectl("delete", kinds, "--all", "-n", namespace, "--wait=false")
        opted_in(self.bed, list(self.manifests), enabled=False)

    def commit(self, namespace: str) -> None:
        """Write what Git has of a namespace."""
        self.git.mkdir(parents=True, exist_ok=True)
        (self.git / f"{namespace}.yaml").write_text(yaml.safe_dump_all(self.manifests[namespace]))

    def get(self, namespace: str, name: str, plural: str = "secrets") -> Manifest:
        """Read an object."""
        answer = self.bed.kubernetes.request("GET", f"/api/v1/namespaces/{namespace}/{plural}/{name}")
        answer.raise_for_status()
        found: Manifest = answer.json()
        return found

    def change(self, namespace: str, name: str, change: Mapping[str, Any], kind: str = "Secret") -> None:
        """Change an object by a merge patch."""
        metadata = {**change.get("metadata", {}), "name": name, "namespace": namespace}
        merge(self.bed, {"apiVersion": "v1", "kind": kind, **change, "metadata": metadata})


@contextmanager
def gate_open(bed: Testbed) -> Iterator[None]:
    """Have the API server ask nobody, and refuse nothing, until the block ends."""
    saved = registration(bed)
    delete(bed, *[one for one in saved if one["kind"] != "ValidatingAdmissionPolicy"])
    probed = {"metadata": {"name": "gate", "annotations": {"data.keyhole.dev/probe": "vault:probe/probe#probe"}}}
    eventually(
        lambda: bed.kubernetes.request("POST", "/api/v1/namespaces/default/secrets", probed).ok, "nobody is asked"
    )
    bed.kubernetes.request("DELETE", "/api/v1/namespaces/default/secrets/gate").raise_for_status()
    try:
        yield
    finally:
        put_back(bed, saved)


def registration(bed: Testbed) -> Sequence[Manifest]:
    """Return what the release tells the API server about Keyhole, as it is now."""
    found = []
    for kind, plural in _GATE.items():
        ours = "labelSelector=app.kubernetes.io/name=keyhole"
        answer = bed.kubernetes.request("GET", f"/apis/{_ADMISSION}/{plural}?{ours}")
        answer.raise_for_status()
        for one in answer.json()["items"]:
            metadata = {key: part for key, part in one["metadata"].items() if key not in _OF_THE_SERVER}
            content = {key: part for key, part in one.items() if key != "status"}
            found.append({**content, "apiVersion": _ADMISSION, "kind": kind, "metadata": metadata})
    return found


def put_back(bed: Testbed, saved: Sequence[Manifest]) -> None:
    """Have the API server be told this again, and wait until it asks Keyhole."""
    for one in saved:
        path = f"/apis/{_ADMISSION}/{_GATE[one['kind']]}"
        bed.kubernetes.request("DELETE", f"{path}/{one['metadata']['name']}")
        bed.kubernetes.request("POST", path, one).raise_for_status()
    wait_until_asked(bed)


def deployment(name: str, image: str) -> Manifest:
    """Return a Deployment of one container, which nobody runs here."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": image}]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def run_pod(bed: Testbed, namespace: str, name: str, image: str, digest: str) -> None:
    """Make a pod and say in its status, as a kubelet does, which digest of the image it runs."""
    container = {"name": "main", "image": image}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "spec": {"containers": [container], "automountServiceAccountToken": False},
    }
    bed.kubectl("create", "serviceaccount", "default", "-n", namespace, check=False)
    apply(bed, {**pod, "metadata": {"name": name, "namespace": namespace}})
    status = {**container, "ready": True, "restartCount": 0, "imageID": f"{image.partition(':')[0]}@{digest}"}
    told = {"status": {"phase": "Running", "containerStatuses": [status]}}
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/status"
    bed.kubernetes.request("PATCH", path, told, content_type="application/merge-patch+json").raise_for_status()


def opted_in(bed: Testbed, namespaces: Sequence[str], *, enabled: bool) -> None:
    """Opt namespaces in or out."""
    label = {"keyhole.dev/enabled": "true" if enabled else None}
    for name in namespaces:
        merge(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": label}})
