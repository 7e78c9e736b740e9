"""How a command reports that it could not do its work, and how it prints what it found."""

import click

from resolver.references.characters import visible

# Text that somebody else wrote is cut: a name in a manifest may be as long as the manifest.
_MOST_CHARACTERS = 8000


class NotDoneError(click.ClickException):
    """The command could not do its work. Exit code 2, because code 1 means findings."""

    exit_code = 2

    def format_message(self) -> str:
        """Return the message on one line, without control characters (click's hook)."""
        return visible(self.message, _MOST_CHARACTERS)


def tell(text: str, *, err: bool = False) -> None:
    """Print a line that may quote what somebody else wrote: names of files, objects, fields.

    Invisible characters are printed as escapes, so that no name can move the cursor or begin a line of its own.
    """
    click.echo(visible(text, _MOST_CHARACTERS), err=err)
