"""docs/cli.md follows from the commands."""

from pathlib import Path

import click

from cli import troubleshooting
from cli.document import render
from cli.main import COMMANDS, main
from resolver.causes import Cause

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "cli.md"


def test_the_document_is_what_the_commands_say() -> None:
    assert DOCUMENT.read_text() == render(), "python -m cli.document > docs/cli.md"


def test_every_option_of_every_command_is_in_it_with_a_help_text() -> None:
    text = DOCUMENT.read_text()
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        inner = command.commands.values() if isinstance(command, click.Group) else [command]
        for one in inner:
            for parameter in one.params:
                if isinstance(parameter, click.Option):
                    assert f"{max(parameter.opts, key=len)}" in text
                    assert parameter.help, f"{name}: {parameter.name}"


def test_troubleshooting_is_what_the_causes_say() -> None:
    written = DOCUMENT.with_name("troubleshooting.md").read_text()
    assert written == troubleshooting.render(), "python -m cli.troubleshooting > docs/troubleshooting.md"
    for cause in Cause:
        assert f"### `{cause}`" in written
