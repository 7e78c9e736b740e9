"""Everything that becomes of references, so that each panel has something to show: made on the testbed, for real."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import requests

from resolver.vault.breaker import FAILURES_IN_A_ROW
from testbed import Testbed
from testbed.keyhole.tenants import add_tenant
from testbed.servers.authorization import wait_until_allowed
from testbed.servers.vault_gate import Way
from tests.boards.watched import COMPLIANCE, GATED, LOST, Watched
from tests.e2e.canary import Canary
from tests.e2e.files import swap
from tests.e2e.objects import Manifest, filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.e2e.restarting.workloads import workload
from tests.e2e.scraped import Scraped, scrape
from tests.e2e.variables.team import Team
from tests.e2e.variables.workloads import workload as with_variables

NAMESPACE = "shop"
_ROOT = Path(__file__).resolve().parents[2]
_BAD = {
    "gone": "vault:secret/e2e/nothing-there#password",
    "elsewhere": "vault:secret/elsewhere#password",
    "malformed": "vault:bad reference",
}
_MERGE = "application/merge-patch+json"
_PAUSE_SECONDS = 0.5
_PODS = 5


class Shop:
    """A tenant's people, who apply, make mistakes and rotate."""

    def __init__(self, keyhole: Watched, canary: Canary, places: Places) -> None:
        bed = keyhole.bed
        paths = ("secret/data/e2e/*", "secret/metadata/e2e/*")
        add_tenant(bed, NAMESPACE, paths, restarts=True, variables=True)
        reconciler = f"system:serviceaccount:{NAMESPACE}:keyhole-reconciler"
        for verb, resource in (("patch", "secrets"), ("watch", "pods"), ("patch", "deployments")):
            group = {"deployments": "apps"}.get(resource, "")
            wait_until_allowed(bed, reconciler, verb, resource, namespace=NAMESPACE, group=group)
        bed.kubectl("wait", "--for=create", "serviceaccount/default", "-n", NAMESPACE, "--timeout=60s")
        self._keyhole = keyhole
        self._places = places
        self._team = Team(bed, places, NAMESPACE)
        self._plant = Planter(bed, canary)
        self._round = 0

    def everything(self) -> None:
        """Do once what is done once: workloads, a rotation, a deleted secret, the Enforcer."""
        for name in ("db", "mail", "old"):
            self._plant.secret(name)
            self._send(filled(name, password=f"vault:secret/e2e/{name}#password"))
        self._send(filled("through", password=f"vault+{GATED}:secret/e2e/db#password"))
        self._workload()
        self._plant.secret("db")
        self._until("keyhole_follow_refreshes_total", outcome="refreshed")
        self._keyhole.bed.vault.client().secrets.kv.v2.delete_latest_version_of_secret("e2e/old")
        self._until("keyhole_follow_problems", cause="deleted")
        # Both workers take it.
        swap(self._keyhole.connections, self._keyhole.connections.read_text() + "# read again\n")
        self._enforce()

    def once_more(self) -> None:
        """Do what is done all day: apply, be refused, rotate, start pods, and have Vaults that are away."""
        self._round += 1
        fresh = f"vault:secret/e2e/{('db', 'mail')[self._round % 2]}#password"
        self._send(filled(f"round-{self._round % 5}", password=fresh))
        self._send(filled("mail", password="vault:secret/e2e/mail#password", more=fresh))
        for wrong, reference in _BAD.items():
            self._send(filled(wrong, password=reference))
        # After so many failures a worker no longer asks that Vault.
        for _ in range(FAILURES_IN_A_ROW):
            self._send(filled("lost", password=f"vault+{LOST}:secret/e2e/db#password"))
        self._plant.secret("mail")
        self._while_vault_is_away()
        self._pod()
        self._team.run_pods()

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Do `once_more` again and again until the block ends. What goes wrong there is raised after it."""
        ended, wrong = threading.Event(), list[BaseException]()

        def work() -> None:
            try:
                while not ended.wait(_PAUSE_SECONDS):
                    self.once_more()
            except BaseException as error:  # noqa: BLE001 - raised where the test sees it
                wrong.append(error)

        thread = threading.Thread(target=work, name="shop")
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
        if wrong:
            raise wrong[0]

    def _workload(self) -> None:
        """Have a Deployment that is restarted when `db` changes; its pods run."""
        self._team.apply(workload("Deployment", "web", NAMESPACE, ["db"]))
        eventually(lambda: bool(self._team.pods("web")), "there is a pod")
        self._team.run_pods()

    def _pod(self) -> None:
        """Start one more pod, which waits for a Secret of its own; and end an older one."""
        pod = with_variables("Pod", f"job-{self._round}", {"PASSWORD": "vault:secret/e2e/mail#password"})
        answer = self._keyhole.bed.kubernetes.request("POST", self._team.path("Pod"), pod)
        assert answer.ok, answer.text
        if self._round > _PODS:
            self._team.delete("Pod", f"job-{self._round - _PODS}")

    def _while_vault_is_away(self) -> None:
        """Apply a Secret again while its Vault resets connections: the value is kept, unverified."""
        self._keyhole.gate.lead(Way.REFUSED)
        try:
            self._touch("through")
        finally:
            self._keyhole.gate.lead(Way.OPEN)
        self._touch("through")

    def _touch(self, name: str) -> None:
        body = {"metadata": {"annotations": {"example.org/touched": str(time.time())}}}
        self._note(
            self._keyhole.bed.kubernetes.request("PATCH", self._team.path("Secret", name), body, content_type=_MERGE)
        )

    def _send(self, manifest: Manifest) -> None:
        """Create a Secret, or change it if it is there. It may be refused; kubectl would try again for minutes."""
        kubernetes = self._keyhole.bed.kubernetes
        answer = kubernetes.request("POST", self._team.path("Secret"), manifest)
        if answer.status_code == HTTPStatus.CONFLICT:
            path = self._team.path("Secret", manifest["metadata"]["name"])
            answer = kubernetes.request("PATCH", path, manifest, content_type=_MERGE)
        self._note(answer)

    def _note(self, answer: requests.Response) -> None:
        if not answer.ok:
            self._places.note("the API server's refusal", answer.content)

    def _until(self, name: str, **labels: str) -> None:
        """Wait until the controller counts something, and do meanwhile what kubelet would."""

        def counted() -> bool:
            self._team.run_pods()
            return Scraped(scrape(f"http://{self._keyhole.targets[1].address}")).total(name, **labels) > 0

        eventually(counted, f"{name} {labels}")

    def _enforce(self) -> None:
        bed: Testbed = self._keyhole.bed
        written = self._keyhole.collected / COMPLIANCE
        command = [
            *(sys.executable, "-m", "cli", "enforce", "--kubeconfig", str(bed.kubernetes.kubeconfig)),
            *("--timeout", "2m", "-o", f"prometheus={written}"),
        ]
        home = {"HOME": str(self._keyhole.collected), "PATH": os.environ["PATH"]}
        done = subprocess.run(command, cwd=_ROOT, env=home, capture_output=True, text=True, timeout=300, check=False)
        self._places.note("the Enforcer's output", done.stdout + done.stderr)
        assert done.returncode in {1, 2}, done.stderr
        assert written.exists(), done.stderr
