"""A long, steady load on one Keyhole behind the aggregation layer, and what its processes hold meanwhile.

The values in Vault are rotated, tokens run out and are replaced, references that lead nowhere are refused: everything
that happens in a good month, and nothing that fails.
"""

import base64
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.figures.growth import Growth, Sample, growths
from bench.figures.machine import Machine, this_machine
from bench.figures.usage import held_by
from bench.stage import api_endpoint, wait_until_filled
from testbed import Testbed
from testbed.keyhole.aggregation import aggregated, serving_aggregated
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import Webhook
from testbed.keyhole.tenants import add_tenant
from testbed.load.mixture import Mixture, Tally
from testbed.load.objects import CONSTANT_BASE64, KEY

NAMESPACES = ("soak-0", "soak-1", "soak-2", "soak-3")
# So short that the run sees many tokens end.
_TOKEN_LIFE = "2m"
_REFRESH_SECONDS = 10
# The whole groups of three bytes with which each value begins, whatever follows.
_FILLED_BASE64 = CONSTANT_BASE64[: (len(CONSTANT_BASE64) - 1) // 4 * 4]
MOST_PSS_GROWTH = 0.05
# The API server's connections and those to Vault come and go.
_MORE_DESCRIPTORS = 12
_MORE_THREADS = 2
# A token is replaced a little before its end, and the old one is left to it.
_RUN_OUT_SECONDS = 40.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How long, and how hard: a client pauses before each request, and the value in Vault changes now and then.

    Compared is from `settle_seconds` on.
    """

    duration_seconds: float
    settle_seconds: float
    sample_seconds: float = 5.0
    clients: int = 8
    pause_seconds: float = 0.05
    rotate_seconds: float = 20.0

    @property
    def samples(self) -> int:
        """How many samples are taken."""
        return int(self.duration_seconds / self.sample_seconds)


@dataclass(frozen=True, slots=True)
class SoakReport:
    """Everything that one run found."""

    machine: Machine
    settings: Settings
    tally: Tally
    samples: Sequence[Sample]
    growths: Sequence[Growth]
    replaced_processes: int
    tokens_left: int

    @property
    def complaints(self) -> Sequence[str]:
        """What is not as the project wants it; empty when all is well."""
        growth = {found.name: found for found in self.growths}
        pss, descriptors, threads = growth["PSS MiB"], growth["file descriptors"], growth["threads"]
        found = {
            f"{self.tally.errors} requests failed, the first: {next(iter(self.tally.failures), '')}": self.tally.errors,
            f"{self.replaced_processes} processes came or went": self.replaced_processes,
            f"PSS grew by {pss.ratio:.1%}": pss.ratio >= MOST_PSS_GROWTH,
            f"there are {descriptors.more:.0f} more file descriptors": descriptors.more > _MORE_DESCRIPTORS,
            f"there are {threads.more:.0f} more threads": threads.more > _MORE_THREADS,
            f"{self.tokens_left} tokens were not revoked": self.tokens_left,
        }
        return [complaint for complaint, is_so in found.items() if is_so]


def run(bed: Testbed, settings: Settings, advance: Callable[[str], None]) -> SoakReport:
    """Soak a Keyhole on a testbed that is up. `advance` is told how it stands at each sample. Raises BenchError."""
    machine = this_machine(bed.versions())
    tokens_before = _tokens(bed)
    folder = bed.directory / "soak"
    folder.mkdir()
    _rotate(bed, "")
    for namespace in NAMESPACES:
        _add_namespace(bed, namespace)
    with _keyhole(bed, folder) as keyhole:
        endpoint = api_endpoint(bed, folder)
        with Mixture(
            endpoint,
            NAMESPACES,
            clients=settings.clients,
            filled_base64=_FILLED_BASE64,
            pause_seconds=settings.pause_seconds,
        ) as mixture:
            samples = _samples(bed, keyhole, mixture, settings, advance)
            tally = mixture.tally()
    return SoakReport(
        machine,
        settings,
        tally,
        samples,
        growths(samples, settings.settle_seconds),
        len({process for sample in samples for process in sample.processes} ^ set(samples[0].processes)),
        _tokens_left(bed, tokens_before),
    )


@contextlib.contextmanager
def _keyhole(bed: Testbed, folder: Path) -> Iterator[Webhook]:
    connections = write_connections(bed, folder / "connections.yaml", refreshIntervalSeconds=_REFRESH_SECONDS)
    with serving_aggregated(bed, folder, connections) as keyhole, aggregated(bed, keyhole, policy=True):
        for namespace in NAMESPACES:
            wait_until_filled(bed, namespace)
        yield keyhole


def _add_namespace(bed: Testbed, namespace: str) -> None:
    add_tenant(bed, namespace, ["secret/data/app", "secret/data/app-*"])
    change = {"role_type": "jwt", "token_ttl": _TOKEN_LIFE}
    bed.vault.client().adapter.post(f"/v1/auth/jwt/role/keyhole-{namespace}", json=change)


def _samples(
    bed: Testbed, keyhole: Webhook, mixture: Mixture, settings: Settings, advance: Callable[[str], None]
) -> list[Sample]:
    began = time.monotonic()
    samples: list[Sample] = []
    rotations = 0
    for number in range(settings.samples):
        time.sleep(max(0.0, began + (number + 1) * settings.sample_seconds - time.monotonic()))
        at_seconds = time.monotonic() - began
        if at_seconds // settings.rotate_seconds > rotations:
            rotations += 1
            _rotate(bed, f"-{rotations}")
        held = held_by(keyhole.server.pid)
        if held is None:
            raise BenchError("what the processes hold can be read on Linux only")
        samples.append(
            Sample(
                at_seconds,
                held.processes,
                held.pss_mib,
                held.anonymous_mib,
                held.descriptors,
                held.threads,
                _tokens(bed),
            )
        )
        tally = mixture.tally()
        advance(
            f"{at_seconds / 60:.1f} min: {tally.requests:,} requests, {tally.errors} errors, "
            f"{held.pss_mib:.1f} MiB, {held.descriptors} descriptors, {held.threads} threads"
        )
    return samples


def _rotate(bed: Testbed, ending: str) -> None:
    value = base64.b64decode(CONSTANT_BASE64).decode() + ending
    bed.vault.client().secrets.kv.v2.create_or_update_secret("app", {KEY: value})


def _tokens(bed: Testbed) -> int:
    accessors: list[str] = bed.vault.client().auth.token.list_accessors()["data"]["keys"]
    return len(accessors)


def _tokens_left(bed: Testbed, before: int) -> int:
    """Return how many tokens are left that neither were revoked nor ran out."""
    deadline = time.monotonic() + _RUN_OUT_SECONDS
    while (left := _tokens(bed) - before) > 0 and time.monotonic() < deadline:
        time.sleep(1)
    return max(0, left)
