"""The real kube-controller-manager on 127.0.0.1, for those who need namespaces deleted and garbage collected."""

from pathlib import Path

import requests

from testbed.servers import ports
from testbed.servers.go_environment import go_environment
from testbed.servers.kubernetes import READY_TIMEOUT_SECONDS, REQUEST_TIMEOUT_SECONDS, Kubernetes
from testbed.servers.supervision import Server, Supervisor


class ControllerManager:
    """kube-controller-manager, for namespace deletion, garbage collection and default ServiceAccounts."""

    port: int
    server: Server

    def __init__(self, program: Path, directory: Path, supervisor: Supervisor, kubernetes: Kubernetes) -> None:
        self._program = program
        self._directory = directory
        self._supervisor = supervisor
        self._kubernetes = kubernetes
        self.log_file = directory / "kube-controller-manager.log"

    def start(self) -> None:
        """Start on a free port and wait until it is healthy. Raises ServerFailed."""
        name = "kube-controller-manager"
        kubeconfig = self._kubernetes.kubeconfig_for(f"system:{name}")
        serving = self._kubernetes.authority.issue(name, name, hosts=["127.0.0.1", "localhost"])
        flags = {
            "kubeconfig": kubeconfig,
            "authentication-kubeconfig": kubeconfig,
            "authorization-kubeconfig": kubeconfig,
            "bind-address": "127.0.0.1",
            "tls-cert-file": serving.certificate,
            "tls-private-key-file": serving.key,
            "root-ca-file": self._kubernetes.ca_file,
            "service-account-private-key-file": self._directory / "pki" / "service-accounts.key",
            "use-service-account-credentials": "true",
            "leader-elect": "false",
            # A node that a test makes has no kubelet that reports. Once its grace is over, no DaemonSet wants it.
            "node-startup-grace-period": "24h",
            "node-monitor-grace-period": "24h",
        }
        arguments = [str(self._program), *(f"--{flag}={setting}" for flag, setting in flags.items())]

        def attempt() -> None:
            self.port = ports.free_port()
            self.server = self._supervisor.start(
                name,
                [*arguments, f"--secure-port={self.port}"],
                self.log_file,
                {"HOME": str(self._directory), **go_environment()},
                self._directory,
            )
            self.server.wait_until(self._healthy, READY_TIMEOUT_SECONDS)

        ports.launch(attempt)

    def _healthy(self) -> bool:
        with requests.Session() as session:
            session.trust_env = False
            try:
                answer = session.get(
                    f"https://127.0.0.1:{self.port}/healthz",
                    verify=str(self._kubernetes.ca_file),
                    timeout=REQUEST_TIMEOUT_SECONDS,
                )
            except requests.RequestException:
                return False
            return answer.ok
