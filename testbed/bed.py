"""One testbed: the servers together, started and stopped in order."""

import concurrent.futures
import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from testbed.errors import ServerFailed, TestbedError
from testbed.programs import needed
from testbed.programs.reports import Report, SilentReport
from testbed.programs.toolbox import Toolbox
from testbed.programs.versions import Version
from testbed.servers.controller_manager import ControllerManager
from testbed.servers.etcd import Etcd
from testbed.servers.go_environment import go_environment
from testbed.servers.kubernetes import Kubernetes
from testbed.servers.supervision import Server, Supervisor
from testbed.servers.vault import Vault

KUBECTL_TIMEOUT_SECONDS = 300.0
_REVIEWER = "vault-token-reviewer"
_YEAR_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True)
class Options:
    """What a testbed is to be.

    `fsync` False trades etcd's durability for speed. `admission_configuration` is a file for the API server's
    --admission-control-config-file. `audit_rules` are rules of its audit policy that count before the usual ones, which
    keep bodies with secrets out of the log. `directory` must be empty or absent; without one a temporary directory is
    made, removed after a clean stop and kept after a failure. `name` stands in that directory's name.
    """

    controller_manager: bool = False
    fsync: bool = False
    admission_configuration: Path | None = None
    audit_rules: Sequence[Mapping[str, Any]] = ()
    directory: Path | None = None
    name: str = "test"


class Testbed:
    """The servers of one testbed; a context manager.

    `start` raises TestbedError and leaves nothing running. `stop` raises ServerFailed, after everything is stopped,
    when a server had died by itself. `kubernetes` and `vault` stand after `start`; `directory` from the beginning.
    """

    __test__: ClassVar[bool] = False  # not a class of tests, whatever pytest thinks of the name

    kubernetes: Kubernetes
    vault: Vault

    def __init__(self, options: Options | None = None, report: Report | None = None) -> None:
        self.options = options or Options()
        self._toolbox = Toolbox(report or SilentReport())
        self._temporary = self.options.directory is None
        if self.options.directory is None:
            self.directory = Path(tempfile.mkdtemp(prefix=f"keyhole-testbed-{self.options.name}-")).resolve()
        else:
            self.options.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.directory = self.options.directory.resolve()
        self._supervisor: Supervisor | None = None
        self._etcd: Etcd | None = None
        self._controller_manager: ControllerManager | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.stop()
            return
        try:
            self._stop(keep_directory=True)
        except TestbedError as also:
            error.add_note(f"besides: {also}")
        error.add_note(f"the testbed's logs are in {self.directory}")

    def ensure_programs(self) -> None:
        """Find or build what this testbed starts. Raises as `Toolbox.ensure`."""
        needed.ensure(self._toolbox, ["kube-controller-manager"] if self.options.controller_manager else [])

    def start(self) -> None:
        """Find or build the programs, start the servers, and wait until all of them answer."""
        if self._supervisor is not None:
            raise TestbedError("this testbed is already started")
        self.ensure_programs()
        self._supervisor = Supervisor()
        try:
            self._start_servers(self._supervisor)
        except BaseException as error:
            with contextlib.suppress(TestbedError):
                self._stop(keep_directory=True)
            error.add_note(f"the testbed's logs are in {self.directory}")
            raise

    def _start_servers(self, supervisor: Supervisor) -> None:
        path = self._toolbox.path
        self._etcd = etcd = Etcd(path("etcd"), self.directory, supervisor, fsync=self.options.fsync)
        self.kubernetes = Kubernetes(
            path("kube-apiserver"),
            self.directory,
            supervisor,
            admission_configuration=self.options.admission_configuration,
            audit_rules=self.options.audit_rules,
        )
        self.vault = Vault(path("vault"), needed.plugin(self._toolbox), self.directory, supervisor)

        def start_kubernetes() -> str:
            etcd.start()
            self.kubernetes.start(etcd.url)
            return self._reviewer_token()

        def start_vault() -> None:
            self.vault.start()
            self.vault.enable_jwt(self.kubernetes.issuer, self.kubernetes.service_account_public_key)
            self.vault.enable_kubernetes()

        reviewer_token = _together(start_kubernetes, start_vault)
        self.vault.configure_kubernetes(self.kubernetes.url, self.kubernetes.ca_pem, reviewer_token)
        if self.options.controller_manager:
            program = path("kube-controller-manager")
            self._controller_manager = ControllerManager(program, self.directory, supervisor, self.kubernetes)
            self._controller_manager.start()

    def _reviewer_token(self) -> str:
        """Make the ServiceAccount as which Vault sends its TokenReviews, and return a token of it for a year."""
        accounts = "/api/v1/namespaces/kube-system/serviceaccounts"
        rbac = "rbac.authorization.k8s.io"
        binding = {
            "metadata": {"name": _REVIEWER},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "system:auth-delegator"},
            "subjects": [{"kind": "ServiceAccount", "name": _REVIEWER, "namespace": "kube-system"}],
        }
        self.kubernetes.request("POST", accounts, {"metadata": {"name": _REVIEWER}}).raise_for_status()
        self.kubernetes.request("POST", f"/apis/{rbac}/v1/clusterrolebindings", binding).raise_for_status()
        answer = self.kubernetes.request(
            "POST", f"{accounts}/{_REVIEWER}/token", {"spec": {"expirationSeconds": _YEAR_SECONDS}}
        )
        answer.raise_for_status()
        return str(answer.json()["status"]["token"])

    def run(self, name: str, arguments: Sequence[str], log_file: Path, environment: Mapping[str, str]) -> Server:
        """Start a further program under the testbed's guardian; it is stopped with the testbed at the latest.

        The caller waits for it with `Server.wait_until` and stops it with `Server.stop`.
        """
        if self._supervisor is None:
            raise TestbedError("this testbed is not started")
        return self._supervisor.start(name, arguments, log_file, environment, self.directory)

    @property
    def guardian_pid(self) -> int:
        """The process that starts and stops the servers. Raises TestbedError before `start` and after `stop`."""
        if self._supervisor is None:
            raise TestbedError("this testbed is not started")
        return self._supervisor.guardian_pid

    def servers(self) -> list[Server]:
        """Return the servers that were started, in the order in which they are to be stopped."""
        owners = (
            self._controller_manager,
            getattr(self, "kubernetes", None),
            getattr(self, "vault", None),
            self._etcd,
        )
        return [owner.server for owner in owners if owner is not None and hasattr(owner, "server")]

    def stop(self) -> None:
        """Stop everything. Does nothing the second time."""
        self._stop(keep_directory=False)

    def _stop(self, *, keep_directory: bool) -> None:
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is None:
            return
        died = None
        try:
            for server in self.servers():
                try:
                    server.check_unless_stopped()
                except ServerFailed as error:
                    died = died or error
                server.stop()
        finally:
            supervisor.close()
            if hasattr(self, "vault"):
                self.vault.discard_sockets()
            if hasattr(self, "kubernetes"):
                self.kubernetes.close()
        if died is not None:
            raise died
        if self._temporary and not keep_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def versions(self) -> dict[str, Version | None]:
        """Return the version of each program in use; None for one that was named explicitly and not asked."""
        return self._toolbox.versions()

    def program(self, name: str) -> Path:
        """Return the path of a program ("kubectl", "helm", …), building it first where needed."""
        return self._toolbox.path(name)

    def kubectl(
        self,
        *args: str,
        input_text: str | None = None,
        check: bool = True,
        kubeconfig: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl, by default as the administrator.

        With `check` a failure raises subprocess.CalledProcessError, whose notes hold what kubectl wrote to stderr.
        """
        environment = {
            "HOME": str(self.directory),  # its caches
            "PATH": os.environ.get("PATH", os.defpath),
            "KUBECONFIG": str(kubeconfig or self.kubernetes.kubeconfig),
            **go_environment(),
        }
        done = subprocess.run(
            [str(self.program("kubectl")), *args],
            input=input_text,
            stdin=subprocess.DEVNULL if input_text is None else None,
            env=environment,
            capture_output=True,
            text=True,
            timeout=KUBECTL_TIMEOUT_SECONDS,
            check=False,
        )
        if check and done.returncode:
            error = subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
            error.add_note(done.stderr.strip())
            raise error
        return done


def _together(first: Callable[[], str], second: Callable[[], None]) -> str:
    """Run both at once and return what `first` returns; raise the first error only after both have ended."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        futures = pool.submit(first), pool.submit(second)
    futures[1].result()
    return futures[0].result()
