"""Argo CD on a testbed without its user interface: repo-server, application controller and their Redis.

Source: Argo CD, *Metrics*, https://argo-cd.readthedocs.io/en/stable/operator-manual/metrics/
"""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from testbed.bed import Testbed
from testbed.gitops.argocd_settings import DEFINITIONS, IN_CLUSTER, NAMESPACE, USER, settings
from testbed.gitops.definitions import define
from testbed.gitops.kept import SECRETS, Kept
from testbed.keyhole.objects import apply
from testbed.servers.ports import free_port, launch
from testbed.servers.redis import Redis
from testbed.servers.supervision import Server

RESYNC_SECONDS = 10
_READY_SECONDS = 180.0
_APPLICATIONS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications"
_REFRESH = "argocd.argoproj.io/refresh"
_SYNCS = re.compile(r"^argocd_app_sync_total\{(?P<labels>[^}]*)\} (?P<count>\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class ArgoCD:
    """A running Argo CD."""

    bed: Testbed
    servers: Sequence[Server]
    metrics_url: str

    @property
    def log_files(self) -> list[Path]:
        """What its programs wrote."""
        return [server.log_file for server in self.servers]

    def apply(self, *applications: Mapping[str, Any]) -> None:
        """Apply Applications as the administrator."""
        apply(self.bed, *applications)

    def applications(self) -> dict[str, dict[str, Any]]:
        """Return all Applications by name."""
        answer = self.bed.kubernetes.request("GET", _APPLICATIONS)
        answer.raise_for_status()
        return {item["metadata"]["name"]: item for item in answer.json()["items"]}

    def application(self, name: str) -> dict[str, Any]:
        """Return one Application."""
        answer = self.bed.kubernetes.request("GET", f"{_APPLICATIONS}/{name}")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def request_refresh(self, name: str) -> None:
        """Have an Application compared anew, without what Argo CD remembers of the last comparison."""
        self.bed.kubectl("annotate", "application", name, "-n", NAMESPACE, f"{_REFRESH}=normal")

    def is_refresh_requested(self, name: str) -> bool:
        """Whether a comparison that was asked for is still to come: with its outcome the request goes."""
        return _REFRESH in self.application(name)["metadata"].get("annotations", {})

    def sync_counts(self) -> dict[str, int]:
        """Return how many sync operations ended for each Application since the start, however they ended.

        An Application without one is missing. Source: metric `argocd_app_sync_total`.
        """
        with requests.Session() as session:
            session.trust_env = False
            text = session.get(f"{self.metrics_url}/metrics", timeout=10).text
        counts: dict[str, int] = {}
        for found in _SYNCS.finditer(text):
            name = re.search(r'\bname="([^"]*)"', found["labels"])
            assert name is not None  # noqa: S101 - the metric has the label
            counts[name[1]] = counts.get(name[1], 0) + int(float(found["count"]))
        return counts


def application(
    name: str,
    namespace: str,
    repository_url: str,
    path: str,
    *,
    annotations: Mapping[str, str] | None = None,
    sync_options: Sequence[str] = (),
    retry: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return an Application that keeps `path` of the repository in `namespace`: automated, pruning, self-healing."""
    policy: dict[str, Any] = {"automated": {"prune": True, "selfHeal": True}, "syncOptions": list(sync_options)}
    if retry:
        policy["retry"] = dict(retry)
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": NAMESPACE, "annotations": dict(annotations or {})},
        "spec": {
            "project": "default",
            "source": {"repoURL": repository_url, "targetRevision": "HEAD", "path": path},
            "destination": {"server": IN_CLUSTER, "namespace": namespace},
            "syncPolicy": policy,
        },
    }


@contextlib.contextmanager
def running(
    bed: Testbed, directory: Path, namespaces: Sequence[str], kept: Sequence[Kept] = SECRETS
) -> Iterator[ArgoCD]:
    """Run Argo CD until the block ends; logs lie in `directory`. It may keep these kinds in `namespaces` only.

    Applications are looked at again every ten seconds. Raises ProgramMissing where there is no Redis.
    """
    program = bed.program("argocd")
    redis = Redis(bed, directory)
    define(bed, [DEFINITIONS])
    apply(bed, *settings(namespaces, kept))
    started: list[Server] = []
    try:
        redis.start()
        started.append(redis.server)
        repo_server, address = _start_repo_server(bed, directory, program, redis)
        started.append(repo_server)
        controller, metrics_url = _start_controller(bed, directory, program, redis, address)
        started.append(controller)
        yield ArgoCD(bed, tuple(started), metrics_url)
    finally:
        for server in reversed(started):
            server.stop()


def _start_repo_server(bed: Testbed, directory: Path, program: Path, redis: Redis) -> tuple[Server, str]:
    """Return the repo-server and its address, when it answers."""
    temporary = directory / "tmp"
    temporary.mkdir()
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),  # it runs git
        "HOME": str(directory),
        "TMPDIR": str(temporary),
        "ARGOCD_BINARY_NAME": "argocd-repo-server",
        "ARGOCD_GPG_ENABLED": "false",
        **{f"ARGOCD_{what}_DATA_PATH": str(temporary) for what in ("TLS", "SSH")},
        "ARGOCD_PLUGINSOCKFILEPATH": str(temporary),
    }

    def attempt() -> tuple[Server, str]:
        port, metrics_port = free_port(), free_port()
        arguments = [
            *(str(program), "--disable-tls", "--redis", redis.address),
            *("--address", "127.0.0.1", "--port", str(port)),
            *("--metrics-address", "127.0.0.1", "--metrics-port", str(metrics_port)),
            f"--revision-cache-expiration={RESYNC_SECONDS}s",
        ]
        server = bed.run("argocd-repo-server", arguments, directory / "argocd-repo-server.log", environment)
        server.wait_until(lambda: _is_healthy(f"http://127.0.0.1:{metrics_port}"), _READY_SECONDS)
        return server, f"127.0.0.1:{port}"

    return launch(attempt)


def _start_controller(
    bed: Testbed, directory: Path, program: Path, redis: Redis, repo_server_address: str
) -> tuple[Server, str]:
    """Return the application controller and the address of its metrics, when it answers.

    Its metrics listen on every address of the machine: it has no setting for that.
    """
    environment = {
        "HOME": str(directory),
        "TMPDIR": str(directory / "tmp"),
        "KUBECONFIG": str(bed.kubernetes.kubeconfig_for(USER)),
        "ARGOCD_BINARY_NAME": "argocd-application-controller",
        "ARGOCD_FAKE_IN_CLUSTER": "true",
    }

    def attempt() -> tuple[Server, str]:
        port = free_port()
        arguments = [
            *(str(program), "--namespace", NAMESPACE, "--redis", redis.address),
            *("--repo-server", repo_server_address, "--repo-server-plaintext"),
            *("--app-resync", str(RESYNC_SECONDS), "--app-resync-jitter", "0", "--metrics-port", str(port)),
        ]
        name = "argocd-application-controller"
        server = bed.run(name, arguments, directory / f"{name}.log", environment)
        server.wait_until(lambda: _is_healthy(f"http://127.0.0.1:{port}"), _READY_SECONDS)
        return server, f"http://127.0.0.1:{port}"

    return launch(attempt)


def _is_healthy(url: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        try:
            return bool(session.get(f"{url}/healthz", timeout=2).ok)
        except requests.RequestException:
            return False
