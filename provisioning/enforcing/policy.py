"""The policy of the Enforcer: the policies and the roles of namespaces, and nothing else.

Sources: Vault's HTTP API, `sys/policies/acl`, and *Read role* of the `jwt` and `kubernetes` authentication methods.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from resolver.vault.policy_rule import rule

_REASON = "What namespaces may read and who logs in for them, to be compared with what they use."
_REVOKE_REASON = "To give the token back at the end."


@dataclass(frozen=True, slots=True)
class EnforcerPolicy:
    """What the Enforcer's own token may do. `policies` and `roles` are names, the last letter of which may be `*`."""

    name: str
    mount: str
    policies: str
    roles: str
    may_revoke_itself: bool

    @property
    def is_templated(self) -> bool:
        """Whether it depends on who logs in, which it never does."""
        return False

    def hcl(self, accessor: str = "") -> str:  # noqa: ARG002 - as `provisioning.policy.Policy` has it
        """Return the text of the policy."""
        return "".join(self._blocks())

    def _blocks(self) -> Iterator[str]:
        yield "# What `keyhole enforce` may see with its own token: policies and roles of namespaces, and no secret.\n"
        yield f"\n# {_REASON}\n"
        yield rule(f"sys/policies/acl/{self.policies}", "read")
        yield rule(f"auth/{self.mount}/role/{self.roles}", "read")
        if self.may_revoke_itself:
            yield f"\n# {_REVOKE_REASON}\n{rule('auth/token/revoke-self', 'update')}"
