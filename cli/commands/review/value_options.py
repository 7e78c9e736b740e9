"""Which Vaults `keyhole render` and `keyhole exec` ask, and as whom."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
USUAL_MOUNT: Final = "jwt"


@dataclass(frozen=True, slots=True)
class Login:
    """A login with a JWT, as CI issues one to a job."""

    role: str
    jwt_env: str
    auth_mount: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What the options say. Without a login, it is a person's own token. An address never comes from a rendered file.

    With a tenant, only what each connection allows to that namespace is asked for.
    """

    tenant: str | None
    connections: Path | None
    login: Login | None


def value_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets an `Identity` as `identity`. Raises `click.UsageError`."""

    @click.option(
        "--connections",
        type=_FILE,
        help="The Vault connections (YAML). Without this, the connection default leads to VAULT_ADDR.",
    )
    @click.option(
        "--tenant",
        metavar="NAMESPACE",
        help="With --connections: ask only for what each connection allows to this namespace.",
    )
    @click.option(
        "--login",
        type=click.Choice(["jwt"]),
        help="Log in with a JWT, such as CI issues to a job, and give the token back. Without this, your own token "
        "(VAULT_TOKEN, ~/.vault-token) is used.",
    )
    @click.option("--role", help="With --login: the role in Vault.")
    @click.option("--jwt-env", metavar="NAME", help="With --login: the variable that holds the JWT.")
    @click.option(
        "--auth-mount", metavar="MOUNT", help=f"With --login: where the method is mounted.  [default: {USUAL_MOUNT}]"
    )
    @wraps(command)
    def with_options(
        *args: Any,
        connections: Path | None,
        tenant: str | None,
        login: str | None,
        role: str | None,
        jwt_env: str | None,
        auth_mount: str | None,
        **others: Any,
    ) -> Any:
        if tenant is not None and connections is None:
            raise click.UsageError("--tenant needs --connections: they say what a namespace may ask for")
        identity = Identity(tenant, connections, _login(login, role, jwt_env, auth_mount))
        return command(*args, identity=identity, **others)

    return with_options


def _login(login: str | None, role: str | None, jwt_env: str | None, auth_mount: str | None) -> Login | None:
    if login is None:
        given = {"--role": role, "--jwt-env": jwt_env, "--auth-mount": auth_mount}
        if any(given.values()):
            raise click.UsageError(f"only with --login: {', '.join(name for name, value in given.items() if value)}")
        return None
    if not (role and jwt_env):
        raise click.UsageError("--login needs --role and --jwt-env")
    return Login(role, jwt_env, auth_mount or USUAL_MOUNT)
