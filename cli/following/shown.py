"""What `keyhole status` prints for people."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from cli.following.rows import NotKnown, Row
from cli.following.table import Fit, table
from manifests.following.problem import Problem
from manifests.following.standing import explained
from resolver.vault.kv_versions import VersionState

_MOST_COLUMNS: Final = 48
# Of these columns the ends can be spared: what a line is about is known from their beginnings.
_SPARED: Final = frozenset({"OBJECT", "FIELD", "REFERENCE"})
_TITLES: Final = ("OBJECT", "FIELD", "REFERENCE", "HERE", "VAULT", "CHANGED", "FOLLOWS", "PROBLEM")
_SECONDS: Final = {"d": 86_400, "h": 3600, "m": 60}
# Of a unit, so many are still told in the next smaller one, as kubectl does.
_ENOUGH: Final = 2


def lines(
    found: Sequence[Row], now: datetime, *, with_namespace: bool, is_wide: bool, columns: int | None = None
) -> Iterator[str]:
    """Yield a table of the rows, with ages; a wide one cuts nothing and has times.

    Names, fields and references are cut as far as it takes for the table to have no more `columns` than that.
    """
    titles = (*(("NAMESPACE",) if with_namespace else ()), *_TITLES)
    cells = [cells_of(row, now, with_namespace=with_namespace, is_wide=is_wide) for row in found]
    if is_wide:
        return table(titles, cells)
    spared = [index for index, title in enumerate(titles) if title in _SPARED]
    return table(titles, cells, _MOST_COLUMNS, Fit(columns, spared) if columns else None)


def cells_of(row: Row, now: datetime, *, with_namespace: bool, is_wide: bool) -> Sequence[str]:
    """Return the cells of one line."""
    return (
        *((row.name.namespace,) if with_namespace else ()),
        f"{row.kind}/{row.name.name}" + (f" for {row.made_for}" if row.made_for else ""),
        row.field or "-",
        row.reference or "-",
        "-" if row.here is None else str(row.here),
        _vault(row),
        _changed(row, now, is_wide=is_wide),
        _follows(row),
        ", ".join(_finding(row, finding, now, is_wide=is_wide) for finding in row.findings) or "-",
    )


def explanations(found: Sequence[Row]) -> Iterator[str]:
    """Yield a line for each known cause that the rows have: what it means, and what to do."""
    for cause in sorted({finding.cause for row in found for finding in row.findings}):
        sentence, remedy = explained(cause)
        if sentence:
            yield f"{cause}: {sentence} {remedy}"


def age(since: datetime, now: datetime) -> str:
    """Return how long ago something was, as kubectl does: 45s, 3m, 5h, 12d."""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, length in _SECONDS.items():
        if seconds >= _ENOUGH * length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _changed(row: Row, now: datetime, *, is_wide: bool) -> str:
    if row.changed is None:
        return "-"
    return f"{row.changed:%Y-%m-%dT%H:%M:%SZ}" if is_wide else age(row.changed, now)


def _vault(row: Row) -> str:
    if isinstance(row.vault, NotKnown):
        return row.vault.why
    if row.vault.current is None:
        return "v1"
    if row.vault.state is VersionState.NONE:
        return "none"
    state = "" if row.vault.state is VersionState.READABLE else f" {row.vault.state.value}"
    return f"{row.vault.current}{state}"


def _follows(row: Row) -> str:
    if not row.reference:
        return "-"
    if row.is_pinned:
        return "pinned"
    return _interval(row.follows_seconds) if row.follows_seconds else "off"


def _interval(seconds: float) -> str:
    """Return a time as `keyhole.dev/follow` takes it."""
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds % length == 0:
            return f"{seconds / length:g}{unit}"
    return f"{seconds:g}s"


def _finding(row: Row, finding: Problem, now: datetime, *, is_wide: bool) -> str:
    field = f" {finding.field}" if finding.field not in {"", row.pointer} else ""
    if not finding.since:
        return f"{finding.cause}{field}"
    if is_wide:
        return f"{finding.cause}{field} since {finding.since}"
    try:
        since = datetime.strptime(finding.since, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=now.tzinfo)
    except ValueError:
        return f"{finding.cause}{field}"
    return f"{finding.cause}{field} for {age(since, now)}"
