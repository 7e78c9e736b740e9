"""What Vault needs for a tenant: one policy and one role, from a connection and the paths to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from provisioning.enforcing.policy import EnforcerPolicy
from provisioning.policy import ACCESSOR, Policy
from provisioning.reviewing.policy import ReviewPolicy
from provisioning.target import Target
from provisioning.vault_role import TokenType, VaultRole, policy_name, role_name, vault_role
from resolver.vault.mounts import KvLocation

Program: TypeAlias = Literal["vault", "bao"]


@dataclass(frozen=True, slots=True)
class VaultSetup:
    """The policy and the role. `accessor` is that of the authentication mount, None if it is not known.

    `program` is the command by which they are written: Vault's own, or OpenBao's.
    `notes` are lines for whoever does it.
    """

    policy: Policy | ReviewPolicy | EnforcerPolicy
    role: VaultRole
    target: Target
    accessor: str | None = None
    program: Program = "vault"
    notes: Sequence[str] = ()

    @property
    def lacks_accessor(self) -> bool:
        """Whether the policy has `ACCESSOR` in place of the mount's accessor."""
        return self.policy.is_templated and self.accessor is None

    @property
    def policy_text(self) -> str:
        """The policy in HCL."""
        return self.policy.hcl(self.accessor or ACCESSOR)


def for_namespace(target: Target, namespace: str, locations: Sequence[KvLocation], token_type: TokenType) -> VaultSetup:
    """Return the policy and the role of one namespace, which may read exactly these locations.

    Raises `RoleRefused`, or `PathRefused` for a location that the connection keeps from the namespace.
    """
    target.check_allowed(locations, namespace)
    name = role_name(target.auth, namespace)
    purpose = f"What the namespace {namespace} may read through Keyhole: these paths, and nothing below or beside them."
    policy = Policy(policy_name(name), purpose, locations, _can_be_revoked(token_type))
    return VaultSetup(policy, vault_role(target.auth, namespace, name, token_type), target)


def for_all(target: Target, locations: Sequence[KvLocation], token_type: TokenType, accessor: str | None) -> VaultSetup:
    """Return one policy and one role for all namespaces. The locations name the namespace as `{namespace}`.

    Raises `RoleRefused`, or `PathRefused` for locations of which the connection keeps something back.
    """
    target.check_allowed(locations, None)
    name = role_name(target.auth, None)
    purpose = "What every namespace may read through Keyhole: Vault puts in the name of the one that logged in."
    policy = Policy(policy_name(name), purpose, locations, _can_be_revoked(token_type))
    return VaultSetup(policy, vault_role(target.auth, None, name, token_type), target, accessor)


def _can_be_revoked(token_type: TokenType) -> bool:
    return token_type != "batch"  # noqa: S105 - a kind of token
