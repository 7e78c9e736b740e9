"""Whether figures that are sampled for a long time grow. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

# The medians of so large a part of the time, at its beginning and at its end, are compared.
_PART = 0.1


@dataclass(frozen=True, slots=True)
class Sample:
    """What a server's processes held together at a moment, seconds after the load began.

    `processes` are the ids of master and workers, `tokens` the tokens that Vault knows.
    """

    at_seconds: float
    processes: Sequence[int]
    pss_mib: float
    anonymous_mib: float
    descriptors: int
    threads: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Growth:
    """A figure at the beginning and at the end: medians over a tenth of the time each."""

    name: str
    first: float
    last: float

    @property
    def more(self) -> float:
        """By how much it grew."""
        return self.last - self.first

    @property
    def ratio(self) -> float:
        """The part of the first figure by which it grew."""
        return self.more / self.first if self.first else 0.0


def growths(samples: Sequence[Sample], settle_seconds: float) -> Sequence[Growth]:
    """Return how each figure grew after the first `settle_seconds`. Raises ValueError when too few samples are left."""
    settled = [sample for sample in samples if sample.at_seconds >= settle_seconds]
    part = max(1, round(len(settled) * _PART))
    if len(settled) < 2 * part or len(settled) < 3:
        raise ValueError("there are too few samples")
    figures: dict[str, Callable[[Sample], float]] = {
        "PSS MiB": lambda sample: sample.pss_mib,
        "of it anonymous": lambda sample: sample.anonymous_mib,
        "file descriptors": lambda sample: sample.descriptors,
        "threads": lambda sample: sample.threads,
        "tokens in Vault": lambda sample: sample.tokens,
    }
    return [
        Growth(name, median(map(figure, settled[:part])), median(map(figure, settled[-part:])))
        for name, figure in figures.items()
    ]
