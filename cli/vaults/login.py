"""The options for a login with a JWT, as CI issues one to a job."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

import click

_USUAL_MOUNT: Final = "jwt"


@dataclass(frozen=True, slots=True)
class Login:
    """The role in Vault, the variable that holds the JWT, and where the method is mounted."""

    role: str
    jwt_env: str
    auth_mount: str


def login_options(condition: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options; the command gets a `Login` or None as `login`. `condition` says when the first one counts.

    Raises `click.UsageError`.
    """
    how = "log in with a JWT, such as CI issues to a job, and give the token back at the end."
    otherwise = " Without this, your own token (VAULT_TOKEN, ~/.vault-token) is used."
    told = f"{condition}{how}" if condition else f"{how[:1].upper()}{how[1:]}{otherwise}"

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option("--login", "method", type=click.Choice(["jwt"]), help=told)
        @click.option("--role", help="With --login: the role in Vault.")
        @click.option("--jwt-env", metavar="NAME", help="With --login: the variable that holds the JWT.")
        @click.option(
            "--auth-mount",
            metavar="MOUNT",
            help=f"With --login: where the method is mounted.  [default: {_USUAL_MOUNT}]",
        )
        @wraps(command)
        def with_options(
            *args: Any,
            method: str | None,
            role: str | None,
            jwt_env: str | None,
            auth_mount: str | None,
            **others: Any,
        ) -> Any:
            return command(*args, login=_login(method, role, jwt_env, auth_mount), **others)

        return with_options

    return add


def _login(method: str | None, role: str | None, jwt_env: str | None, auth_mount: str | None) -> Login | None:
    if method is None:
        given = {"--role": role, "--jwt-env": jwt_env, "--auth-mount": auth_mount}
        if any(given.values()):
            raise click.UsageError(f"only with --login: {', '.join(name for name, value in given.items() if value)}")
        return None
    if not (role and jwt_env):
        raise click.UsageError("--login needs --role and --jwt-env")
    return Login(role, jwt_env, auth_mount or _USUAL_MOUNT)
