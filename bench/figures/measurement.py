"""What was measured, and what follows from it: samples in, rows out. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from math import ceil
from typing import TypeVar

from bench.figures.statistics import median_of, median_ratio, percentile
from testbed.load.clients import Volley

Key = TypeVar("Key")

LEAST_SLICES = 5
_MS = 1000.0


class Variant(StrEnum):
    """Who answers the API server: directly, seeing its client certificate, or through its aggregation layer."""

    NONE = "no webhook"
    CONSTANT = "constant answer"
    KEYHOLE = "Keyhole"
    AGGREGATED_CONSTANT = "aggregated constant"
    AGGREGATED_KEYHOLE = "aggregated Keyhole"


# What each Keyhole is compared with: who is asked in the same way, and says the same whatever it is asked.
CONSTANTS: Mapping[Variant, Variant] = {
    Variant.KEYHOLE: Variant.CONSTANT,
    Variant.AGGREGATED_KEYHOLE: Variant.AGGREGATED_CONSTANT,
}


class Operation(StrEnum):
    """What the clients do, to a Secret with one reference or with none."""

    CREATE = "create"
    APPLY = "re-apply"
    DRY_RUN = "dry run"
    PLAIN_CREATE = "create, no reference"
    PLAIN_APPLY = "re-apply, no reference"

    @property
    def is_create(self) -> bool:
        """Whether each request makes an object of its own."""
        return self in {Operation.CREATE, Operation.PLAIN_CREATE}

    @property
    def is_plain(self) -> bool:
        """Whether there is no reference, so that what a webhook costs is what it costs everybody else."""
        return self in {Operation.PLAIN_CREATE, Operation.PLAIN_APPLY}

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Who is compared. A constant answer has no say about an object that Keyhole leaves alone."""
        return (Variant.NONE, *CONSTANTS) if self.is_plain else tuple(Variant)


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a cell in one round: what the clients saw, what the webhook's processes and Vault had to do for it."""

    volley: Volley
    cpu_seconds: float | None = None
    vault_requests: int = 0
    vault_logins: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """One cell in one round. Latencies are of answered requests only; without any there are none."""

    requests: int
    p50_ms: float | None
    p99_ms: float | None
    per_second: float
    errors: int
    first_error: str | None
    cpu_ms_each: float | None = None
    vault_requests: int = 0
    vault_logins: int = 0

    @classmethod
    def of(cls, slices: Sequence[Slice]) -> "Sample":
        """Sum up the slices."""
        volleys = [part.volley for part in slices]
        latencies = [latency for volley in volleys for latency in volley.latencies_seconds]
        duration_seconds = sum(volley.duration_seconds for volley in volleys)
        cpu_seconds = [part.cpu_seconds for part in slices if part.cpu_seconds is not None]
        return cls(
            requests=len(latencies),
            p50_ms=percentile(latencies, 50) * _MS if latencies else None,
            p99_ms=percentile(latencies, 99) * _MS if latencies else None,
            per_second=len(latencies) / duration_seconds if duration_seconds else 0.0,
            errors=sum(volley.errors for volley in volleys),
            first_error=next((volley.first_error for volley in volleys if volley.first_error), None),
            cpu_ms_each=sum(cpu_seconds) * _MS / len(latencies) if latencies and cpu_seconds else None,
            vault_requests=sum(part.vault_requests for part in slices),
            vault_logins=sum(part.vault_logins for part in slices),
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """The medians of a cell's rounds. Errors, and what Vault was asked in all, are sums."""

    p50_ms: float | None
    p99_ms: float | None
    per_second: float | None
    errors: int
    first_error: str | None
    cpu_ms_each: float | None
    vault_requests_per_admission: float | None
    vault_requests: int
    vault_logins: int

    @classmethod
    def of(cls, rounds: Sequence[Sample]) -> "Figures":
        """Take the medians."""
        return cls(
            p50_ms=median_of([sample.p50_ms for sample in rounds]),
            p99_ms=median_of([sample.p99_ms for sample in rounds]),
            per_second=median_of([sample.per_second for sample in rounds]),
            errors=sum(sample.errors for sample in rounds),
            first_error=next((sample.first_error for sample in rounds if sample.first_error), None),
            cpu_ms_each=median_of([sample.cpu_ms_each for sample in rounds]),
            vault_requests_per_admission=median_of(
                [sample.vault_requests / sample.requests if sample.requests else None for sample in rounds]
            ),
            vault_requests=sum(sample.vault_requests for sample in rounds),
            vault_logins=sum(sample.vault_logins for sample in rounds),
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """What is measured side by side: who answers, what is done, by how many at once."""

    operation: Operation
    clients: int
    variant: Variant


@dataclass(frozen=True, slots=True)
class Row:
    """One cell's figures, its p50 as a multiple of others', and its rate as a part of the constant answer's.

    Each is the median of the ratios that the rounds have of their own. The constant answer is the one of `CONSTANTS`.
    """

    operation: Operation
    clients: int
    variant: Variant
    figures: Figures
    times_none: float | None
    times_constant: float | None
    rate_of_constant: float | None
    rounds: Sequence[Sample]


def rows(samples: Mapping[Cell, Sequence[Sample]]) -> list[Row]:
    """Return a row for each cell, in the order in which they came."""

    def ratio(cell: Cell, base: Variant | None, figure: Callable[[Sample], float | None]) -> float | None:
        other = samples.get(replace(cell, variant=base)) if base is not None else None
        if other is None or base is cell.variant:
            return None
        return median_ratio([figure(sample) for sample in samples[cell]], [figure(sample) for sample in other])

    return [
        Row(
            operation=cell.operation,
            clients=cell.clients,
            variant=cell.variant,
            figures=Figures.of(measured),
            times_none=ratio(cell, Variant.NONE, lambda sample: sample.p50_ms),
            times_constant=ratio(cell, CONSTANTS.get(cell.variant), lambda sample: sample.p50_ms),
            rate_of_constant=ratio(cell, CONSTANTS.get(cell.variant), lambda sample: sample.per_second),
            rounds=measured,
        )
        for cell, measured in samples.items()
    ]


@dataclass(frozen=True, slots=True)
class FanOut:
    """An admission that reads many paths against one that reads one, Vault being far away."""

    fields: int
    paths: int
    delay_ms: float
    one: Figures
    many: Figures
    times_one: float | None


def fan_out(fields: int, paths: int, delay_ms: float, one: Sequence[Sample], many: Sequence[Sample]) -> FanOut:
    """Sum up the rounds of both."""
    ratio = median_ratio([sample.p50_ms for sample in many], [sample.p50_ms for sample in one])
    return FanOut(fields, paths, delay_ms, Figures.of(one), Figures.of(many), ratio)


def first_errors(measured: Sequence[Row]) -> list[str]:
    """Return the first error of each row that has one, in words."""
    told = ((row, row.figures.first_error) for row in measured)
    return list(
        chain.from_iterable(
            [f"{row.operation}, {row.clients} clients, {row.variant}: {error}"] if error else [] for row, error in told
        )
    )


def slices_of(keys: int) -> int:
    """Return how many slices each of so many keys is measured in: so many that each of them begins equally often."""
    return keys * ceil(LEAST_SLICES / keys)


def in_turn(keys: Sequence[Key], first: int, measure: Callable[[Key], Slice]) -> dict[Key, Sample]:
    """Measure each key in `slices_of` slices, all keys taking turns, in an order that moves on by one each time.

    What disturbs the machine for seconds then disturbs all of them. `first` says who begins.
    """
    slices: dict[Key, list[Slice]] = {key: [] for key in keys}
    for number in range(first, first + slices_of(len(keys))):
        shift = number % len(keys)
        for key in (*keys[shift:], *keys[:shift]):
            slices[key].append(measure(key))
    return {key: Sample.of(parts) for key, parts in slices.items()}
