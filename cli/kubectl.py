"""`kubectl keyhole`: kubectl runs the program `kubectl-keyhole` of the search path as its own subcommand.

Sources: Kubernetes, *Extend kubectl with plugins*; for completion, kubectl runs `kubectl_complete-keyhole` with the
words of the command line, and reads proposals as cobra has them: a line each, a description behind a tab, and in the
last line a colon and a sum of directives.
"""

import os
import sys
from collections.abc import Sequence
from typing import Final

import click
from click.shell_completion import ShellComplete

from cli.main import main

_NAME: Final = "kubectl keyhole"
# Cobra's ShellCompDirective.
_AS_FILES: Final = 0
_NOT_AS_FILES: Final = 4


def plugin() -> None:
    """Do what `keyhole` does, under the name by which it was called."""
    main(prog_name=_NAME)


def complete() -> None:
    """Print proposals for the last word of the command line, which may be empty."""
    click.echo(proposals(sys.argv[1:]))


def proposals(words: Sequence[str]) -> str:
    """Return the proposals for the last of some words behind `kubectl keyhole`, as kubectl reads them."""
    *before, begun = words or [""]
    found = ShellComplete(main, {}, _NAME, "_KEYHOLE_COMPLETE").get_completions(before, begun)
    lines = [f"{item.value}\t{item.help}" if item.help else item.value for item in found if item.type == "plain"]
    directive = _AS_FILES if any(item.type in {"file", "dir"} for item in found) else _NOT_AS_FILES
    return os.linesep.join([*lines, f":{directive}"])
