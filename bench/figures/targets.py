"""What the project wants of the figures, and whether a measurement shows it. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.figures.measurement import FanOut, Operation, Row, Variant


@dataclass(frozen=True, slots=True)
class Target:
    """A limit for a figure of the rows of an operation. `clients` None means every number of clients that there is.

    `is_least` tells a lower limit from an upper one.
    """

    wanted: str
    operation: Operation
    clients: int | None
    limit: float
    figure: Callable[[Sequence[Row]], float | None]
    is_least: bool = False

    def of(self, rows: Sequence[Row], variant: Variant) -> float | None:
        """Return the figure for a variant; None when it was not measured."""
        own = [
            row
            for row in rows
            if row.operation is self.operation and row.variant is variant and self.clients in {None, row.clients}
        ]
        return self.figure(own) if own else None

    def is_met_by(self, figure: float | None) -> bool | None:
        """Return whether a figure is within the limit; None when there is no figure."""
        if figure is None:
            return None
        return figure >= self.limit if self.is_least else figure <= self.limit


@dataclass(frozen=True, slots=True)
class Outcome:
    """A target and what was measured: asked directly, which counts, and through the aggregation layer, beside it.

    `is_met` is None when it was not measured.
    """

    wanted: str
    limit: float
    measured: float | None
    aggregated: float | None
    is_met: bool | None

    @property
    def told(self) -> str:
        """One line."""
        verdict = {True: "met", False: "MISSED", None: "not measured"}[self.is_met]
        beside = "" if self.aggregated is None else f" (aggregated: {self._written(self.aggregated)})"
        return f"target {self.wanted}: {self._written(self.measured)}{beside}: {verdict}"

    def _written(self, figure: float | None) -> str:
        """Write a count without decimals: what is to be none at all is counted."""
        return "-" if figure is None else f"{figure:.{2 if self.limit else 0}f}"


def _times_constant(rows: Sequence[Row]) -> float | None:
    return rows[0].times_constant


def _times_none(rows: Sequence[Row]) -> float | None:
    return rows[0].times_none


def _rate_of_constant(rows: Sequence[Row]) -> float | None:
    return rows[0].rate_of_constant


def _vault_requests(rows: Sequence[Row]) -> float:
    return float(sum(row.figures.vault_requests for row in rows))


_UNCHANGED = (Operation.APPLY, Operation.DRY_RUN)
_PLAIN = (Operation.PLAIN_CREATE, Operation.PLAIN_APPLY)
_CREATE = "create, 1 client: p50 at most 2 times the constant answer's"

TARGETS: Sequence[Target] = (
    Target(_CREATE, Operation.CREATE, 1, 2.0, _times_constant),
    *(
        Target(f"{each}, 1 client: p50 at most 1.4 times the constant answer's", each, 1, 1.4, _times_constant)
        for each in _UNCHANGED
    ),
    *(
        Target(f"{each}, 8 clients: at least 0.7 of the constant answer's rate", each, 8, 0.7, _rate_of_constant, True)
        for each in _UNCHANGED
    ),
    *(Target(f"{each}: no Vault request at all", each, None, 0, _vault_requests) for each in _UNCHANGED),
    *(Target(f"{each}, 1 client: p50 at most 1.1 times no webhook's", each, 1, 1.1, _times_none) for each in _PLAIN),
)
MOST_TIMES_ONE_REFERENCE = 3.0


def outcomes(rows: Sequence[Row], far: FanOut) -> list[Outcome]:
    """Return the outcome of each target, and of those that concern the whole run."""
    judged = [
        _outcome(target, target.of(rows, Variant.KEYHOLE), target.of(rows, Variant.AGGREGATED_KEYHOLE))
        for target in TARGETS
    ]
    paths = f"{far.fields} fields over {far.paths} paths, Vault {far.delay_ms:.0f} ms away"
    wanted = f"create, {paths}: p50 at most {MOST_TIMES_ONE_REFERENCE:.0f} times one reference's"
    return [
        *judged,
        whole(wanted, MOST_TIMES_ONE_REFERENCE, far.times_one),
        whole("no login while it was timed", 0, _sum([row.figures.vault_logins for row in rows])),
        whole("no request failed", 0, _sum([row.figures.errors for row in rows])),
    ]


def _outcome(target: Target, measured: float | None, aggregated: float | None) -> Outcome:
    return Outcome(target.wanted, target.limit, measured, aggregated, target.is_met_by(measured))


def whole(wanted: str, limit: float, measured: float | None) -> Outcome:
    """Return the outcome of a target that concerns the whole run."""
    return Outcome(wanted, limit, measured, None, None if measured is None else measured <= limit)


def _sum(figures: Sequence[int]) -> float | None:
    return float(sum(figures)) if figures else None
