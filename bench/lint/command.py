"""`python -m bench lint`."""

import shutil
from pathlib import Path

import click

from bench.figures import tables
from bench.lint.run import count_of_steps, measure
from bench.lint.settings import Settings
from bench.showing import RESULTS, failing, progressing, show

_QUICK = Settings(files=500, growth=(200, 1_000), rounds=1, starts=5)


@click.command("lint")
@click.option("--rounds", type=click.IntRange(1, 99), help=f"Medians of these.  [default: {Settings().rounds}]")
@click.option("--quick", is_flag=True, help="Small trees and one round, to see that everything works.")
@click.option(
    "--gitleaks", type=click.Path(exists=True, dir_okay=False), help="The program.  [default: the one on the PATH]"
)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Where the figures go (JSON).")
def lint_command(*, rounds: int | None, quick: bool, gitleaks: str | None, output: Path | None) -> None:
    """Measure `keyhole lint` on 10,000 files beside libyaml alone and gitleaks, on up to 50,000, and on one.

    Needs no servers. It ends with an error when a figure is beyond its limit. The figures are also written to
    bench/results/lint.json.

    \b
    Examples:
      python -m bench lint
      python -m bench lint --rounds 5 --gitleaks ~/go/bin/gitleaks
    """
    chosen = _QUICK if quick else Settings()
    settings = Settings(chosen.files, chosen.growth, rounds or chosen.rounds, chosen.starts)
    with failing(), progressing(count_of_steps(settings)) as advance:
        report = measure(settings, advance, gitleaks or shutil.which("gitleaks"))
    show(report, lambda markdown: tables.lint(report, markdown=markdown), output or RESULTS / "lint.json")
    if report.complaints and not quick:
        raise click.ClickException("; ".join(report.complaints))
