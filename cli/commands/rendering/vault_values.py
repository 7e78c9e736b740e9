"""What resolves references for whoever runs a command: with a person's own token, or with a login of CI's."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cli.commands.rendering.value_options import Identity
from cli.errors import NotDoneError
from cli.vaults.known import NotAsked, for_login, jwt_of, known_vaults
from resolver.connections.model import Connection
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from resolver.resolve import Resolver
from resolver.tenancy.job_tokens import JobTokens
from resolver.tenancy.static_token import StaticToken


def resolver(identity: Identity, references: Sequence[Reference]) -> Resolver:
    """Return what resolves these references. Raises `NotDoneError`."""
    vaults = known_vaults(identity.connections)
    connections: dict[str, Connection] = {}
    for name in {reference.connection for reference in references}:
        found = vaults.connection(name)
        if isinstance(found, Connection):
            connections[name] = found
        elif found.is_away:
            raise NotDoneError(found.reason)
        # Of a connection that nobody knows the resolver tells with every reference to it.
    try:
        if identity.login is None:
            return Resolver(_limited(connections, identity), StaticToken(_sure(vaults.token())))
        login, tenant = identity.login, identity.tenant
        login = login if tenant is None else replace(login, role=login.role.replace("{namespace}", tenant))
        logging_in = {name: for_login(each, login) for name, each in _limited(connections, identity).items()}
        return Resolver(logging_in, JobTokens(_sure(jwt_of(login))))
    except OSError:
        raise NotDoneError("the CA bundle of a Vault connection cannot be used") from None


def _limited(connections: Mapping[str, Connection], identity: Identity) -> Mapping[str, Connection]:
    """Return the connections with what they allow to the tenant; without one, to whom Vault itself allows it."""
    if identity.tenant is not None:
        return connections
    return {name: each.model_copy(update={"allow": None}) for name, each in connections.items()}


def _sure(credential: SecretValue | NotAsked) -> SecretValue:
    if isinstance(credential, NotAsked):
        raise NotDoneError(credential.reason)
    return credential
