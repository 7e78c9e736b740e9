"""Where a command tells what it found: `-o FORMAT[=FILE]`, and standard output."""

from collections.abc import Iterable
from pathlib import Path

import click

from cli.errors import NotDoneError


class OutputType(click.ParamType[tuple[str, Path | None]]):
    """FORMAT or FORMAT=FILE, for these formats. `sent` is one more, which goes to the API server and into no file."""

    name = "format[=file]"

    def __init__(self, formats: Iterable[str], sent: str = "") -> None:
        self._formats = tuple(formats)
        self._sent = sent

    def convert(
        self, value: str | tuple[str, Path | None], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path | None]:
        """Parse it, or fail with a usage error (click's hook)."""
        if isinstance(value, tuple):
            return value
        name, separator, file = value.partition("=")
        is_sent = bool(self._sent) and name == self._sent
        if is_sent and separator:
            self.fail(f"{name} is sent to the API server: it goes into no file", param, ctx)
        if not is_sent and (name not in self._formats or (separator and not file)):
            more = f", or {self._sent}" if self._sent else ""
            self.fail(f"{value!r} is not one of {', '.join(self._formats)}, alone or with =FILE{more}", param, ctx)
        return name, Path(file) if file else None


def print_text(text: str) -> None:
    """Print a whole text, with its line breaks, in UTF-8. Raises `NotDoneError` if it cannot be written."""
    try:
        click.echo(text.encode(errors="backslashreplace"), nl=False)
    except BrokenPipeError:
        raise  # whoever read it wants no more, which click knows
    except OSError as error:
        raise NotDoneError(f"standard output: {error.strerror or type(error).__name__}") from None
