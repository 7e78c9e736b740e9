"""A click group that imports a subcommand's module only when that subcommand is called.

`keyhole serve` must patch the standard library before anything that opens sockets is imported, and a plain install
lacks what talks to Kubernetes and Vault. So neither `keyhole --help` nor another command may import it.
"""

import importlib
import keyword
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import click
from click.shell_completion import CompletionItem

from cli.errors import NotDoneError

# The rooms of this package. If one of them is missing, the installation is broken and no extra helps.
OUR_OWN: Final = frozenset(
    [
        "audit",
        "certs",
        "changes",
        "cli",
        "controller",
        "enforcer",
        "kube",
        "manifests",
        "metrics",
        "provisioning",
        "resolver",
        "review",
        "runtime",
        "webhook",
    ]
)


@dataclass(frozen=True, slots=True)
class Late:
    """A subcommand that has not been imported yet.

    `module` holds the command under the name by which the group knows it. `help` is the line that the group's own help
    shows. `extra` is what the command needs beside the plain package (`keyhole[EXTRA]`); if `option` is not empty, only
    with that option.
    """

    module: str
    help: str
    extra: str | None = None
    option: str = ""


class LateGroup(click.Group):
    """Takes its subcommands from a table."""

    def __init__(self, *args: object, late: Mapping[str, Late], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # click's own, passed on
        self.late = late

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all subcommands (click's hook)."""
        return sorted(self.late)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a subcommand (click's hook)."""
        found = self.late.get(cmd_name)
        if found is None:
            return None
        name = cmd_name.replace("-", "_")
        # A function cannot be called like a word of Python's own.
        name += "_" if keyword.iskeyword(name) else ""
        command = getattr(importlib.import_module(found.module), name)
        assert isinstance(command, click.Command)  # noqa: S101 - a fact of the table
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of subcommands from the table, without importing any (click's hook)."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.late[name].help) for name in sorted(self.late)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the names of subcommands that begin so from the table, without importing any (click's hook)."""
        names = (name for name in sorted(self.late) if name.startswith(incomplete))
        options = click.Command.shell_complete(self, ctx, incomplete)
        return [*(CompletionItem(name, help=self.late[name].help) for name in names), *options]

    def invoke(self, ctx: click.Context) -> object:
        """Run the subcommand; if the install lacks what it needs, say what to install (click's hook)."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            called = self.late.get(ctx.invoked_subcommand or "")
            if called is None or called.extra is None or missing in OUR_OWN:
                raise
            asked = f"keyhole {ctx.invoked_subcommand} {called.option}".rstrip()
            message = f"`{asked}` needs {missing}, which a plain install leaves out"
            # Not by the package's name: nothing is released, and a registry may have a stranger's under it.
            raise NotDoneError(f"{message}. In a checkout: pip install '.[{called.extra}]'") from None
