"""The role at a Vault authentication mount that gives a tenant's identity its policy.

Sources: Vault's HTTP API for the `jwt` and `kubernetes` authentication methods, and its parameters of tokens.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from provisioning.errors import RoleRefused
from provisioning.policy import NAMESPACE_METADATA
from provisioning.policy_paths import NAMESPACE
from resolver.connections.model import Authentication
from resolver.identity import SERVICE_ACCOUNT, identity_name

Parameter: TypeAlias = "str | int | bool | list[str] | Mapping[str, str | list[str]]"
TokenType: TypeAlias = Literal["service", "batch"]

# As long as the ServiceAccount's token lives; Keyhole logs in again instead of renewing.
_TOKEN_SECONDS = 600
# What both methods accept in the path of a role.
_NAME = re.compile(r"[A-Za-z0-9_](?:[-.@A-Za-z0-9_]*[A-Za-z0-9_])?")
_POLICY_PREFIX = "keyhole"


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
    name = auth.role if namespace is None else auth.role_for(namespace)
    if not _NAME.fullmatch(name):
        raise RoleRefused(f"Vault takes no role named {name!r}")
    return name


def policy_name(role: str) -> str:
    """Return the name of the role's policy, never one of Vault's own (such as `default`), which it would replace."""
    return role if role.startswith(_POLICY_PREFIX) else f"{_POLICY_PREFIX}-{role}"


def vault_role(auth: Authentication, namespace: str | None, name: str, token_type: TokenType) -> VaultRole:
    """Return the role `name` for the identity of a namespace, or with None for the identities of all namespaces."""
    bound = _bound_jwt(auth, namespace) if auth.method == "jwt" else _bound_kubernetes(auth, namespace)
    token: dict[str, Parameter] = {
        "token_policies": [policy_name(name)],
        "token_no_default_policy": True,
        "token_ttl": _TOKEN_SECONDS,
        "token_max_ttl": _TOKEN_SECONDS,
        "token_type": token_type,
    }
    return VaultRole(auth.method, auth.mount_point, name, {**bound, **token})


def _bound_jwt(auth: Authentication, namespace: str | None) -> dict[str, Parameter]:
    bound: dict[str, Parameter] = {"role_type": "jwt", "user_claim": "sub", "bound_audiences": [auth.audience]}
    if namespace is not None:
        return {**bound, "bound_subject": identity_name(namespace)}
    return {
        **bound,
        "bound_claims": {"/kubernetes.io/serviceaccount/name": SERVICE_ACCOUNT},
        "claim_mappings": {"/kubernetes.io/namespace": NAMESPACE_METADATA},
    }


def _bound_kubernetes(auth: Authentication, namespace: str | None) -> dict[str, Parameter]:
    return {
        "bound_service_account_names": [SERVICE_ACCOUNT],
        "bound_service_account_namespaces": ["*" if namespace is None else namespace],
        "audience": auth.audience,
    }
