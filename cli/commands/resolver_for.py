"""The resolver behind `keyhole resolve`: for a namespace, or with your own Vault token."""

from pathlib import Path

import click

from cli.errors import NotDoneError
from cli.own_vault import own_connection, own_token
from kube.client import connect
from kube.errors import KubernetesUnavailable
from kube.tokens import ServiceAccountTokens
from resolver.connections.files import load
from resolver.connections.model import ConfigurationError
from resolver.references.reference import DEFAULT_CONNECTION
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
