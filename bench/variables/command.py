"""`python -m bench variables`."""

import dataclasses
from pathlib import Path
from typing import Any

import click

from bench.figures import tables
from bench.showing import RESULTS, failing, progressing, show
from bench.variables.run import count_of_steps, measure
from bench.variables.settings import FULL, SMALL, Scenario
from testbed import Options, Testbed
from testbed.programs.reports import on_standard_error


@click.command("variables")
@click.option("--full", is_flag=True, help="50 pods a second for a minute, 500 watches, 10,000 pods in a namespace.")
@click.option("--seconds", type=click.FloatRange(1, 600), help=f"Of pods.  [default: {SMALL.seconds}]")
@click.option("--watches", type=click.IntRange(1, 500), help=f"[default: {SMALL.watches}]")
@click.option("--hostile-pods", type=click.IntRange(1, 50_000), help=f"[default: {SMALL.hostile_pods}]")
@click.option(
    "--only", type=click.Choice([each.value for each in Scenario]), multiple=True, help="Leave the other scenarios out."
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where the figures go (JSON).")
def variables_command(
    *,
    full: bool,
    seconds: float | None,
    watches: int | None,
    hostile_pods: int | None,
    only: tuple[str, ...],
    output: Path | None,
) -> None:
    """Measure how soon the Secret behind a pod's variables is there, and what that costs the controller.

    Pods: each needs a Secret of its own. Watches: what it takes to watch namespaces in which nothing happens. Hostile:
    thousands of pods of one namespace, each with references of its own. It ends with an error when a figure is beyond
    its limit. The figures are also written to bench/results/variables.json.

    \b
    Examples:
      python -m bench variables
      python -m bench variables --only pods --seconds 60
      python -m bench variables --full
    """
    given: dict[str, Any] = {"seconds": seconds, "watches": watches, "hostile_pods": hostile_pods}
    settings = dataclasses.replace(FULL if full else SMALL, **{name: each for name, each in given.items() if each})
    scenarios = [scenario for scenario in Scenario if not only or scenario in only]
    bed = Testbed(Options(name="variables"), on_standard_error())
    with failing(), bed, progressing(count_of_steps(scenarios)) as advance:
        report = measure(bed, settings, scenarios, advance)
    show(report, lambda markdown: tables.variables(report, markdown=markdown), output or RESULTS / "variables.json")
    if report.complaints:
        raise click.ClickException("; ".join(report.complaints))
