"""Namespaces whose Vault stalls, more of them than there are places: whoever needs another Vault does not wait."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from testbed import Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import serving
from testbed.keyhole.tenants import add_tenant
from tests.e2e.caller import Caller
from tests.e2e.objects import filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.scraped import settled
from tests.e2e.slow_wire import silent_listener

_STALLED = tuple(f"stalled-{number}" for number in range(12))
_CLIENTS_EACH = 8
# Fewer places than namespaces, so that one of each is enough to take them all.
_MOST = 8
_TRIES = 40
# The webhook shares its processor with everything that the machine does, and with a hundred clients.
_LATE_SECONDS = 30
# Who is refused comes again soon, and at once in `make crowds`: a crowd that never rests keeps the machine busy.
_PAUSE_SECONDS = float(os.environ.get("KEYHOLE_CROWD_PAUSE_SECONDS") or 0.3)


@pytest.fixture
def beside(testbed: Testbed, places: Places, tenant: str, tmp_path: Path) -> Iterator[Caller]:
    """Return somebody of a namespace with a Vault that answers, who asks a webhook that knows a silent one too."""
    for namespace in _STALLED:
        add_tenant(testbed, namespace, ["secret/data/e2e/*"])
    file = write_connections(testbed, tmp_path / "connections.yaml")
    known = yaml.safe_load(file.read_text())
    places.watch(tmp_path / "keyhole.log")
    arguments = ["--workers", "1", "--max-running", str(_MOST), "--max-waiting", str(8 * _MOST)]
    with silent_listener() as silent:
        # Longer than the test: the breaker must not be what helps.
        silence = {"address": f"https://127.0.0.1:{silent.getsockname()[1]}", "timeoutSeconds": 30}
        known["connections"]["silent"] = {**known["connections"]["default"], **silence}
        file.write_text(yaml.safe_dump(known))
        with serving(testbed, tmp_path, file, arguments=arguments) as webhook:
            yield Caller(webhook, places, tenant)


def test_namespaces_at_a_vault_that_never_answers_hold_up_nobody_who_needs_another(
    beside: Caller, plant: Planter
) -> None:
    plant.secret("beside-silence")
    over = threading.Event()

    def insist(namespace: str) -> set[int]:
        codes = set()
        while not over.is_set():
            stalled = filled("stalled", password="vault+silent:secret/e2e/any#password")
            reply = beside.admit(stalled, namespace=namespace, timeout_seconds=15, late_seconds=_LATE_SECONDS)
            codes.add(reply.code)
            over.wait(_PAUSE_SECONDS)
        return codes

    with ThreadPoolExecutor(len(_STALLED) * _CLIENTS_EACH) as pool:
        insisting = [pool.submit(insist, namespace) for namespace in _STALLED * _CLIENTS_EACH]
        try:
            health_url, refusals = beside.webhook.health_url, "keyhole_admission_refusals_total"
            settled(health_url, lambda told: told.total(refusals) > 0, "more come than there is room for")
            manifest = filled("beside", password="vault:secret/e2e/beside-silence#password")
            replies = [beside.admit(manifest, timeout_seconds=10) for _ in range(_TRIES)]
        finally:
            over.set()
        codes = {code for client in insisting for code in client.result()}
    assert [reply.message for reply in replies if not reply.allowed] == []
    # Nobody is left without an answer, and each may come again.
    assert codes <= {429, 503}
