"""How a command ends when it could not do its work, and how it says what it found."""

import click

from resolver.references.characters import visible

# What somebody else wrote is told in part: a name in a manifest may be as long as the manifest.
_MOST_CHARACTERS = 8000


class NotDoneError(click.ClickException):
    """What was asked for could not be done. Exit code 2: code 1 is kept for findings."""

    exit_code = 2

    def format_message(self) -> str:
        """Return the message on one line, with nothing in it that a terminal obeys (click's hook)."""
        return visible(self.message, _MOST_CHARACTERS)


def tell(text: str, *, err: bool = False) -> None:
    """Print a line that may quote what somebody else wrote: names of files, objects, fields.

    Whatever is not seen stands there as an escape, so that no name can move the cursor or begin a line of its own.
    """
    click.echo(visible(text, _MOST_CHARACTERS), err=err)
