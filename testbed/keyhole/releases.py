"""A release of a chart on a testbed: installed by helm for real, its pods run as processes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.bed import Testbed
from testbed.keyhole.helm import Helm
from testbed.keyhole.pods import Pod

_AVAILABLE_SECONDS = 180


@dataclass(frozen=True)
class Release:
    """One release. `helm` has a kubeconfig of the testbed's administrator."""

    bed: Testbed
    helm: Helm
    chart: Path
    namespace: str
    name: str = "keyhole"

    def install(self, *values: str) -> str:
        """Install, and return what helm printed; `values` are helm's arguments that set some."""
        return self.helm.run(
            "install", self.name, str(self.chart), *self._where(), "--create-namespace", *values
        ).stdout

    def upgrade(self, *values: str) -> str:
        """Upgrade, and return what helm printed."""
        return self.helm.run("upgrade", self.name, str(self.chart), *self._where(), *values).stdout

    def uninstall(self) -> str:
        """Uninstall, and return what helm printed."""
        return self.helm.run("uninstall", self.name, *self._where()).stdout

    def get(self, path: str) -> Mapping[str, Any]:
        """Return an object as the API server has it."""
        answer = self.bed.kubernetes.request("GET", path)
        answer.raise_for_status()
        found: Mapping[str, Any] = answer.json()
        return found

    def pod(self, deployment: str, directory: Path, ports: Mapping[str, int] | None = None) -> Pod:
        """Return a pod of a Deployment, not yet started."""
        found = self.get(f"/apis/apps/v1/namespaces/{self.namespace}/deployments/{deployment}")
        return Pod(self.bed, self.namespace, found["spec"]["template"]["spec"], directory, dict(ports or {}))

    def nightly(self, cron_job: str, directory: Path) -> Pod:
        """Return a pod of a CronJob, not yet started."""
        found = self.get(f"/apis/batch/v1/namespaces/{self.namespace}/cronjobs/{cron_job}")
        template = found["spec"]["jobTemplate"]["spec"]["template"]
        services = [f"{self.name}.{self.namespace}.svc"]
        return Pod(self.bed, self.namespace, template["spec"], directory, services=services)

    def lead_to_localhost(self, service: str) -> None:
        """Make a Service of type ExternalName: no kube-proxy is here that would lead an address to a process.

        Its port is the one that is dialled. To be done again after each upgrade that changes the Service.
        """
        change = {"spec": {"type": "ExternalName", "externalName": "localhost"}}
        self.bed.kubectl("patch", "service", service, "-n", self.namespace, "--type=merge", "-p", json.dumps(change))

    def wait_until_available(self, api_service: str) -> None:
        """Wait until the API server reaches the one behind an APIService."""
        timeout = f"--timeout={_AVAILABLE_SECONDS}s"
        self.bed.kubectl("wait", "--for=condition=Available", timeout, "apiservice", api_service)

    def _where(self) -> Sequence[str]:
        return ("--namespace", self.namespace)
