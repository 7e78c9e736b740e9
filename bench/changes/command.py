"""`python -m bench changes`."""

from pathlib import Path

import click

from bench.changes.run import Settings, count_of_steps, measure
from bench.figures import tables
from bench.showing import RESULTS, failing, progressing, show

_QUICK = Settings(lines=20_000, asked=20)


@click.command("changes")
@click.option("--lines", type=click.IntRange(1_000), help=f"Of the trail.  [default: {Settings().lines:,}]")
@click.option("--quick", is_flag=True, help="A short trail, to see that everything works.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where the figures go (JSON).")
def changes_command(*, lines: int | None, quick: bool, output: Path | None) -> None:
    """Measure the index of `keyhole changes`: how fast a trail is read, and how soon each view has its answer.

    Needs no servers. It ends with an error when a figure is beyond its limit. The figures are also written to
    bench/results/changes.json.

    \b
    Examples:
      python -m bench changes
      python -m bench changes --lines 100000
    """
    chosen = _QUICK if quick else Settings()
    settings = Settings(lines or chosen.lines, chosen.asked)
    with failing(), progressing(count_of_steps(settings)) as advance:
        report = measure(settings, advance)
    show(report, lambda markdown: tables.changes(report, markdown=markdown), output or RESULTS / "changes.json")
    if report.complaints and not quick:
        raise click.ClickException("; ".join(report.complaints))
