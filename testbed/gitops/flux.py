"""Flux's kustomize-controller on a testbed, fed without source-controller: the sources' status is written here.

Source: Flux, *Kustomization* and *GitRepository*, https://fluxcd.io/flux/components/
"""

import contextlib
import datetime as dt
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from testbed.bed import Testbed
from testbed.gitops.artifacts import ArtifactServer, serving_artifacts
from testbed.gitops.definitions import define
from testbed.gitops.kept import SECRETS, Kept, rules
from testbed.keyhole.objects import apply
from testbed.keyhole.rights import granted
from testbed.programs.module_folders import ModuleFolder
from testbed.servers.log_lines import whole_lines
from testbed.servers.ports import free_port
from testbed.servers.supervision import Server

USER = "system:serviceaccount:flux-system:kustomize-controller"
# The ServiceAccount as which the controller applies, in each namespace that it serves.
APPLIER = "flux"
_NAMESPACE = "flux-system"
_READY_SECONDS = 180.0
_FORGET_SECONDS = 180
_CONTROLLER = "github.com/fluxcd/kustomize-controller"
_DEFINITIONS = (
    ModuleFolder("flux", _CONTROLLER, "config/crd/bases"),
    ModuleFolder("flux-sources", "github.com/fluxcd/source-controller", "config/crd/bases"),
)


@dataclass(frozen=True)
class Applied:
    """One reconciliation: what it did to each object, by `Kind/namespace/name` ("created", "unchanged", …)."""

    revision: str
    actions: Mapping[str, str]


@dataclass(frozen=True)
class Flux:
    """A running kustomize-controller."""

    bed: Testbed
    server: Server
    artifacts: ArtifactServer

    def admit(self, namespace: str, kept: Sequence[Kept] = SECRETS) -> None:
        """Make the ServiceAccount as which Flux may keep these kinds in the namespace."""
        account = {"apiVersion": "v1", "kind": "ServiceAccount"}
        user = f"system:serviceaccount:{namespace}:{APPLIER}"
        apply(
            self.bed,
            {**account, "metadata": {"name": APPLIER, "namespace": namespace}},
            *granted(APPLIER, user, rules(kept), namespace),
        )

    def publish(self, namespace: str, name: str, files: Mapping[str, str]) -> str:
        """Make `files` what the source `name` has fetched, as source-controller would, and return the revision."""
        artifact = self.artifacts.publish(files)
        source: dict[str, Any] = {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"interval": "1h", "url": "https://git.example/manifests"},
        }
        apply(self.bed, source)
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ready = {"type": "Ready", "status": "True", "reason": "Succeeded", "message": "", "lastTransitionTime": now}
        status = {"artifact": artifact.status(now), "conditions": [ready], "observedGeneration": 1}
        self.bed.kubectl(
            *("patch", "gitrepository", name, "-n", namespace, "--subresource=status", "--type=merge"),
            *("-p", json.dumps({"status": status})),
        )
        return artifact.revision

    def keep(self, namespace: str, name: str, *, interval_seconds: int = 5, **spec: Any) -> None:
        """Have Flux keep what the source of the same name holds; `spec` are further members of the Kustomization's."""
        interval = f"{interval_seconds}s"
        kustomization = {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "interval": interval,
                "retryInterval": interval,
                "timeout": "20s",
                "path": "./",
                "prune": True,
                "serviceAccountName": APPLIER,
                "targetNamespace": namespace,
                "sourceRef": {"kind": "GitRepository", "name": name},
                **spec,
            },
        }
        apply(self.bed, kustomization)

    def condition(self, namespace: str, name: str) -> Mapping[str, Any]:
        """Return the condition `Ready` of a Kustomization; empty while there is none."""
        path = f"/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{namespace}/kustomizations/{name}"
        answer = self.bed.kubernetes.request("GET", path)
        answer.raise_for_status()
        conditions = answer.json().get("status", {}).get("conditions", [])
        return next((condition for condition in conditions if condition["type"] == "Ready"), {})

    def applied(self, namespace: str, name: str) -> list[Applied]:
        """Return what the log tells of each reconciliation of a Kustomization that went through, oldest first."""
        entries = (json.loads(line) for line in whole_lines(self.server.log_file) if line.startswith(b"{"))
        return [
            Applied(entry["revision"], entry["output"])
            for entry in entries
            if entry["msg"] == "server-side apply completed"
            and entry["Kustomization"] == {"name": name, "namespace": namespace}
        ]


@contextlib.contextmanager
def running(bed: Testbed, directory: Path) -> Iterator[Flux]:
    """Run kustomize-controller until the block ends, and then delete its Kustomizations; its log lies in `directory`.

    It has the rights that Flux ships for it, and may act as the ServiceAccounts that Kustomizations name.
    """
    program = bed.program("kustomize-controller")
    define(bed, _DEFINITIONS)
    _give_rights(bed)
    artifacts_folder, temporary = directory / "artifacts", directory / "tmp"
    artifacts_folder.mkdir()
    temporary.mkdir()
    health = f"127.0.0.1:{free_port()}"
    arguments = [
        *(str(program), "--watch-all-namespaces=true", "--log-encoding=json", "--interval-jitter-percentage=0"),
        *(f"--health-addr={health}", f"--metrics-addr=127.0.0.1:{free_port()}", "--no-cross-namespace-refs=true"),
    ]
    environment = {
        "HOME": str(directory),
        "TMPDIR": str(temporary),
        "KUBECONFIG": str(bed.kubernetes.kubeconfig_for(USER)),
        "RUNTIME_NAMESPACE": _NAMESPACE,
    }
    with serving_artifacts(artifacts_folder) as artifacts:
        server = bed.run("kustomize-controller", arguments, directory / "kustomize-controller.log", environment)
        try:
            server.wait_until(lambda: _is_ready(f"http://{health}/readyz"), _READY_SECONDS)
            yield Flux(bed, server, artifacts)
            _forget(bed)
        finally:
            server.stop()


def _forget(bed: Testbed) -> None:
    """Delete all Kustomizations, and with them what they applied.

    The next controller would spend its workers on fetching artifacts that nobody serves any more.
    """
    bed.kubectl("delete", "kustomizations", "--all", "--all-namespaces", f"--timeout={_FORGET_SECONDS}s")


def _give_rights(bed: Testbed) -> None:
    shipped = ModuleFolder("flux", _CONTROLLER, "config/rbac").manifests(os.environ)
    (role,) = (manifest for manifest in shipped if _is_managers_role(manifest))
    impersonate = {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"]}
    apply(
        bed,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}},
        *granted("kustomize-controller", USER, [*role["rules"], impersonate]),
    )


def _is_managers_role(manifest: Mapping[str, Any]) -> bool:
    return (manifest["kind"], manifest["metadata"]["name"]) == ("ClusterRole", "manager-role")


def _is_ready(url: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        try:
            return bool(session.get(url, timeout=2).ok)
        except requests.RequestException:
            return False
