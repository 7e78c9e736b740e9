"""How a command ends when it could not do its work."""

import click


class NotDoneError(click.ClickException):
    """What was asked for could not be done. Exit code 2: code 1 is kept for findings."""

    exit_code = 2
