"""Logs in to Vault, as the Enforcer and as each tenant. Each has a token of its own, which is given back."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from enforcer.collecting.run import Run
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.tokens import ServiceAccountTokens
from provisioning.enforcing.setup import NAME
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.identity import SERVICE_ACCOUNT, identity_name
from resolver.inspection import Inspector
from resolver.references.value import SecretValue
from review.lint.with_vault.facts import why

REQUEST_SECONDS: Final = 10.0
"""The longest that one question may take, repetitions included."""
_UNMINTED: Final[Mapping[int, str]] = {
    HTTPStatus.NOT_FOUND: "there is no such ServiceAccount",
    HTTPStatus.FORBIDDEN: "the account that asks lacks the right to it",
}
_REMEDY: Final = "`keyhole tenant --vault` prints the policy that a namespace needs"


class NotAsked(Exception):
    """Vault was not asked, or gave no answer of use; `reason` says why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def told(error: ResolverError) -> str:
    """Return what an error means, in the words of reviews."""
    return why(error, _REMEDY).reason


def soon() -> Deadline:
    """Return the deadline of one question."""
    return Deadline.after(REQUEST_SECONDS)


@dataclass(frozen=True, slots=True)
class Logins:
    """Who logs in where. `vaults` has what asks each connection, or why nobody does. Threads may share it."""

    vaults: Mapping[str, Inspector | str]
    tokens: ServiceAccountTokens = field(repr=False)
    enforcer: tuple[str, str]
    """Namespace and name of the Enforcer's own ServiceAccount."""

    @contextmanager
    def as_enforcer(self, connection: str, run: Run) -> Iterator[Inspector]:
        """Lend an inspector that sees roles and policies. Raises `NotAsked` or `Stopped`."""
        with self._as(connection, self.enforcer, NAME, run) as vault:
            yield vault

    @contextmanager
    def as_tenant(self, connection: str, namespace: str, run: Run) -> Iterator[Inspector]:
        """Lend an inspector that sees what a namespace may. Raises `NotAsked` or `Stopped`."""
        with self._as(connection, (namespace, SERVICE_ACCOUNT), "", run) as vault:
            yield vault

    @contextmanager
    def _as(self, connection: str, account: tuple[str, str], role: str, run: Run) -> Iterator[Inspector]:
        vault = self._logged_in(connection, account, role, run)
        try:
            yield vault
        finally:
            vault.close()

    def _logged_in(self, connection: str, account: tuple[str, str], role: str, run: Run) -> Inspector:
        base = self.vaults.get(connection, f"the connection {connection} is not in the connections file")
        if isinstance(base, str):
            raise NotAsked(base)
        run.go_on()
        namespace, name = account
        jwt = self._jwt(namespace, name, base.connection.auth.audience)
        run.go_on()
        vault = base.beside()
        try:
            vault.log_in(
                *(jwt, soon()),
                role=role or base.connection.auth.role_for(namespace),
                identity=identity_name(namespace, name),
            )
        except ResolverError as error:
            vault.close()
            raise NotAsked(told(error)) from None
        return vault

    def _jwt(self, namespace: str, name: str, audience: str) -> SecretValue:
        try:
            return SecretValue(self.tokens.mint(name, namespace, audience, REQUEST_SECONDS))
        except KubernetesUnavailable as error:
            raise NotAsked(f"no token of {namespace}/{name}: the Kubernetes API server {error.how}") from None
        except KubernetesError as error:
            raise NotAsked(f"no token of {namespace}/{name}: {_unminted(error, namespace, name)}") from None


def _unminted(error: KubernetesError, namespace: str, name: str) -> str:
    """Return why the API server gave no token of an account, and what gives the account or the right."""
    if error.status not in _UNMINTED:
        return str(error)
    gives = f"`keyhole tenant {namespace} --enforcer`" if name == SERVICE_ACCOUNT else "the chart's enforcer.enabled"
    return f"{_UNMINTED[error.status]}; {gives} gives it (status {error.status})"
