"""`python -m bench loop`."""

import dataclasses
from pathlib import Path
from typing import Any

import click

from bench.figures import tables
from bench.loop.run import count_of_steps, measure
from bench.loop.settings import FULL, SMALL, Scenario
from bench.showing import RESULTS, failing, progressing, show
from testbed import Options, Testbed
from testbed.programs.reports import on_standard_error


@click.command("loop")
@click.option("--full", is_flag=True, help="1,000 namespaces, 20,000 objects, 2,000 paths, ten minutes each (an hour).")
@click.option("--namespaces", type=click.IntRange(1, 5_000), help=f"[default: {SMALL.namespaces}]")
@click.option("--objects", type=click.IntRange(1, 100_000), help=f"In all of them.  [default: {SMALL.objects}]")
@click.option("--paths", type=click.IntRange(1, 100_000), help=f"In all of them.  [default: {SMALL.paths}]")
@click.option(
    "--minutes", type=click.FloatRange(0.1, 600), help="How long nothing changes, and how long Vault is away."
)
@click.option("--interval", type=click.FloatRange(1, 3_600), help="How often a path is asked for, in seconds.")
@click.option(
    "--only", type=click.Choice([each.value for each in Scenario]), multiple=True, help="Leave the other scenarios out."
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where the figures go (JSON).")
def loop_command(
    *,
    full: bool,
    namespaces: int | None,
    objects: int | None,
    paths: int | None,
    minutes: float | None,
    interval: float | None,
    only: tuple[str, ...],
    output: Path | None,
) -> None:
    """Measure what following Vault costs, and how soon a change arrives.

    While it is quiet: memory, processor, writes, requests to Vault. In a burst: one path that many objects use, then
    many paths at once, and what others notice of it. Away: Vault sealed, refusing and hanging. The limits are those for
    --full. It ends with an error when a figure is beyond its limit. The figures are also written to
    bench/results/loop.json.

    \b
    Examples:
      python -m bench loop
      python -m bench loop --only burst --namespaces 100 --objects 5000 --paths 500 --interval 60
      python -m bench loop --full
    """
    given: dict[str, Any] = {
        "namespaces": namespaces,
        "objects": objects,
        "paths": paths,
        "interval_seconds": interval,
        "quiet_seconds": minutes and minutes * 60,
        "away_seconds": minutes and minutes * 60,
    }
    settings = dataclasses.replace(FULL if full else SMALL, **{name: each for name, each in given.items() if each})
    if settings.namespaces > settings.objects:
        raise click.UsageError("there are more --namespaces than --objects")
    scenarios = [scenario for scenario in Scenario if not only or scenario in only]
    bed = Testbed(Options(name="loop"), on_standard_error())
    with failing(), bed, progressing(count_of_steps(scenarios)) as advance:
        report = measure(bed, settings, scenarios, advance)
    show(report, lambda markdown: tables.loop(report, markdown=markdown), output or RESULTS / "loop.json")
    if report.complaints:
        raise click.ClickException("; ".join(report.complaints))
