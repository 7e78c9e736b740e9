"""docs/cli.md, written from the commands themselves: `python -m cli.document > docs/cli.md`."""

import re
import sys
import textwrap
from collections.abc import Iterator

import click

from cli.late_group import Late
from cli.main import COMMANDS, main

_HEAD = """<!-- Written by `python -m cli.document` from the commands in cli/. -->
# The command line

`keyhole COMMAND --help` shows the same for one command. Exit codes: 0 done; 1 findings: something is wrong with
what the command was asked about; 2 the command could not do its work, or was called wrongly.

"""
_INSTALLS = {None: "`keyhole`"} | {extra: f"`keyhole[{extra}]`" for extra in ("changes", "cluster", "page", "server")}
_WIDTH = 120


def render() -> str:
    """Return the document."""
    return _HEAD + "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "| command | what it does | install |\n|---|---|---|"
    for name, late in sorted(COMMANDS.items()):
        yield f"| [`keyhole {name}`](#keyhole-{name}) | {late.help} | {_install(late)} |"
    root = click.Context(main, info_name="keyhole")
    for name in sorted(COMMANDS):
        command = main.get_command(root, name)
        assert command is not None  # noqa: S101 - a name of the table
        yield from _command(command, click.Context(command, info_name=name, parent=root), level=2)


def _install(late: Late) -> str:
    needed = _INSTALLS[late.extra]
    return f"{_INSTALLS[None]}, with `{late.option}` {needed}" if late.option else needed


def _command(command: click.Command, context: click.Context, *, level: int) -> Iterator[str]:
    yield f"\n{'#' * level} `{context.command_path}`"
    yield from _paragraphs(command.help or "")
    if not isinstance(command, click.Group):
        yield from _own(command, context)
        return
    if command.params:
        yield from _own(command, context)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None  # noqa: S101 - a name that the group lists
        yield from _command(inner, click.Context(inner, info_name=name, parent=context), level=level + 1)


def _own(command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield a command's usage, options and examples."""
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f"\nUsage: `{context.command_path} {pieces}`\n"
    yield "| option | what it does |\n|---|---|"
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option) and "--help" not in parameter.opts:
            names, help_text = record
            yield f"| `{_cell(names)}` | {_cell(help_text)} |"
    yield from _examples(command.epilog or "")


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in text.strip().split("\n\n"):
        filled = textwrap.fill(" ".join(paragraph.split()), _WIDTH, break_long_words=False, break_on_hyphens=False)
        yield f"\n{filled}"


def _examples(epilog: str) -> Iterator[str]:
    """Yield the examples as a block of code; click's marks for lines that stay as they are go."""
    lines = [line.removeprefix("  ") for line in epilog.replace("\b\n", "\n").splitlines() if line != "Examples:"]
    text = re.sub(r"\n\n+", "\n\n", "\n".join(lines)).strip("\n")
    if text:
        yield f"\n```\n{text}\n```"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(render())
