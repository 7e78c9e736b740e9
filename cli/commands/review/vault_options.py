"""The options of `keyhole lint` that have Vault asked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from cli.errors import NotDoneError

if TYPE_CHECKING:
    from review.findings.finding import Finding
    from review.lint.judging import Judge
    from review.lint.tree import Tree
    from review.sources.text import NotChecked

_USUAL_MOUNT: Final = "jwt"


@dataclass(slots=True)
class WithVault:
    """What the options say, and a judge (`review.lint.judging`) that asks Vault and judges by what it says.

    `connections` and `most_behind` are set by whoever knows them: the connections file, and how many versions behind
    the newest a pinned one may not be. After a run, `lacked` says whether anything of it was not checked because Vault
    was not there.
    """

    role: str | None
    jwt_env: str | None
    auth_mount: str
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
    @click.option(
        "--login",
        type=click.Choice(["jwt"]),
        help="With --vault: log in with a JWT, such as CI issues to a job, and give the token back at the end.",
    )
    @click.option("--role", help="With --login: the role in Vault.")
    @click.option("--jwt-env", metavar="NAME", help="With --login: the variable that holds the JWT.")
    @click.option(
        "--auth-mount", metavar="MOUNT", help=f"With --login: where the method is mounted.  [default: {_USUAL_MOUNT}]"
    )
    @click.option(
        "--require-vault",
        is_flag=True,
        help="With --vault: exit code 2 if something is not checked because Vault was not there.",
    )
    @wraps(command)
    def with_options(
        *args: Any,
        vault: bool,
        login: str | None,
        role: str | None,
        jwt_env: str | None,
        auth_mount: str | None,
        require_vault: bool,
        **others: Any,
    ) -> Any:
        _check(vault=vault, login=login, role=role, jwt_env=jwt_env, auth_mount=auth_mount, required=require_vault)
        found = WithVault(role, jwt_env, auth_mount or _USUAL_MOUNT, require_vault) if vault else None
        return command(*args, with_vault=found, **others)

    return with_options


def _check(
    *,
    vault: bool,
    login: str | None,
    role: str | None,
    jwt_env: str | None,
    auth_mount: str | None,
    required: bool,
) -> None:
    of_login = {"--role": role, "--jwt-env": jwt_env, "--auth-mount": auth_mount}
    given = [name for name, value in {"--login": login, **of_login, "--require-vault": required}.items() if value]
    if given and not vault:
        raise click.UsageError(f"only with --vault: {', '.join(given)}")
    if login is None and any(of_login.values()):
        raise click.UsageError(f"only with --login: {', '.join(name for name, value in of_login.items() if value)}")
    if login is not None and not (role and jwt_env):
        raise click.UsageError("--login needs --role and --jwt-env")
