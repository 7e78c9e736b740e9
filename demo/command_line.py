"""`python -m demo`: exit code 0 when everything was as it should be, 1 when not, 2 for usage, 130 after Ctrl-C."""

import contextlib
import io
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

import click

from demo.errors import DemoError
from demo.screen import Screen
from demo.story import Story
from testbed.errors import TestbedError

_CHECKOUT = Path(__file__).resolve().parent.parent
_INTERRUPTED = 130


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  python -m demo
  SHOW=1 python -m demo
  python -m demo --keep
\b
The first run builds the servers, which takes minutes; later ones find them in the user's cache.
""",
)
@click.option("--show", is_flag=True, envvar="SHOW", help="Show the values from Vault instead of a mask (also SHOW=1).")
@click.option(
    "--keep",
    is_flag=True,
    envvar="KEEP",
    help="Leave the servers up until Enter, to try more. On a terminal only (also KEEP=1).",
)
def main(*, show: bool, keep: bool) -> None:
    """Show references becoming Secrets on a real API server and a real Vault, started here and stopped again.

    Exit code 0 when everything was as it should be.
    """
    if keep and not sys.stdin.isatty():
        raise click.UsageError("--keep waits for Enter, and stdin is no terminal")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without UTF-8 has no bullets
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        with contextlib.chdir(_CHECKOUT):
            Story(Screen(), show=show, keep=keep).tell()
    except (DemoError, TestbedError, subprocess.SubprocessError) as error:
        notes = "\n".join(getattr(error, "__notes__", []))
        raise click.ClickException(f"{error}\n{notes}".strip()) from error
    except KeyboardInterrupt:
        click.echo("interrupted; everything is stopped", err=True)
        sys.exit(_INTERRUPTED)


def _leave(number: int, _frame: FrameType | None) -> None:
    """End like Ctrl-C, so that the servers and their files go first."""
    sys.exit(128 + number)
