"""Reports as tables: boxes on a terminal, Markdown elsewhere."""

from collections.abc import Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.admissions import Report
from bench.changes.run import ChangesReport
from bench.fairness import FairReport
from bench.figures.measurement import FanOut, Row, first_errors
from bench.figures.statistics import median_of
from bench.figures.usage import Memory
from bench.forms import FormsReport
from bench.lint.settings import LintReport
from bench.loop.figures import LoopFigure, LoopReport
from bench.soak import SoakReport
from bench.variables.settings import VariablesReport

_PLAIN_WIDTH = 300
_ABSENT = "-"


def console() -> Console:
    """Return standard output; where it is no terminal, wide enough that nothing wraps."""
    plain = Console()
    return plain if plain.is_terminal else Console(width=_PLAIN_WIDTH, no_color=True, highlight=False)


def admissions(report: Report, *, markdown: bool) -> RenderableType:
    """Return what `python -m bench` shows."""
    parts: list[RenderableType] = [
        Text(report.machine.described()),
        _rows(report.rows, markdown=markdown),
        Text("\n".join(outcome.told for outcome in report.outcomes)),
        _memory(report, markdown=markdown),
        _far(report.far, markdown=markdown),
        *(Text(f"error: {told}") for told in first_errors(report.rows)),
    ]
    return Group(*_apart(parts))


def forms(report: FormsReport, *, markdown: bool) -> RenderableType:
    """Return what `python -m bench forms` shows."""
    columns = ["form", "operation", "who answers", "clients", "p50 ms", "p99 ms", "p50 / constant", "rate / constant"]
    table = _table([*columns, "Vault requests each", "errors"], markdown, words=3)
    for row in report.rows:
        figures = row.figures
        table.add_row(
            *(row.cell.form.name, row.cell.operation, row.cell.variant, str(row.cell.clients)),
            *(_number(each) for each in (figures.p50_ms, figures.p99_ms, row.times_constant, row.rate_of_constant)),
            _number(figures.vault_requests_per_admission),
            str(figures.errors),
        )
    told = Text("\n".join(outcome.told for outcome in report.outcomes))
    errors = (f"{row.cell.form.name}: {row.figures.first_error}" for row in report.rows if row.figures.first_error)
    parts: list[RenderableType] = [
        Text(report.machine.described()),
        table,
        told,
        *(Text(f"error: {one}") for one in errors),
    ]
    return Group(*_apart(parts))


def soak(report: SoakReport, *, markdown: bool) -> RenderableType:
    """Return what `python -m bench soak` shows."""
    held = _table(["master and workers hold", "at first", "at the end", "growth"], markdown, words=1)
    for growth in report.growths:
        held.add_row(growth.name, _number(growth.first, 1), _number(growth.last, 1), f"{growth.ratio:+.1%}")
    done = _table(["request", "answered as it should"], markdown, words=1)
    for step, times in report.tally.answered.items():
        done.add_row(step, f"{times:,}")
    settings = report.settings
    how = (
        f"{settings.duration_seconds / 60:.0f} minutes, {settings.clients} clients, {report.tally.requests:,} requests"
    )
    verdict = "; ".join(report.complaints) or "no error, no leak"
    parts: list[RenderableType] = [
        Text(report.machine.described()),
        Text(f"{how}, {report.tally.errors} errors. From minute {settings.settle_seconds / 60:.1f} on: {verdict}"),
        held,
        done,
        *(Text(f"error: {failure}") for failure in report.tally.failures),
    ]
    return Group(*_apart(parts))


def fairness(report: FairReport, *, markdown: bool) -> RenderableType:
    """Return what `python -m bench fairness` shows."""
    columns = ["who answers", "what", "asked by", "p50 ms alone", "beside", "times", "p99 ms alone", "beside", "times"]
    more = ["its 429s", "its failures", "the crowd's answers a second", "its 429s a second"]
    table = _table([*columns, *more], markdown, words=3)
    for row in report.rows:
        case = row.case
        figures = [
            *(_number(median_of([each.p50_ms for each in rounds]), 1) for rounds in (row.alone, row.beside)),
            _number(row.times_p50),
            *(_number(median_of([each.p99_ms for each in rounds]), 1) for rounds in (row.alone, row.beside)),
            _number(row.times_p99),
        ]
        crowd = [_number(row.crowd_per_second, 0), _number(row.crowd_refused_per_second, 0)]
        who = case.answerer if case.patient else f"{case.answerer}, a crowd that does not wait"
        by = "API server" if case.by_api_server else "client"
        table.add_row(who, case.work, by, *figures, str(row.refused), str(row.failed), *crowd)
    told = f"A single client alone, and beside {report.clients} clients of another namespace"
    parts: list[RenderableType] = [Text(report.machine.described()), Text(told), table]
    errors = [Text(f"error: {row.case.answerer}: {row.first_failure}") for row in report.rows if row.first_failure]
    return Group(*_apart([*parts, *errors]))


def loop(report: LoopReport, *, markdown: bool) -> RenderableType:
    """Return what `python -m bench loop` shows."""
    size = report.settings
    told = (
        f"{size.namespaces:,} namespaces, {size.objects:,} objects, {size.paths:,} paths, asked for each "
        f"{size.interval_seconds:.0f} s; at most {size.vault_requests_per_second} requests to Vault and "
        f"{size.patches_per_second} patches a second"
    )
    return Group(*_apart([Text(report.machine.described()), Text(told), _limited(report.figures, markdown)]))


def variables(report: VariablesReport, *, markdown: bool) -> RenderableType:
    """Return what `python -m bench variables` shows."""
    size = report.settings
    told = (
        f"{size.pods_per_second} pods a second for {size.seconds:.0f} s in {size.namespaces:,} namespaces, each with a "
        f"Secret of its own; {size.watches:,} watches; {size.hostile_pods:,} pods in one namespace"
    )
    return Group(*_apart([Text(report.machine.described()), Text(told), _limited(report.figures, markdown)]))


def lint(report: LintReport, *, markdown: bool) -> RenderableType:
    """Return what `python -m bench lint` shows."""
    size = report.settings
    told = f"{size.files:,} files with {report.documents:,} documents, {report.mib:.1f} MiB; rounds: {size.rounds}"
    if not report.has_gitleaks:
        told += "; gitleaks is not on the PATH, and was not measured"
    return Group(*_apart([Text(report.machine.described()), Text(told), _limited(report.figures, markdown)]))


def changes(report: ChangesReport, *, markdown: bool) -> RenderableType:
    """Return what `python -m bench changes` shows."""
    told = f"a trail of {report.settings.lines:,} lines, each of them a change"
    return Group(*_apart([Text(report.machine.described()), Text(told), _limited(report.figures, markdown)]))


def _limited(figures: Sequence[LoopFigure], markdown: bool) -> Table:  # noqa: FBT001 - passed on
    table = _table(["while", "what", "measured", "at most", ""], markdown, words=2)
    for each in figures:
        verdict = "" if each.limit is None else "met" if each.is_met else "MISSED"
        table.add_row(
            each.scenario, each.name, *(_number(part, each.digits) for part in (each.figure, each.limit)), verdict
        )
    return table


def _apart(parts: Sequence[RenderableType]) -> list[RenderableType]:
    return [piece for part in parts for piece in (part, Text(""))]


def _table(columns: Sequence[str], markdown: bool, words: int = 2) -> Table:  # noqa: FBT001 - passed on
    """Return a table whose first `words` columns are text and whose others are figures."""
    table = Table(box=box.MARKDOWN if markdown else box.SIMPLE_HEAD)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < words else "right")
    return table


def _number(figure: float | None, digits: int = 2) -> str:
    return _ABSENT if figure is None else f"{figure:.{digits}f}"


def _rows(rows: Sequence[Row], *, markdown: bool) -> Table:
    columns = ["operation", "who answers", "clients", "p50 ms", "p99 ms", "a second", "p50 / no webhook"]
    more = ["p50 / constant", "rate / constant", "webhook CPU ms each", "Vault requests each", "errors"]
    table = _table([*columns, *more], markdown)
    for row in rows:
        figures = row.figures
        table.add_row(
            row.operation,
            row.variant,
            str(row.clients),
            _number(figures.p50_ms),
            _number(figures.p99_ms),
            _number(figures.per_second, 0),
            _number(row.times_none),
            _number(row.times_constant),
            _number(row.rate_of_constant),
            _number(figures.cpu_ms_each),
            _number(figures.vault_requests_per_admission),
            str(figures.errors),
            end_section=row.variant is row.operation.variants[-1] and not markdown,
        )
    return table


def _memory(report: Report, *, markdown: bool) -> Table:
    columns = ["server", "when", "processes", "PSS MiB", "RSS MiB"]
    table = _table(columns, markdown)
    for when, measured in (("warm, before", report.memory_before), ("after the load", report.memory_after)):
        for variant, memory in measured.items():
            table.add_row(variant, when, *_sizes(memory))
    return table


def _sizes(memory: Memory | None) -> list[str]:
    if memory is None:
        return [_ABSENT] * 3
    return [str(memory.processes), _number(memory.pss_mib, 0), _number(memory.rss_mib, 0)]


def _far(far: FanOut, *, markdown: bool) -> RenderableType:
    away = f"Vault {far.delay_ms:.0f} ms away"
    table = _table([f"create, {away}", "Vault requests each", "p50 ms", "p99 ms", "/ one reference"], markdown, words=1)
    many = f"{far.fields} fields over {far.paths} paths"
    for name, figures, ratio in (("one reference", far.one, None), (many, far.many, far.times_one)):
        each = _number(figures.vault_requests_per_admission)
        table.add_row(name, each, _number(figures.p50_ms), _number(figures.p99_ms), _number(ratio))
    return table
