"""The resolver behind `keyhole resolve`: for a namespace, or with your own Vault token."""

import os
from pathlib import Path

import click
from pydantic import ValidationError

from cli.errors import NotDoneError
from kube.client import connect
from kube.errors import KubernetesUnavailable
from kube.tokens import ServiceAccountTokens
from resolver.connections.files import load, with_bundle
from resolver.connections.model import Authentication, ConfigurationError, Connection
from resolver.references.reference import DEFAULT_CONNECTION
from resolver.references.value import SecretValue
from resolver.resolve import Resolver
from resolver.tenancy.static_token import StaticToken
from resolver.tenancy.token_cache import TokenCache
from runtime.namespace_tokens import NamespaceTokens


def namespace_resolver(connections: Path | None, kubeconfig: Path | None) -> Resolver:
    """Return a resolver that logs in as a namespace, with a token of its ServiceAccount, as the webhook does."""
    if connections is None:
        raise click.UsageError("--namespace needs --connections")
    try:
        return Resolver(load(connections), TokenCache(NamespaceTokens(ServiceAccountTokens(connect(kubeconfig)))))
    except (ConfigurationError, KubernetesUnavailable) as error:
        raise NotDoneError(str(error)) from None


def own_resolver() -> Resolver:
    """Return a resolver with the settings of the `vault` command, as `own_connection` reads them."""
    own, token = own_connection(), own_token()
    if own is None or token is None:
        raise click.UsageError("set VAULT_ADDR and VAULT_TOKEN, or give --namespace and --connections")
    return Resolver({DEFAULT_CONNECTION: own}, StaticToken(token))


def own_token() -> SecretValue | None:
    """Return VAULT_TOKEN, or the token in ~/.vault-token; None if there is neither."""
    token = os.environ.get("VAULT_TOKEN")
    token_file = Path.home() / ".vault-token"
    if not token and token_file.is_file():
        token = token_file.read_text().strip()
    return SecretValue(token) if token else None


def own_connection() -> Connection | None:
    """Return the connection that VAULT_ADDR, VAULT_CACERT and VAULT_NAMESPACE describe; None without VAULT_ADDR."""
    address = os.environ.get("VAULT_ADDR")
    if not address:
        return None
    ca_file = Path(os.environ["VAULT_CACERT"]) if os.environ.get("VAULT_CACERT") else None
    try:
        connection = Connection(
            address=address,
            auth=Authentication(method="jwt", role="unused"),
            ca_file=ca_file,
            vault_namespace=os.environ.get("VAULT_NAMESPACE") or None,
        )
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise NotDoneError(f"VAULT_ADDR: {problem}") from None
    try:
        return with_bundle(connection, "VAULT_CACERT")
    except ConfigurationError as error:
        raise NotDoneError(str(error)) from None
