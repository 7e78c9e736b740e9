"""The role at a Vault authentication mount that gives a tenant's identity its policy.

Sources: Vault's HTTP API for the `jwt` and `kubernetes` authentication methods, and its parameters of tokens.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

from provisioning.errors import RoleRefused
from provisioning.policy import NAMESPACE_METADATA
from provisioning.policy_paths import NAMESPACE
from provisioning.tenant import Account
from resolver.identity import SERVICE_ACCOUNT, identity_name

Parameter: TypeAlias = "str | int | bool | list[str] | Mapping[str, str | list[str]]"
TokenType: TypeAlias = Literal["service", "batch"]

TOKEN_SECONDS: Final = 600
"""How long a token lives: as long as the ServiceAccount's own; Keyhole logs in again instead of renewing."""
# What both methods accept in the path of a role.
_NAME = re.compile(r"[A-Za-z0-9_](?:[-.@A-Za-z0-9_]*[A-Za-z0-9_])?")
_POLICY_PREFIX = "keyhole"


class Authentication(Protocol):
    """How Keyhole logs in: `resolver.connections.model.Authentication`, or what is known of it."""

    @property
    def method(self) -> Literal["jwt", "kubernetes"]:
        """The method of Vault's."""
        ...

    @property
    def mount_point(self) -> str:
        """Where it is mounted."""
        ...

    @property
    def role(self) -> str:
        """The role, with {namespace} in it if each namespace has its own."""
        ...

    @property
    def audience(self) -> str:
        """The audience of the ServiceAccounts' tokens."""
        ...


@dataclass(frozen=True, slots=True)
class VaultRole:
    """A role of the mount `auth/MOUNT`. The parameters are those of Vault's API, with times in seconds."""

    method: Literal["jwt", "kubernetes"]
    mount: str
    name: str
    parameters: Mapping[str, Parameter]

    @property
    def path(self) -> str:
        """The path of the role in Vault's API."""
        return f"auth/{self.mount}/role/{self.name}"

    @property
    def as_json(self) -> str:
        """The parameters for `vault write PATH -`, with a final line break."""
        lines = (f"  {json.dumps(name)}: {_json(value)}" for name, value in self.parameters.items())
        return "{\n" + ",\n".join(lines) + "\n}\n"


def _json(value: Parameter) -> str:
    return json.dumps(value, ensure_ascii=False)


def role_name(auth: Authentication, namespace: str | None) -> str:
    """Return the role for logins of a namespace, or with None the role for all of them. Raises `RoleRefused`.

    One that is written for each namespace must have its name in it: else the next tenant would take it away.
    """
    for_each = NAMESPACE in auth.role
    if namespace is None and for_each:
        raise RoleRefused(
            f"the connection's role is {auth.role}, one for each namespace; --templated needs one for all"
        )
    if namespace is not None and not for_each:
        raise RoleRefused(f"the connection's role is {auth.role}, one for all namespaces; use --templated")
    name = auth.role if namespace is None else auth.role.replace(NAMESPACE, namespace)
    if not _NAME.fullmatch(name):
        raise RoleRefused(f"Vault takes no role named {name!r}")
    return name


def policy_name(role: str) -> str:
    """Return the name of the role's policy, never one of Vault's own (such as `default`), which it would replace."""
    return role if role.startswith(_POLICY_PREFIX) else f"{_POLICY_PREFIX}-{role}"


def vault_role(auth: Authentication, namespace: str | None, name: str, token_type: TokenType) -> VaultRole:
    """Return the role `name` for the identity of a namespace, or with None for the identities of all namespaces."""
    bound = _bound_to_all(auth) if namespace is None else _bound(auth, namespace, SERVICE_ACCOUNT)
    return VaultRole(auth.method, auth.mount_point, name, {**bound, **_token(policy_name(name), token_type)})


def role_of_account(auth: Authentication, account: Account, name: str, policy: str, token_type: TokenType) -> VaultRole:
    """Return the role `name` with one policy for one ServiceAccount, and for no other."""
    bound = _bound(auth, account.namespace, account.name)
    return VaultRole(auth.method, auth.mount_point, name, {**bound, **_token(policy, token_type)})


def _token(policy: str, token_type: TokenType) -> dict[str, Parameter]:
    return {
        "token_policies": [policy],
        "token_no_default_policy": True,
        "token_ttl": TOKEN_SECONDS,
        "token_max_ttl": TOKEN_SECONDS,
        "token_type": token_type,
    }


def _bound(auth: Authentication, namespace: str, name: str) -> dict[str, Parameter]:
    if auth.method == "jwt":
        return {**_of_jwt(auth), "bound_subject": identity_name(namespace, name)}
    return _of_kubernetes(auth, namespace, name)


def _bound_to_all(auth: Authentication) -> dict[str, Parameter]:
    if auth.method == "kubernetes":
        return _of_kubernetes(auth, "*", SERVICE_ACCOUNT)
    return {
        **_of_jwt(auth),
        "bound_claims": {"/kubernetes.io/serviceaccount/name": SERVICE_ACCOUNT},
        "claim_mappings": {"/kubernetes.io/namespace": NAMESPACE_METADATA},
    }


def _of_jwt(auth: Authentication) -> dict[str, Parameter]:
    return {"role_type": "jwt", "user_claim": "sub", "bound_audiences": [auth.audience]}


def _of_kubernetes(auth: Authentication, namespace: str, name: str) -> dict[str, Parameter]:
    return {
        "bound_service_account_names": [name],
        "bound_service_account_namespaces": [namespace],
        "audience": auth.audience,
    }
