"""What resolves references for whoever runs a command: with a person's own token, or with a login of CI's.

Credentials go to a Vault that the environment names (VAULT_ADDR). Without that, they go where the connections file
leads: a JWT to each Vault of it, a token only if all connections lead to the same one.
"""

import os
from collections.abc import Mapping, Sequence

import click
from pydantic import ValidationError

from cli.commands.review.value_options import Identity, Login
from cli.errors import NotDoneError
from cli.own_vault import own_connection, own_token
from resolver.connections.files import load
from resolver.connections.model import Authentication, ConfigurationError, Connection
from resolver.references.grammar import Reference
from resolver.references.reference import DEFAULT_CONNECTION
from resolver.references.value import SecretValue
from resolver.resolve import Resolver
from resolver.tenancy.job_tokens import JobTokens
from resolver.tenancy.static_token import StaticToken


def resolver(identity: Identity, references: Sequence[Reference]) -> Resolver:
    """Return what resolves these references. Raises `NotDoneError` or `click.UsageError`."""
    connections = _connections(identity, {reference.connection for reference in references})
    try:
        if identity.login is not None:
            jwt = _jwt(identity.login)
            logging_in = {name: _for_login(one, identity.login, identity.tenant) for name, one in connections.items()}
            return Resolver(logging_in, JobTokens(jwt))
        return Resolver(connections, StaticToken(_token()))
    except OSError:
        raise NotDoneError("the CA bundle of a Vault connection cannot be used") from None


def _connections(identity: Identity, wanted: set[str]) -> Mapping[str, Connection]:
    """Return the connections that may be asked. One that is wanted and may not be is an error."""
    own = own_connection()
    if identity.connections is None:
        if own is None:
            raise click.UsageError("set VAULT_ADDR, or give --connections")
        return {DEFAULT_CONNECTION: own}
    try:
        known = load(identity.connections)
    except ConfigurationError as error:
        raise NotDoneError(str(error)) from None
    asked = {name: one for name, one in known.items() if name in wanted}
    elsewhere = [name for name, one in asked.items() if own is not None and one.address != own.address]
    if elsewhere:
        names = ", ".join(sorted(elsewhere))
        raise NotDoneError(f"{names}: leads to another Vault than VAULT_ADDR, and credentials go there only")
    if identity.login is None and own is None and len({one.address for one in known.values()}) > 1:
        raise NotDoneError("the connections lead to several Vaults: VAULT_ADDR must say whose the token is")
    if identity.tenant is None:
        # What the administrator allows to namespaces does not limit a person or a job.
        return {name: one.model_copy(update={"allow": None}) for name, one in asked.items()}
    return asked


def _token() -> SecretValue:
    token = own_token()
    if token is None:
        raise click.UsageError("set VAULT_TOKEN, or log in with `vault login`, or give --login jwt")
    return token


def _jwt(login: Login) -> SecretValue:
    jwt = os.environ.get(login.jwt_env, "").strip()
    if not jwt:
        raise NotDoneError(f"there is no identity to ask as: the variable {login.jwt_env} is empty or not set")
    return SecretValue(jwt)


def _for_login(connection: Connection, login: Login, tenant: str | None) -> Connection:
    role = login.role if tenant is None else login.role.replace("{namespace}", tenant)
    try:
        auth = Authentication(method="jwt", role=role, mount=login.auth_mount)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        option = "--role" if problem["loc"] == ("role",) else "--auth-mount"
        raise NotDoneError(f"{option}: {problem['msg']}") from None
    return connection.model_copy(update={"auth": auth})
