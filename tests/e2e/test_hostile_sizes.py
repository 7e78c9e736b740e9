"""Small objects that make for much work or memory: they are refused, and nobody else waits or dies of them."""

import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest

from testbed import Testbed
from testbed.keyhole.installation import Webhook
from testbed.keyhole.tenants import add_tenant
from tests.e2e.caller import Caller
from tests.e2e.cluster import Cluster
from tests.e2e.objects import Manifest, encoded, filled
from tests.e2e.planter import Planter
from tests.e2e.processes import workers

pytestmark = pytest.mark.usefixtures("_webhook_goes_on")

_OTHER = "e2e-beside-large"
# Each is an object of its own, and all come at once.
_ATTACKS = int(os.environ.get("KEYHOLE_HOSTILE_OBJECTS", "6"))
# The chart's limit for a pod.
_MOST_MEGABYTES = 512.0
_PATHS = 12


@dataclass(frozen=True)
class _Attack:
    """What stands in Vault, by secret and field; the references to it, by key; and how they are refused."""

    name: str
    planted: dict[str, dict[str, object]] = field(repr=False)
    references: dict[str, str] = field(repr=False)
    cause: str


_NUMBERS = ",".join(map(str, range(90_000)))
_ATTACKED = (
    _Attack(
        "members of a list of 450,000 numbers",
        {"doc": {"d": f"[{','.join('0' * 450_000)}]"}},
        {f"k{number}": f"vault:secret/e2e/doc#d | json:/{number}" for number in range(1000)},
        "FunctionFailed",
    ),
    _Attack(
        "a thousand JSON texts that are told apart by what does nothing",
        {"doc": {"d": f"[{_NUMBERS}]"}},
        {f"k{number}": f"vault:secret/e2e/doc#d | default:{number} | json:/{number}" for number in range(1000)},
        "TooMuchWork",
    ),
    _Attack(
        "line breaks that are indented again and again",
        {"doc": {"d": "\nx" * 300_000}},
        {
            f"k{number}": f"vault:secret/e2e/doc#d | {'indent:0 | ' * 6}sha256 | default:{number}"
            for number in range(999)
        },
        "TooMuchWork",
    ),
    _Attack(
        "one value of a megabyte in sixty fields",
        {"doc": {"d": "x" * 1_000_000}},
        {f"k{number}": "vault:secret/e2e/doc#d" for number in range(60)},
        "SecretTooLarge",
    ),
    _Attack(
        "many paths with a megabyte each",
        {f"doc-{number}": {"d": "x", "large": "x" * 900_000} for number in range(_PATHS)},
        {f"k{number}": f"vault:secret/e2e/doc-{number % _PATHS}#d | default:{number}" for number in range(1000)},
        "AnswerTooLarge",
    ),
)


@pytest.fixture(scope="module")
def beside(testbed: Testbed, webhook: Webhook) -> str:
    """Return the namespace of somebody else."""
    add_tenant(testbed, _OTHER, ["secret/data/e2e/*"])
    return _OTHER


@pytest.mark.parametrize("attack", _ATTACKED, ids=lambda attack: attack.name)
def test_who_asks_for_too_much_is_refused_and_others_are_answered(
    attack: _Attack, cluster: Cluster, caller: Caller, plant: Planter, beside: str
) -> None:
    for name, fields in attack.planted.items():
        plant.write(name, fields)
    value = plant.secret("beside-large")["password"]
    ordinary = filled("ordinary", password="vault:secret/e2e/beside-large#password")
    # Both workers know the namespace: a first login is no part of what is measured.
    for _ in range(6):
        assert caller.admit(ordinary, namespace=beside).allowed
    before = workers(caller.webhook)
    hostile = [filled(f"hostile-{number}", **attack.references) for number in range(_ATTACKS)]
    waits: list[float] = []
    with _memory_of(caller.webhook) as most_megabytes, ThreadPoolExecutor(_ATTACKS) as pool:
        attacks = [pool.submit(_created, cluster, manifest) for manifest in hostile]
        while not all(each.done() for each in attacks) or len(waits) < 5:
            started = time.monotonic()
            reply = caller.admit(ordinary, namespace=beside, timeout_seconds=10)
            waits.append(time.monotonic() - started)
            assert {"op": "add", "path": "/data/password", "value": encoded(value)} in reply.patch
    _told(attack, waits, most_megabytes())
    refusals = [each.result() for each in attacks]
    assert {code for code, _ in refusals} <= {403, 429, 503}
    assert any(code == 403 and f"{attack.cause}: Secret e2e/hostile-" in message for code, message in refusals), (
        refusals
    )
    assert workers(caller.webhook) == before
    assert most_megabytes() < _MOST_MEGABYTES


def _created(cluster: Cluster, manifest: Manifest) -> tuple[int, str]:
    answer = cluster.create(manifest)
    return answer.status_code, str(json.loads(answer.content).get("message", ""))


def _told(attack: _Attack, waits: list[float], megabytes: float) -> None:
    """Tell what was measured: nothing is asserted of a clock."""
    ordered = sorted(waits)
    print(  # noqa: T201
        f"\n{attack.name}: {len(waits)} admissions of another namespace, median {ordered[len(waits) // 2]:.3f} s, "
        f"longest {ordered[-1]:.3f} s; master and workers {megabytes:.0f} MiB at the most"
    )


@contextmanager
def _memory_of(webhook: Webhook) -> Iterator["_Peak"]:
    """Watch the memory of the server's processes while the block runs."""
    peak = _Peak(webhook)
    with ThreadPoolExecutor(1) as pool:
        watching: Future[None] = pool.submit(peak.watch)
        try:
            yield peak
        finally:
            peak.over.set()
            watching.result()


class _Peak:
    """The most memory that the server's processes had together, in MiB (proportional set size)."""

    def __init__(self, webhook: Webhook) -> None:
        self.over = Event()
        self._webhook = webhook
        self._megabytes = 0.0

    def __call__(self) -> float:
        return self._megabytes

    def watch(self) -> None:
        while not self.over.wait(0.05):
            processes = (self._webhook.server.pid, *workers(self._webhook))
            self._megabytes = max(self._megabytes, sum(map(_pss_mebibytes, processes)))


def _pss_mebibytes(process: int) -> float:
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(process)
