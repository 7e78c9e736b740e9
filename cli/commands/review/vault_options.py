"""The options of `keyhole lint` that have Vault asked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.errors import NotDoneError
from cli.vaults.login import Login, login_options

if TYPE_CHECKING:
    from review.findings.finding import Finding
    from review.lint.judging import Judge
    from review.lint.tree import Tree
    from review.sources.text import NotChecked


@dataclass(slots=True)
class WithVault:
    """What the options say, and a judge (`review.lint.judging`) that asks Vault and judges by what it says.

    `connections` and `most_behind` are set by whoever knows them: the connections file, and how many versions behind
    the newest a pinned one may not be. After a run, `lacked` says whether anything of it was not checked because Vault
    was not there.
    """

    login: Login | None
    is_required: bool
    connections: Path | None = None
    most_behind: int | None = None
    lacked: bool = field(default=False, init=False)

    def __call__(self, tree: "Tree") -> Iterable["Finding | NotChecked"]:
        """Ask and judge, if the tree has references."""
        if not tree.uses:
            return []
        # Late: most runs do not ask Vault.
        from cli.commands.review.vault_session import judged

        findings, self.lacked = judged(self, tree.uses)
        return findings


def check_vault(options: "WithVault | None") -> None:
    """Raise `NotDoneError` if Vault was required, and was missing for anything."""
    if options is not None and options.is_required and options.lacked:
        raise NotDoneError("--require-vault: something was not checked because Vault was not there")


def vault_judges(options: "WithVault | None", connections: Path | None, most_behind: int | None) -> "list[Judge]":
    """Return what judges by what Vault says; nothing without --vault.

    A pinned version that is more than `most_behind` versions behind the newest is a finding; None for the usual number.
    """
    if options is None:
        return []
    options.connections, options.most_behind = connections, most_behind
    return [options]


def vault_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets a `WithVault` or None as `with_vault`. Raises `click.UsageError`."""

    @click.option(
        "--vault",
        is_flag=True,
        help="Ask Vault whether secrets, fields and versions exist and whether the policy of the namespace allows "
        "them, with VAULT_ADDR and VAULT_TOKEN or ~/.vault-token. No value is read.",
    )
    @login_options("With --vault: ")
    @click.option(
        "--require-vault",
        is_flag=True,
        help="With --vault: exit code 2 if something is not checked because Vault was not there.",
    )
    @wraps(command)
    def with_options(*args: Any, vault: bool, login: Login | None, require_vault: bool, **others: Any) -> Any:
        given = [name for name, value in {"--login": login, "--require-vault": require_vault}.items() if value]
        if given and not vault:
            raise click.UsageError(f"only with --vault: {', '.join(given)}")
        return command(*args, with_vault=WithVault(login, require_vault) if vault else None, **others)

    return with_options
