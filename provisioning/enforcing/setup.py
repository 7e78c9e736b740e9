"""What Vault needs so that the Enforcer sees the policies and roles of namespaces: a policy and a role of its own."""

from typing import Final

from provisioning.enforcing.policy import EnforcerPolicy
from provisioning.policy_paths import for_any_namespace
from provisioning.target import Target
from provisioning.tenant import Account
from provisioning.vault_role import TokenType, policy_name, role_of_account
from provisioning.vault_setup import Program, VaultSetup

NAME: Final = "keyhole_enforcer"
"""The role and its policy. No namespace has an underscore in its name, so none has this policy."""


def for_enforcer(target: Target, account: Account, token_type: TokenType, program: Program) -> VaultSetup:
    """Return the policy and the role for the Enforcer's ServiceAccount, at the mount where namespaces log in."""
    auth = target.auth
    policy = EnforcerPolicy(
        NAME,
        auth.mount_point,
        for_any_namespace(policy_name(auth.role)),
        for_any_namespace(auth.role),
        may_revoke_itself=token_type == "service",  # noqa: S105 - a kind of token
    )
    return VaultSetup(policy, role_of_account(auth, account, NAME, NAME, token_type), target, program=program)
