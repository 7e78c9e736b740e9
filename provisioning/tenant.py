"""A tenant: a namespace that opts in, and the accounts of Keyhole that serve it."""

import re
from dataclasses import dataclass

from manifests.registration.webhook_configuration import SYSTEM_NAMESPACES
from provisioning.errors import TenantRefused
from resolver.identity import RECONCILER, SERVICE_ACCOUNT

# A namespace is a DNS label (RFC 1123), a ServiceAccount a DNS subdomain.
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class Account:
    """A ServiceAccount; `str` gives NAMESPACE/NAME."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Tenant:
    """A namespace, and who may create tokens for its accounts. `enforcer` is None where the Enforcer may not."""

    namespace: str
    webhook: Account
    controller: Account
    enforcer: Account | None = None

    @property
    def owners(self) -> tuple[Account, ...]:
        """Those accounts."""
        return (self.webhook, self.controller, *((self.enforcer,) if self.enforcer else ()))


def account(text: str) -> Account:
    """Parse NAMESPACE/NAME. Raises `TenantRefused`."""
    namespace, _, name = text.partition("/")
    if not _LABEL.fullmatch(namespace) or not _SUBDOMAIN.fullmatch(name):
        raise TenantRefused(f"{text!r} is not NAMESPACE/NAME of a ServiceAccount")
    return Account(namespace, name)


def tenant(namespace: str, webhook: Account, controller: Account, enforcer: Account | None = None) -> Tenant:
    """Check that the namespace can be a tenant of these accounts. Raises `TenantRefused`."""
    if not _LABEL.fullmatch(namespace):
        raise TenantRefused(f"{namespace!r} is not a name for a namespace (RFC 1123: a-z, 0-9 and -, at most 63)")
    # For these the API server does not call the webhook. Other names that begin with kube- are ordinary.
    if namespace in SYSTEM_NAMESPACES:
        raise TenantRefused(f"{namespace} belongs to Kubernetes: it has to work without Keyhole")
    checked = Tenant(namespace, webhook, controller, enforcer)
    for owner in checked.owners:
        if owner.namespace == namespace:
            raise TenantRefused(f"{namespace} holds Keyhole's own account {owner.name} and cannot be its tenant")
        if owner.name in {SERVICE_ACCOUNT, RECONCILER}:
            raise TenantRefused(f"{owner}: {owner.name} is the name of tenants' accounts, not of Keyhole's own")
    return checked
