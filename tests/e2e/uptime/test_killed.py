"""What happens when a process is killed, as the kernel does it when memory runs out."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from testbed import Testbed
from testbed.keyhole.installation import Webhook, serving
from testbed.load.mixture import Mixture
from testbed.load.objects import CONSTANT_BASE64, one_reference
from testbed.load.wire import Endpoint
from tests.e2e.caller import Caller
from tests.e2e.places import Places
from tests.e2e.processes import children, connections_of, eventually, workers
from tests.e2e.uptime.conftest import CLIENTS, NAMESPACES, PAUSE_SECONDS, Way
from tests.e2e.vault_tokens import living_tokens

# `make uptime` asks for 5. Two are the fewest with a worker among them that took another one's place.
_KILLS = int(os.environ.get("KEYHOLE_WORKER_KILLS") or 2)
_LATE = re.compile(r"deadline exceeded|timed out|Client\.Timeout|TimeoutError")
# So long that no admission runs into it because the machine is busy: what does was left hanging.
TIMEOUT_SECONDS = 30


@pytest.mark.usefixtures("places")
def test_a_worker_that_is_killed_takes_its_open_connections_along_and_nothing_else(
    bed: Testbed, way: Way, connections: Path, endpoint: Endpoint, tmp_path: Path
) -> None:
    with (
        way.serving(bed, tmp_path, connections) as webhook,
        way.registered(bed, webhook, timeout_seconds=TIMEOUT_SECONDS),
        Mixture(
            endpoint, NAMESPACES, clients=CLIENTS, filled_base64=CONSTANT_BASE64, pause_seconds=PAUSE_SECONDS
        ) as mixture,
    ):
        _wait_for_more(mixture, 100)
        for _ in range(_KILLS):
            before = mixture.tally()
            victim = min(workers(webhook), key=lambda worker: -len(connections_of(worker, _port(webhook))))
            os.kill(victim, signal.SIGSTOP)  # so that no connection comes or goes until it is counted
            held = len(connections_of(victim, _port(webhook)))
            os.kill(victim, signal.SIGKILL)
            eventually(lambda gone=victim: gone not in workers(webhook), "the worker is gone")  # type: ignore[misc]
            eventually(lambda: len(workers(webhook)) == 2, "there is another worker")
            _wait_for_more(mixture, 100)
            after = mixture.tally()
            print(f"\nit held {held} connections, {after.errors - before.errors} requests failed")  # noqa: T201
            assert 0 <= after.errors - before.errors <= held, after.failures
            # The kernel tells the API server of each connection's end: nobody waits for an answer that cannot come.
            assert [str(failure) for failure in after.failures if _LATE.search(failure.told)] == []
        settled = mixture.tally()
        _wait_for_more(mixture, 200)
        assert mixture.tally().errors == settled.errors


@pytest.fixture
def orphanage(bed: Testbed, connections: Path, tmp_path: Path) -> Iterator[tuple[Webhook, subprocess.Popen[bytes]]]:
    """Return a webhook whose master no guardian looks after: one that is killed leaves its workers behind."""
    with serving(bed, tmp_path, connections) as webhook:
        known = Path(f"/proc/{webhook.server.pid}")
        command = (known / "cmdline").read_bytes().decode().split("\0")[:-1]
        environment = dict(line.split("=", 1) for line in (known / "environ").read_text().split("\0") if line)
        webhook.server.stop(grace_seconds=30)
    with (tmp_path / "orphans.log").open("wb") as log:
        master = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=log, stderr=log)
    yield webhook, master
    master.kill()
    master.wait()


def test_when_the_master_is_killed_its_workers_end_by_themselves_and_give_back_what_they_hold(
    bed: Testbed, orphanage: tuple[Webhook, subprocess.Popen[bytes]], connections: Path, places: Places, tmp_path: Path
) -> None:
    webhook, master = orphanage
    caller = Caller(webhook, places, NAMESPACES[0])
    before = living_tokens(bed)
    eventually(lambda: _is_allowed(caller), "it admits")
    eventually(lambda: len(children(master.pid)) == 2, "both workers run")
    orphans = children(master.pid)
    assert living_tokens(bed) - before
    master.kill()
    eventually(lambda: not any(Path(f"/proc/{orphan}").exists() for orphan in orphans), "the workers are gone")
    assert living_tokens(bed) <= before
    again = tmp_path / "again"
    again.mkdir()
    with serving(bed, again, connections, port=_port(webhook)) as successor:
        assert _is_allowed(Caller(successor, places, NAMESPACES[0]))


def _is_allowed(caller: Caller) -> bool:
    try:
        return caller.admit(one_reference(NAMESPACES[0], "app")).allowed
    except OSError:
        return False


def _wait_for_more(mixture: Mixture, requests: int) -> None:
    wanted = mixture.tally().requests + requests
    deadline = time.monotonic() + 180
    while mixture.tally().requests < wanted:
        assert time.monotonic() < deadline, "the clients are not served"
        time.sleep(0.1)


def _port(webhook: Webhook) -> int:
    port = urlsplit(webhook.url).port
    assert port
    return port
