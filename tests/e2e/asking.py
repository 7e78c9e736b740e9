"""References resolved in this process on the real servers: one set of tokens and mounts, unlike a server's workers."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from kube.client import connect
from kube.tokens import ServiceAccountTokens
from resolver.connections.model import Authentication, Connection
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.references.grammar import Reference, parse_value
from resolver.resolve import Outcome, Resolved, Resolver
from resolver.tenancy.token_cache import TokenCache
from runtime.namespace_tokens import NamespaceTokens
from testbed import Testbed
from testbed.keyhole.connections import AUDIENCE
from testbed.keyhole.identities import webhook_kubeconfig

_SECONDS = 20.0


class Asking:
    """A resolver whose connection `default` is the testbed's Vault."""

    def __init__(self, bed: Testbed, resolver: Resolver) -> None:
        self.bed = bed
        self.resolver = resolver

    def outcomes(self, namespace: str, *references: str) -> list[Outcome]:
        """Resolve references in the name of a namespace, in one admission's time."""
        parsed = [_reference(text) for text in references]
        found = self.resolver.resolve(parsed, namespace, Deadline.after(_SECONDS))
        return [found[reference] for reference in parsed]

    def value(self, namespace: str, reference: str) -> str:
        """Return the value of a reference that resolves."""
        (found,) = self.outcomes(namespace, reference)
        assert isinstance(found, Resolved), found
        return found.value.reveal_text()

    def error(self, namespace: str, reference: str) -> ResolverError:
        """Return the error of a reference that does not resolve."""
        (found,) = self.outcomes(namespace, reference)
        assert isinstance(found, ResolverError)
        return found


def _reference(text: str) -> Reference:
    (found,) = parse_value(text).references
    return found


def connection(bed: Testbed, auth: Mapping[str, str] | None = None, **changes: Any) -> Connection:
    """Return a connection to the testbed's Vault; `auth` has changes of how to log in."""
    how = {"method": "jwt", "role": "keyhole-{namespace}", "audience": AUDIENCE, **(auth or {})}
    return Connection(
        **{
            "address": bed.vault.url,
            "ca_file": bed.vault.ca_file,
            "auth": Authentication.model_validate(how),
            "mounts": {"secret": 2, "legacy": 1},
            **changes,
        }
    )


@contextlib.contextmanager
def asking(bed: Testbed, connections: Mapping[str, Connection] | None = None) -> Iterator[Asking]:
    """Give one, by default with the connection `default` alone; close it at the end, as a worker does."""
    minter = NamespaceTokens(ServiceAccountTokens(connect(webhook_kubeconfig(bed))))
    with contextlib.closing(Resolver(connections or {"default": connection(bed)}, TokenCache(minter))) as resolver:
        yield Asking(bed, resolver)
