"""Workloads of the four kinds, and Secrets as the webhook leaves them."""

import json
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from testbed import Testbed
from testbed.keyhole.definitions import definition
from testbed.keyhole.objects import apply, merge
from tests.e2e.objects import Manifest

_TRIES = 50
_PAUSE_SECONDS = 0.2
PLURALS = {
    "Deployment": "apps/v1/deployments",
    "StatefulSet": "apps/v1/statefulsets",
    "DaemonSet": "apps/v1/daemonsets",
    "Rollout": "argoproj.io/v1alpha1/rollouts",
}
OPTED_IN = {"keyhole.dev/restart": "true"}
# Argo's definition has a schema of 500 KB. What matters here is that the API server keeps what it is sent.
ROLLOUTS = definition("argoproj.io", "Rollout", "rollouts", versions=["v1alpha1"])


def workload(
    kind: str, name: str, namespace: str, secrets: Sequence[str], *, replicas: int = 1, **annotations: str
) -> dict[str, Any]:
    """Return a workload that opted in and has a variable from each Secret."""
    names = {"labels": {"app": name}}
    env = [
        {"name": f"VALUE_{index}", "valueFrom": {"secretKeyRef": {"name": secret, "key": "password"}}}
        for index, secret in enumerate(secrets)
    ]
    template = {"metadata": names, "spec": {"containers": [{"name": "app", "image": "example/app:1", "env": env}]}}
    spec: dict[str, Any] = {"selector": {"matchLabels": names["labels"]}, "template": template}
    if kind != "DaemonSet":
        spec["replicas"] = replicas
    if kind == "StatefulSet":
        spec["serviceName"] = name
    if kind == "Deployment":
        # Its controller says so as soon as it can when pods do not become ready.
        spec["progressDeadlineSeconds"] = 1
    version = PLURALS[kind].rpartition("/")[0]
    metadata = {"name": name, "namespace": namespace, "annotations": {**OPTED_IN, **annotations}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


class Namespaced:
    """The objects of one namespace, as its administrator sees and writes them."""

    def __init__(self, bed: Testbed, name: str) -> None:
        self.bed = bed
        self.name = name

    def apply(self, *manifests: Manifest) -> None:
        apply(self.bed, *manifests)

    def write_secret(self, name: str, n: int, *, versions: int = 0) -> None:
        """Write a Secret with a record that says how often its values changed, as the webhook would."""
        counted = {"n": n} if n else {}
        fields: dict[str, Any] = {}
        if versions:
            entry = {"form": "annotation", "ref": "vault:secret/a#b", "versions": [versions], "mac": "none"}
            fields = {"/data/password": entry}
        record = json.dumps({"v": 1, "key": "none", "fields": fields, **counted})
        metadata = {
            "name": name,
            "namespace": self.name,
            "labels": {"keyhole.dev/managed": "true"},
            "annotations": {"keyhole.dev/record": record},
        }
        self.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": f"is {n}"}})

    def annotate(self, **annotations: str | None) -> None:
        """Set annotations of Keyhole's domain on the namespace."""
        named = {f"keyhole.dev/{name}": text for name, text in annotations.items()}
        metadata = {"name": self.name, "annotations": named}
        merge(self.bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    def change(self, kind: str, name: str, body: Mapping[str, Any], subresource: str = "") -> None:
        """Send a merge patch."""
        path = f"{self._path(kind, name)}{subresource}"
        answer = self.bed.kubernetes.request("PATCH", path, body, content_type="application/merge-patch+json")
        assert answer.ok, answer.text

    def get(self, kind: str, name: str) -> dict[str, Any]:
        answer = self.bed.kubernetes.request("GET", self._path(kind, name))
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def all_of(self, kind: str) -> list[dict[str, Any]]:
        """Return all objects of a kind of workload, of ReplicaSets, ControllerRevisions, Pods or Events."""
        # For a moment after a definition has come, the API server answers for its kind with 429.
        for _ in range(_TRIES):
            answer = self.bed.kubernetes.request("GET", self._path(kind, ""))
            if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                break
            time.sleep(_PAUSE_SECONDS)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    def workloads(self) -> list[dict[str, Any]]:
        """Return all workloads, each with its kind."""
        return [{**one, "kind": kind} for kind in PLURALS for one in self.all_of(kind)]

    def rollouts_of(self, kind: str, name: str) -> int:
        """Return how many templates of a workload Kubernetes has seen: a restart is one more."""
        revisions = self.all_of("ReplicaSet" if kind == "Deployment" else "ControllerRevision")
        return sum(
            any((owner["kind"], owner["name"]) == (kind, name) for owner in one["metadata"].get("ownerReferences", []))
            for one in revisions
        )

    def rolled(self, kind: str, name: str) -> tuple[str | None, str | None]:
        """Return the mark on a workload and the one on its template."""
        found = self.get(kind, name)
        template = found["spec"]["template"]["metadata"].get("annotations", {})
        own = found["metadata"].get("annotations", {})
        return own.get("keyhole.dev/rolled"), template.get("keyhole.dev/rolled")

    def told(self) -> set[tuple[str, str]]:
        """Return of each Event of the reconciler its reason and what it is about."""
        return {
            (one["reason"], one["regarding"]["name"])
            for one in self.all_of("Event")
            if one.get("reportingController", "").startswith("keyhole")
        }

    def _path(self, kind: str, name: str) -> str:
        others = {
            "ReplicaSet": "/apis/apps/v1/{}/replicasets",
            "ControllerRevision": "/apis/apps/v1/{}/controllerrevisions",
            "Pod": "/api/v1/{}/pods",
            "Event": "/apis/events.k8s.io/v1/{}/events",
            "Secret": "/api/v1/{}/secrets",
        }
        version, _, plural = PLURALS.get(kind, "").rpartition("/")
        path = others.get(kind) or f"/apis/{version}/{{}}/{plural}"
        return path.format(f"namespaces/{self.name}") + (f"/{name}" if name else "")
