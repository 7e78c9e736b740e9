"""`python -m bench`: measurements with a progress display, tables and a file of figures."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import click

from bench import admissions, fairness, forms, soak
from bench.changes.command import changes_command
from bench.figures import tables
from bench.lint.command import lint_command
from bench.loop.command import loop_command
from bench.policies.command import policies_command
from bench.proof import proof
from bench.showing import RESULTS, failing, progressing, show
from bench.variables.command import variables_command
from testbed import Options, Testbed
from testbed.load.clients import Quota
from testbed.programs.reports import on_standard_error

_QUICK_SECONDS = 0.4
# There are 42 cells in a round, and getting each slice ready takes nearly as long as what is timed of it.
_ADMISSION_SECONDS = 1.2
# Until then caches fill and pools grow.
_SETTLE_SECONDS = 300.0
_FAIRNESS_SECONDS = 4.0


class _NumbersType(click.ParamType[tuple[int, ...]]):
    name = "numbers"

    def convert(
        self, value: str | tuple[int, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(dict.fromkeys(int(part) for part in value.split(",")))
        except ValueError:
            numbers = ()
        if not numbers or not all(0 < number <= 64 for number in numbers):
            self.fail(f"{value!r} is no list of numbers from 1 to 64, such as 1,8", param, ctx)
        return numbers


def _shared(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that all measurements of admissions have."""
    for option in reversed(
        [
            click.option(
                "--rounds", type=click.IntRange(1, 99), default=3, show_default=True, help="Medians of these."
            ),
            click.option(
                "--seconds", type=click.FloatRange(0.1, 600), help="How long each cell is.  [default: 1.5; workers: 3]"
            ),
            click.option("--requests", type=click.IntRange(1), help="Instead: how many each client sends in a cell."),
            click.option("--clients", type=_NumbersType(), default="1,8", show_default=True, help="How many at once."),
            click.option("--quick", is_flag=True, help="One round of short cells, to see that everything works."),
            click.option(
                "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where the figures go (JSON)."
            ),
        ]
    ):
        command = option(command)
    return command


@dataclasses.dataclass(frozen=True, slots=True)
class _Wish:
    rounds: int
    quota: Quota

    @classmethod
    def of(
        cls, rounds: int, seconds: float | None, requests: int | None, *, quick: bool, usual_seconds: float
    ) -> "_Wish":
        if seconds is not None and requests is not None:
            raise click.UsageError("--seconds and --requests exclude each other")
        if quick:
            return cls(1, Quota(_QUICK_SECONDS, requests) if requests is None else Quota(None, requests))
        return cls(rounds, Quota(None, requests) if requests is not None else Quota(seconds or usual_seconds))


@click.group(invoke_without_command=True)
@_shared
@click.pass_context
def main(
    context: click.Context,
    *,
    rounds: int,
    seconds: float | None,
    requests: int | None,
    clients: tuple[int, ...],
    quick: bool,
    output: Path | None,
) -> None:
    """Measure admissions on real servers: without a webhook, with a constant answer, with Keyhole.

    Both webhooks are asked directly, by an API server that shows a client certificate, and through its aggregation
    layer. The variants take turns on one API server, in rounds; the medians of the rounds are shown, and what the
    project wants of them. The figures are also written to bench/results/latest.json. For figures worth keeping,
    nothing else should run on the machine.

    \b
    Examples:
      python -m bench
      python -m bench --quick
      python -m bench --rounds 5 --seconds 5 --clients 1,4,16 -o figures.json
    """
    if context.invoked_subcommand is not None:
        return
    wish = _Wish.of(rounds, seconds, requests, quick=quick, usual_seconds=_ADMISSION_SECONDS)
    settings = admissions.Settings(wish.rounds, clients, wish.quota)
    total = admissions.count_of_cells(settings)
    with failing(), proof() as proven:
        options = Options(name="bench", admission_configuration=proven.configuration)
        with Testbed(options, on_standard_error()) as bed, progressing(total) as advance:
            report = admissions.measure(bed, proven, settings, advance)
    show(report, lambda markdown: tables.admissions(report, markdown=markdown), output or RESULTS / "latest.json")


@main.command("forms")
@_shared
def forms_command(
    *,
    rounds: int,
    seconds: float | None,
    requests: int | None,
    clients: tuple[int, ...],
    quick: bool,
    output: Path | None,
) -> None:
    """Measure admissions of the other forms: a variable, a ConfigMap, a custom resource, a whole secret.

    Each is compared with a constant answer that changes the same places, asked directly, side by side as above. The
    figures are also written to bench/results/forms.json.

    \b
    Examples:
      python -m bench forms
      python -m bench forms --rounds 5 --clients 1
    """
    wish = _Wish.of(rounds, seconds, requests, quick=quick, usual_seconds=_ADMISSION_SECONDS)
    settings = admissions.Settings(wish.rounds, clients, wish.quota)
    with failing(), proof() as proven:
        options = Options(name="forms", admission_configuration=proven.configuration)
        with (
            Testbed(options, on_standard_error()) as bed,
            progressing(forms.count_of_cells(settings)) as advance,
        ):
            report = forms.measure(bed, proven, settings, advance)
    show(report, lambda markdown: tables.forms(report, markdown=markdown), output or RESULTS / "forms.json")


@main.command("soak")
@click.option("--minutes", type=click.FloatRange(0.5, 24 * 60), default=30.0, show_default=True, help="How long.")
@click.option("--clients", type=click.IntRange(1, 64), default=8, show_default=True, help="How many at once.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where the figures go (JSON).")
def soak_command(*, minutes: float, clients: int, output: Path | None) -> None:
    """Load one Keyhole steadily for a long time, and see whether its processes hold more and more.

    What they hold is compared from minute 5 on (in a shorter run, from a sixth of the time on). It ends with an error
    when memory grows by 5 % or more, when file descriptors or threads leak, or when any request fails. The figures are
    also written to bench/results/soak.json.

    \b
    Examples:
      python -m bench soak
      python -m bench soak --minutes 240 --clients 16
    """
    duration_seconds = minutes * 60
    settings = soak.Settings(duration_seconds, min(_SETTLE_SECONDS, duration_seconds / 6), clients=clients)
    with failing(), Testbed(Options(name="soak"), on_standard_error()) as bed, progressing(settings.samples) as advance:
        report = soak.run(bed, settings, advance)
    show(report, lambda markdown: tables.soak(report, markdown=markdown), output or RESULTS / "soak.json")
    if report.complaints:
        raise click.ClickException("; ".join(report.complaints))


@main.command(name="fairness")
@click.option("--rounds", type=click.IntRange(1, 99), default=3, show_default=True, help="Medians of these.")
@click.option("--seconds", type=click.FloatRange(0.1, 600), default=_FAIRNESS_SECONDS, show_default=True, help="Each.")
@click.option("--quick", is_flag=True, help="One short round, to see that everything works.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where the figures go (JSON).")
def fair(*, rounds: int, seconds: float, quick: bool, output: Path | None) -> None:
    """Measure what a namespace's single client notices of 64 clients of another.

    Directly, with Vault near and far away, and through the API server, beside a constant answer without a gate. The
    figures are also written to bench/results/fairness.json.

    \b
    Examples:
      python -m bench fairness
      python -m bench fairness --rounds 5 --seconds 10
    """
    rounds, seconds = (1, _QUICK_SECONDS) if quick else (rounds, seconds)
    total = fairness.count_of_steps(rounds)
    with (
        failing(),
        Testbed(Options(name="fairness"), on_standard_error()) as bed,
        progressing(total) as advance,
    ):
        report = fairness.measure(bed, rounds, seconds, advance)
    show(report, lambda markdown: tables.fairness(report, markdown=markdown), output or RESULTS / "fairness.json")


main.add_command(changes_command)
main.add_command(lint_command)
main.add_command(loop_command)
main.add_command(policies_command)
main.add_command(variables_command)
