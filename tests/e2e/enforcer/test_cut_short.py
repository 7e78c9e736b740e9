"""A run that is cut short, or that somebody does not answer: its report says *not checked*, and the exit code is 2."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed import Testbed
from testbed.keyhole.identities import API_SERVICE
from testbed.servers.pki import write_private
from testbed.servers.ports import free_port
from tests.e2e.cluster import Cluster
from tests.e2e.enforcer.installed import Installed
from tests.e2e.objects import filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.e2e.slow_wire import silent_listener

_ROOT = Path(__file__).resolve().parents[3]
_SECONDS = 120
_OF_VAULT = {"values-current", "least-privilege", "identities"}
_OF_THE_CLUSTER = {"records-proved", "values-current", "nothing-unresolved", "no-plaintext", "gate-intact"}


@dataclass(frozen=True)
class Asked:
    """`keyhole enforce`, with these files; its report is JSON in `folder`."""

    folder: Path
    kubeconfig: Path
    connections: Path
    places: Places

    @contextlib.contextmanager
    def running(self, *further: str) -> Iterator["subprocess.Popen[bytes]"]:
        """Run it as a process of its own."""
        files = ("--kubeconfig", str(self.kubeconfig), "--connections", str(self.connections))
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT), "HOME": str(self.folder)}
        command = [
            sys.executable,
            "-m",
            "cli",
            "enforce",
            *files,
            *further,
            "-o",
            f"json={self.folder / 'report.json'}",
        ]
        with (
            (self.folder / "log").open("wb") as log,
            subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log) as process,
        ):
            try:
                yield process
            finally:
                process.kill()
        for file in self.folder.iterdir():
            self.places.note(file.name, file.read_bytes())

    def run(self, *further: str) -> int:
        """Run it to its end, and return its exit code."""
        with self.running(*further) as process:
            return process.wait(_SECONDS)

    @property
    def report(self) -> Mapping[str, Any]:
        """The report, as it is now."""
        read: Mapping[str, Any] = json.loads((self.folder / "report.json").read_text())
        return read

    def not_checked(self) -> set[str]:
        """Return the standards of which nothing was found, and something was not checked."""
        return {each["name"] for each in self.report["standards"] if each["status"] == "not-checked"}

    def status(self, standard: str) -> str:
        """Return how a standard stands."""
        (found,) = [each["status"] for each in self.report["standards"] if each["name"] == standard]
        return str(found)

    def reasons(self, standard: str) -> str:
        """Return why something of it was not checked."""
        (found,) = [each["unchecked"] for each in self.report["standards"] if each["name"] == standard]
        return "; ".join(each["reason"] for each in found)


Ask = Callable[..., Asked]


@pytest.fixture
def ask(kubeconfig: Path, connections: Path, places: Places, tmp_path: Path) -> Ask:
    """Return what asks as the Enforcer, unless it is given other files."""

    def ask(kubeconfig: Path = kubeconfig, connections: Path = connections) -> Asked:
        folder = tmp_path / "asked"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return Asked(folder, kubeconfig, connections, places)

    return ask


@pytest.fixture
def silent_vault(connections: Path, tmp_path: Path) -> Iterator[tuple[Path, socket.socket]]:
    """Return connections to a Vault that takes connections and says nothing, and its socket."""
    known = yaml.safe_load(connections.read_text())
    with silent_listener() as listener:
        known["connections"]["default"]["address"] = f"https://127.0.0.1:{listener.getsockname()[1]}"
        file = tmp_path / "silent.yaml"
        file.write_text(yaml.safe_dump(known))
        yield file, listener


@pytest.fixture(autouse=True)
def _something_to_look_at(cluster: Cluster, plant: Planter) -> None:
    plant.secret("app")
    cluster.apply(filled("app", password="vault:secret/shop/app#password"))


class TestKilledHalfWay:
    """The cluster was looked at; Vault has been asked, and does not answer."""

    def test_by_sigterm(self, ask: Ask, silent_vault: tuple[Path, socket.socket]) -> None:
        connections, vault = silent_vault
        asked = ask(connections=connections)
        with asked.running() as process:
            taken, _ = vault.accept()
            process.send_signal(signal.SIGTERM)
            taken.close()
            vault.close()
            assert process.wait(_SECONDS) == 2
        assert asked.report["ended"] is not None
        assert asked.report["summary"]["status"] == "not-checked"
        assert asked.not_checked() >= _OF_VAULT
        assert "SIGTERM" in asked.reasons("gate-intact")
        assert asked.status("records-proved") == "held"

    def test_by_sigkill(self, ask: Ask, silent_vault: tuple[Path, socket.socket]) -> None:
        connections, vault = silent_vault
        asked = ask(connections=connections)
        with asked.running() as process:
            taken, _ = vault.accept()
            process.kill()
            process.wait(_SECONDS)
            taken.close()
        assert asked.report["ended"] is None
        assert asked.not_checked() >= _OF_THE_CLUSTER | _OF_VAULT
        assert "the run has not ended" in asked.reasons("records-proved")


def test_vault_sealed(bed: Testbed, ask: Ask) -> None:
    asked = ask()
    bed.vault.seal()
    try:
        assert asked.run() == 2
    finally:
        bed.vault.unseal()
    assert asked.not_checked() >= _OF_VAULT
    assert asked.status("records-proved") == "held"


def test_the_api_server_away(kubeconfig: Path, ask: Ask, tmp_path: Path) -> None:
    elsewhere = yaml.safe_load(kubeconfig.read_text())
    elsewhere["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_port()}"
    asked = ask(kubeconfig=write_private(tmp_path / "away", yaml.safe_dump(elsewhere).encode()))
    # It would ask again for a while.
    assert asked.run("--timeout", "3s") == 2
    assert asked.not_checked() >= _OF_THE_CLUSTER


def test_keyhole_away(bed: Testbed, release: Installed, cluster: Cluster, ask: Ask) -> None:
    asked = ask()
    with _leading_nowhere(bed, release, cluster):
        assert asked.run() == 2
    assert asked.status("records-proved") == "not-checked"
    assert asked.status("values-current") == "not-checked"


@contextlib.contextmanager
def _leading_nowhere(bed: Testbed, release: Installed, cluster: Cluster) -> Iterator[None]:
    """Have the APIService lead to a port on which nobody listens, until the block ends."""

    def lead_to(port: int) -> None:
        change = json.dumps([{"op": "replace", "path": "/spec/service/port", "value": port}])
        bed.kubectl("patch", "apiservice", API_SERVICE, "--type=json", "-p", change)

    def is_answered() -> bool:
        tried = filled("tried", password="vault:secret/shop/app#password")
        return cluster.apply(tried, dry_run=True, check=False).returncode == 0

    port = release.values["service"]["port"]
    lead_to(free_port())
    try:
        eventually(lambda: not is_answered(), "Keyhole is away")
        yield
    finally:
        lead_to(port)
        eventually(is_answered, "Keyhole is back")
