"""What a worker serves: the admission application, and the resolver that it holds."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gevent

from kube.access import SecretAccess
from kube.client import connect
from kube.namespaces import Namespaces
from kube.tokens import ServiceAccountTokens
from resolver.connections import load
from resolver.resolve import Resolver
from resolver.tenants import Tenants
from webhook.admit import Admission
from webhook.app import create_app
from webhook.audit import AuditTrail
from webhook.audit_key import load_key
from webhook.audit_stream import AuditStream
from webhook.audited import AuditedAdmission
from webhook.identity import NamespaceTokens
from webhook.upkeep import Upkeep


@dataclass(frozen=True, slots=True)
class Service:
    """A WSGI application, and how to give back what it holds."""

    app: Any
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Audit:
    """Where the audit trail goes (None: standard output), and the file of the key that chains it."""

    path: Path | None
    key_file: Path


def build(connections_file: Path, kubeconfig: Path | None, audit: Audit | None = None) -> Service:
    """Assemble Keyhole. To be called in a worker, after the fork: from here on there are connections.

    Raises `resolver.connections.ConfigurationError`, `webhook.audit_errors.AuditError`, or
    `kube.errors.KubernetesUnavailable` when there is no way to an API server.
    """
    api = connect(kubeconfig)
    tenants = Tenants(NamespaceTokens(ServiceAccountTokens(api)))
    resolver = Resolver(load(connections_file), tenants, _limit)
    upkeep = Upkeep(connections_file, resolver, tenants)
    upkeep.start()

    trail = AuditTrail(load_key(audit.key_file), AuditStream(audit.path)) if audit else None

    def close() -> None:
        upkeep.stop()
        resolver.close()
        if trail is not None:
            trail.close()

    admission = Admission(resolver, Namespaces(api), SecretAccess(api), _limit)
    return Service(create_app(AuditedAdmission(admission, trail, resolver.logins) if trail else admission), close)


def _limit(seconds: float) -> gevent.Timeout:
    """End the greenlet's work with a TimeoutError.

    gevent's TLS sockets give each part of a record the whole of their timeout, so a wire that drips would outlast them.
    """
    return gevent.Timeout(seconds, TimeoutError)
