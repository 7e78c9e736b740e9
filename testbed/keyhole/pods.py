"""A pod of a chart, run as a process: what its template says is done, but for the substitutions of `README.md`."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml

from testbed.bed import Testbed
from testbed.errors import TestbedError
from testbed.keyhole.mounts import behind, mount
from testbed.servers.pki import write_private
from testbed.servers.ports import free_port
from testbed.servers.supervision import Server

_ROOT = Path(__file__).resolve().parents[2]
_TOKEN_SECONDS = 3600
_LISTEN = re.compile(r"(?P<option>--[a-z-]*listen=).*:(?P<port>\d+)")
_PROGRAM = "keyhole"
_RESOLVING = """\
import socket

_names, _found = {names!r}, socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: _found("127.0.0.1" if host in _names else host, *rest, **more)
"""


@dataclass
class Pod:
    """One pod, from its template in a Deployment or a CronJob, or from a pod's own spec, as the API server has it.

    `ports` are the ports on 127.0.0.1 that stand for the container's, by name; those that are not given are free ones.
    `services` are names of Services that the pod finds on 127.0.0.1, for want of a DNS.
    """

    bed: Testbed
    namespace: str
    spec: Mapping[str, Any]
    directory: Path
    ports: dict[str, int] = field(default_factory=dict)
    services: Sequence[str] = ()
    _server: Server | None = None
    _exit_code: int | None = None

    def __post_init__(self) -> None:
        """Read the one container."""
        (self.container,) = self.spec["containers"]
        for port in self.container.get("ports", ()):
            self.ports.setdefault(port["name"], free_port())
        self._prefix = self.directory / "root"

    @property
    def log_file(self) -> Path:
        """What the container wrote."""
        return self.directory / f"{self.container['name']}.log"

    @property
    def server(self) -> Server:
        """The running process."""
        if self._server is None:
            raise TestbedError("this pod is not started")
        return self._server

    def sync(self) -> None:
        """Bring the mounts up to date, as kubelet does."""
        mount(self.bed.kubernetes, self.namespace, self.spec, self._prefix)

    def start(self) -> None:
        """Mount and start, and return at once."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.sync()
        self._server = self.bed.run(self.container["name"], self.command(), self.log_file, self.environment())

    def run(self, timeout_seconds: float) -> subprocess.CompletedProcess[str]:
        """Mount, run to the end, and return what it printed and how it ended."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.sync()
        return subprocess.run(
            self.command(),
            env=self.environment(),
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_seconds,
            check=False,
        )

    def command(self) -> Sequence[str]:
        """Return the container's command and arguments, as this machine runs them."""
        if self.container["command"] != [_PROGRAM]:
            raise TestbedError(f"the image has no program {self.container['command']} that is known here")
        own = [self._here(argument) for argument in self.container["args"]]
        # The package finds a cluster in one place only, which is no mount that could lie elsewhere.
        return [sys.executable, "-m", "cli", *own, f"--kubeconfig={self._kubeconfig()}"]

    def environment(self) -> Mapping[str, str]:
        """Return the container's variables, and those by which Python finds this tree."""
        given = {each["name"]: self._here(each["value"]) for each in self.container.get("env", ())}
        path = os.pathsep.join(str(each) for each in (*self._names(), _ROOT))
        python = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        return {"PATH": "/usr/bin:/bin", **given, **python}

    def probe(self, kind: str) -> bool:
        """Do what kubelet does for a `startupProbe`, `readinessProbe` or `livenessProbe`, once."""
        probe = self.container[kind]
        asked = probe["httpGet"]
        url = f"http://127.0.0.1:{self.ports[asked['port']]}{asked['path']}"
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.get(url, timeout=probe.get("timeoutSeconds", 1), allow_redirects=False)
            except requests.RequestException:
                return False
        # kubelet: everything from 200 to 399.
        return answer.ok

    def wait_until_ready(self, timeout_seconds: float = 180.0) -> None:
        """Ask its probes, as often as they say. Raises ServerFailed when it would be restarted, or takes too long."""
        startup = self.container["startupProbe"]
        patience_seconds = startup.get("failureThreshold", 3) * startup.get("periodSeconds", 10)
        self.server.wait_until(lambda: self.probe("startupProbe"), patience_seconds)
        self.server.wait_until(lambda: self.probe("readinessProbe"), timeout_seconds)

    def stop(self) -> int:
        """End it as kubelet does: preStop, SIGTERM, and SIGKILL when its grace is over. Returns the exit code."""
        if self._exit_code is None:
            self._exit_code = self._end()
        return self._exit_code

    def _end(self) -> int:
        began = time.monotonic()
        hook = self.container.get("lifecycle", {}).get("preStop")
        if hook is not None:
            time.sleep(hook["sleep"]["seconds"])
        grace_seconds = self.spec["terminationGracePeriodSeconds"] - (time.monotonic() - began)
        self.server.stop(grace_seconds=grace_seconds)
        return self.server.exit_code() or 0

    def _here(self, text: str) -> str:
        listening = _LISTEN.fullmatch(text)
        if listening is None:
            return behind(self._prefix, self.spec, text)
        names = {port["containerPort"]: port["name"] for port in self.container["ports"]}
        return f"{listening['option']}127.0.0.1:{self.ports[names[int(listening['port'])]]}"

    def _names(self) -> Sequence[Path]:
        """Return a folder from which Python takes, when it starts, how names of Services are resolved."""
        if not self.services:
            return ()
        folder = self.directory / "names"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sitecustomize.py").write_text(_RESOLVING.format(names=list(self.services)))
        return (folder,)

    def _kubeconfig(self) -> Path:
        """Write a kubeconfig with a token of the pod's ServiceAccount, as its own token would be."""
        kubernetes, account = self.bed.kubernetes, self.spec["serviceAccountName"]
        answer = kubernetes.request(
            "POST",
            f"/api/v1/namespaces/{self.namespace}/serviceaccounts/{account}/token",
            {"spec": {"expirationSeconds": _TOKEN_SECONDS}},
        )
        answer.raise_for_status()
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "cluster",
                    "cluster": {"server": kubernetes.url, "certificate-authority": str(kubernetes.ca_file)},
                }
            ],
            "users": [{"name": account, "user": {"token": answer.json()["status"]["token"]}}],
            "contexts": [{"name": "pod", "context": {"cluster": "cluster", "user": account}}],
            "current-context": "pod",
        }
        return write_private(self.directory / "kubeconfig", yaml.safe_dump(document).encode())
