"""How a measurement is told: what comes next while it runs, a table and a file of figures at the end."""

import contextlib
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.errors import BenchError
from bench.figures import tables
from testbed.errors import TestbedError

RESULTS = Path(__file__).resolve().parent / "results"


@contextlib.contextmanager
def failing() -> Iterator[None]:
    """Turn what a measurement may fail with into an error of the command line."""
    try:
        yield
    except (BenchError, TestbedError) as error:
        raise click.ClickException("\n".join([str(error), *getattr(error, "__notes__", [])])) from error


@contextlib.contextmanager
def progressing(total: int) -> Iterator[Callable[[str], None]]:
    """Show how far it is: a bar on a terminal, a line for each step elsewhere. On standard error."""
    if not sys.stderr.isatty():
        yield lambda told: print(f"bench: {told}", file=sys.stderr, flush=True)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        begun = False

        def advance(told: str) -> None:
            nonlocal begun
            # What is announced has only begun: what was announced before is done.
            progress.update(task, advance=int(begun), description=told)
            begun = True

        yield advance


def show(report: Any, table: Callable[[bool], RenderableType], output: Path) -> None:
    """Write the figures of a report, a dataclass, to a file, and print them as a table, in Markdown where asked."""
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(dataclasses.asdict(report), indent=2) + "\n")
    console = tables.console()
    console.print(table(not console.is_terminal))
    click.echo(f"The figures are in {output.name}.", err=True)
