"""A namespace in which variables are used: its workloads, their pods, and the Secrets behind them."""

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from testbed import Testbed
from testbed.keyhole.identities import CONTROLLER_USER
from testbed.keyhole.objects import apply
from testbed.keyhole.tenants import add_tenant
from testbed.servers.authorization import wait_until_allowed
from tests.e2e.cluster import Cluster
from tests.e2e.objects import Manifest
from tests.e2e.places import Places

_READY = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
_PATHS = {
    "Deployment": "apis/apps/v1/{}/deployments",
    "StatefulSet": "apis/apps/v1/{}/statefulsets",
    "DaemonSet": "apis/apps/v1/{}/daemonsets",
    "ReplicaSet": "apis/apps/v1/{}/replicasets",
    "ControllerRevision": "apis/apps/v1/{}/controllerrevisions",
    "Job": "apis/batch/v1/{}/jobs",
    "CronJob": "apis/batch/v1/{}/cronjobs",
    "Rollout": "apis/argoproj.io/v1alpha1/{}/rollouts",
    "Pod": "api/v1/{}/pods",
    "Secret": "api/v1/{}/secrets",
    "Event": "apis/events.k8s.io/v1/{}/events",
}
_TRIES = 50
_PAUSE_SECONDS = 0.2
_MERGE = "application/merge-patch+json"


class Team:
    """One namespace, as its people see it."""

    def __init__(self, bed: Testbed, places: Places, name: str) -> None:
        self.bed = bed
        self.name = name
        self.cluster = Cluster(bed, places, name)

    def apply(self, *manifests: Manifest) -> None:
        """Apply manifests in the namespace."""
        apply(self.bed, *({**one, "metadata": {**one["metadata"], "namespace": self.name}} for one in manifests))

    def path(self, kind: str, name: str = "") -> str:
        """Return the path of an object, or of all of its kind."""
        return "/" + _PATHS[kind].format(f"namespaces/{self.name}") + (f"/{name}" if name else "")

    def get(self, kind: str, name: str) -> Manifest | None:
        """Return an object, or None."""
        answer = self.bed.kubernetes.request("GET", self.path(kind, name))
        found: Manifest | None = answer.json() if answer.ok else None
        return found

    def all_of(self, kind: str) -> list[Manifest]:
        """Return all objects of a kind."""
        # After a restart, the API server answers for the kinds of definitions with 429 for a moment.
        for _ in range(_TRIES):
            answer = self.bed.kubernetes.request("GET", self.path(kind))
            if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
                break
            time.sleep(_PAUSE_SECONDS)
        answer.raise_for_status()
        found: list[Manifest] = answer.json()["items"]
        return found

    def change(self, kind: str, name: str, body: Mapping[str, Any], part: str = "") -> None:
        """Send a merge patch."""
        answer = self.bed.kubernetes.request("PATCH", self.path(kind, name) + part, body, content_type=_MERGE)
        assert answer.ok, answer.text

    def delete(self, kind: str, name: str, policy: str = "Background") -> None:
        """Delete an object and what depends on it."""
        answer = self.bed.kubernetes.request("DELETE", self.path(kind, name), {"propagationPolicy": policy})
        assert answer.ok, answer.text

    def generated(self) -> dict[str, Manifest]:
        """Return the generated Secrets by name."""
        return {
            one["metadata"]["name"]: one
            for one in self.all_of("Secret")
            if one["metadata"].get("labels", {}).get("keyhole.dev/generated") == "true"
        }

    def owners(self, secret: str) -> set[tuple[str, str]]:
        """Return kind and name of a Secret's owners."""
        found = self.get("Secret", secret)
        references = found["metadata"].get("ownerReferences", []) if found else []
        assert not any({"controller", "blockOwnerDeletion"} & each.keys() for each in references)
        return {(each["kind"], each["name"]) for each in references}

    def events(self, reason: str) -> list[Manifest]:
        """Return the Events with a reason."""
        return [one for one in self.all_of("Event") if one["reason"] == reason]

    def pods(self, app: str) -> list[Manifest]:
        """Return the pods of an app that are not going."""
        return [
            one
            for one in self.all_of("Pod")
            if one["metadata"].get("labels", {}).get("app") == app and "deletionTimestamp" not in one["metadata"]
        ]

    def run_pods(self) -> None:
        """Do once what kubelet would do: declare pods ready, and let those go that are being deleted."""
        for pod in self.all_of("Pod"):
            name, status = pod["metadata"]["name"], pod.get("status", {})
            if "deletionTimestamp" in pod["metadata"]:
                self.bed.kubernetes.request("DELETE", self.path("Pod", name), {"gracePeriodSeconds": 0})
            elif not any(one["type"] == "Ready" for one in status.get("conditions", [])):
                body = {"status": {"phase": "Running", "conditions": [_READY]}}
                self.bed.kubernetes.request("PATCH", self.path("Pod", name) + "/status", body, content_type=_MERGE)

    def clear(self) -> None:
        """Delete everything that tests make."""
        for kind in ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Rollout", "ReplicaSet", "Pod"):
            for one in self.all_of(kind):
                self.bed.kubernetes.request(
                    "DELETE", self.path(kind, one["metadata"]["name"]), {"propagationPolicy": "Background"}
                )
        deadline = time.monotonic() + 60
        while self.all_of("Pod") and time.monotonic() < deadline:
            self.run_pods()
        for kind in ("Secret", "Event"):
            self.bed.kubernetes.request("DELETE", self.path(kind))


def add_team(bed: Testbed, places: Places, name: str) -> Team:
    """Make a tenant's namespace in which variables may be used, and wait until all of it holds."""
    add_tenant(bed, name, ("secret/data/e2e/*", "secret/metadata/e2e/*"), variables=True)
    wait_until_allowed(bed, f"system:serviceaccount:{name}:keyhole-reconciler", "watch", "pods", namespace=name)
    wait_until_allowed(
        bed, CONTROLLER_USER, "create", "serviceaccounts/token", name="keyhole-reconciler", namespace=name
    )
    # Pods are refused until it is there.
    bed.kubectl("wait", "--for=create", "serviceaccount/default", "-n", name, "--timeout=60s")
    return Team(bed, places, name)


def until(team: Team, condition: Callable[[], object], what: str) -> None:
    """Wait for what is certain to come, and meanwhile do what kubelet would."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, what
        team.run_pods()
        time.sleep(0.05)
