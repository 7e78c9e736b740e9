"""Which Vaults `keyhole render` and `keyhole exec` ask, and as whom."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from cli.vaults.login import Login, login_options

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


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
    @login_options()
    @wraps(command)
    def with_options(
        *args: Any, connections: Path | None, tenant: str | None, login: Login | None, **others: Any
    ) -> Any:
        if tenant is not None and connections is None:
            raise click.UsageError("--tenant needs --connections: they say what a namespace may ask for")
        return command(*args, identity=Identity(tenant, connections, login), **others)

    return with_options
