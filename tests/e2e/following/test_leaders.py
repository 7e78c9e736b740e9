"""Controllers whose leader is killed again and again, while values rotate: another goes on, and nothing happens twice.

`make nightly` kills twenty (KEYHOLE_LEADER_KILLS).
"""

import contextlib
import itertools
import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from manifests.registration.webhook_configuration import OWN_NAMESPACE
from testbed import Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.identities import LEASE
from testbed.keyhole.installation import Webhook, controlling
from testbed.keyhole.tenants import add_tenant
from testbed.servers.supervision import Server
from tests.e2e.cluster import Cluster
from tests.e2e.following.conftest import INTERVAL_SECONDS, POLICY
from tests.e2e.objects import filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually

NAMESPACE = "following-leaders"
NAMES = [f"led-{number}" for number in range(4)]
# One that dies, and one that gives its Lease back.
KILLS = int(os.environ.get("KEYHOLE_LEADER_KILLS") or 2)
_ROTATE_SECONDS = 0.5
_WATCH_SECONDS = 3
_LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{OWN_NAMESPACE}/leases/{LEASE}"


@pytest.fixture
def cluster(bed: Testbed, places: Places, plant: Planter, webhook: Webhook) -> Cluster:
    """Return a namespace with some Secrets, each with a path of its own."""
    add_tenant(bed, NAMESPACE, POLICY)
    cluster = Cluster(bed, places, NAMESPACE)
    for name in NAMES:
        plant.secret(name)
        cluster.apply(filled(name, password=f"vault:secret/e2e/{name}#password"))
    return cluster


class Rotating(threading.Thread):
    """Writes a new value to one path after another, until it is told to end; `values` are the last ones."""

    def __init__(self, plant: Planter) -> None:
        super().__init__(name="rotating", daemon=True)
        self._plant = plant
        self._over = threading.Event()
        self.values: dict[str, dict[str, str]] = {}

    def run(self) -> None:
        for name in itertools.cycle(NAMES):
            self.values[name] = self._plant.secret(name)
            if self._over.wait(_ROTATE_SECONDS) and set(self.values) == set(NAMES):
                return

    def end(self) -> None:
        self._over.set()
        self.join()


@dataclass
class Candidates:
    """Controllers of which one leads."""

    bed: Testbed
    places: Places
    folder: Path
    connections: Path
    stack: contextlib.ExitStack
    running: list[Server] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def start(self) -> None:
        """Start one more."""
        name = f"controller-{next(self.numbers)}"
        self.places.watch(self.folder / f"{name}.log")
        arguments = ("--connections", str(self.connections))
        self.running.append(
            self.stack.enter_context(controlling(self.bed, self.folder, name=name, arguments=arguments))
        )

    def end_the_leader(self, how: signal.Signals) -> None:
        """End it, put another one in its place, and wait until one of them leads."""
        before = self.holder()
        leader = next(each for each in self.running if f"(as {before})" in each.log_file.read_text())
        self.running.remove(leader)
        os.kill(leader.pid, how)
        self.start()
        eventually(lambda: self.holder() not in {"", before}, f"another one leads after {how.name}")

    def holder(self) -> str:
        """Return who leads."""
        answer = self.bed.kubernetes.request("GET", _LEASE)
        return str(answer.json()["spec"].get("holderIdentity") or "") if answer.ok else ""


@pytest.fixture
def candidates(bed: Testbed, places: Places, tmp_path: Path) -> Iterator[Candidates]:
    connections = write_connections(bed, tmp_path / "connections.yaml", followIntervalSeconds=INTERVAL_SECONDS)
    with contextlib.ExitStack() as stack:
        candidates = Candidates(bed, places, tmp_path, connections, stack)
        candidates.start()
        eventually(lambda: bool(candidates.holder()), "one leads")
        candidates.start()
        yield candidates


def test_whenever_the_leader_ends_each_version_is_written_once(
    bed: Testbed, cluster: Cluster, plant: Planter, candidates: Candidates
) -> None:
    secrets = f"/api/v1/namespaces/{NAMESPACE}/secrets"
    began = bed.kubernetes.request("GET", secrets).json()["metadata"]["resourceVersion"]
    rotating = Rotating(plant)
    rotating.start()
    try:
        for number in range(KILLS):
            # At no moment in particular.
            time.sleep(random.uniform(0.5, 3))
            candidates.end_the_leader(signal.SIGTERM if number % 2 else signal.SIGKILL)
    finally:
        rotating.end()
    for name in NAMES:
        eventually(lambda name=name: cluster.values(name) == rotating.values[name], f"{name} has its last value")  # type: ignore[misc]
    written = _recorded_versions(bed, f"{secrets}?watch=true&resourceVersion={began}&timeoutSeconds={_WATCH_SECONDS}")
    for name in NAMES:
        # A version may be passed over when the next one comes soon; none is written again.
        assert written[name]
        assert len(set(written[name])) == len(written[name])
        assert written[name] == sorted(written[name])


def _recorded_versions(bed: Testbed, watch: str) -> dict[str, list[int]]:
    """Return the version in the record of each state that each Secret had; a watch tells of them all, in order."""
    answer = bed.kubernetes.request("GET", watch)
    answer.raise_for_status()
    found: dict[str, list[int]] = {}
    for line in answer.text.splitlines():
        metadata = json.loads(line)["object"]["metadata"]
        (entry,) = json.loads(metadata["annotations"]["keyhole.dev/record"])["fields"].values()
        (version,) = entry["versions"]
        found.setdefault(metadata["name"], []).append(version)
    return found
