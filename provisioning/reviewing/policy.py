"""The policy of a review: which paths of Vault's API tell names, versions and policies.

Source: Vault's HTTP API for the KV v2 engine. Its branches have rights of their own; `data/` alone has the values.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from resolver.vault.policy_rule import rule

_NAMES_REASON = "subkeys/ has the names of fields, metadata/ the versions. data/, which has the values, is not here."
_POLICIES_REASON = "What namespaces may read, to be compared with what their manifests refer to."
_REVOKE_REASON = "To give the token back at the end."


@dataclass(frozen=True, slots=True)
class ReviewPolicy:
    """What a review's token may do: read on the branches without values of some KV v2 mounts, and on some policies.

    `policies` are names, the last letter of which may be `*`.
    """

    name: str
    mounts: Sequence[str]
    policies: Sequence[str]
    may_revoke_itself: bool

    @property
    def is_templated(self) -> bool:
        """Whether it depends on who logs in, which it never does."""
        return False

    def hcl(self, accessor: str = "") -> str:  # noqa: ARG002 - as `provisioning.policy.Policy` has it
        """Return the text of the policy."""
        return "".join(self._blocks())

    def _blocks(self) -> Iterator[str]:
        yield "# What `keyhole lint --vault` may see in CI: names and versions, and no value.\n"
        yield f"\n# {_NAMES_REASON}\n"
        for mount in sorted(set(self.mounts)):
            yield from (rule(f"{mount}/{branch}/*", "read") for branch in ("subkeys", "metadata"))
        yield f"\n# {_POLICIES_REASON}\n"
        yield from (rule(f"sys/policies/acl/{name}", "read") for name in sorted(set(self.policies)))
        if self.may_revoke_itself:
            yield f"\n# {_REVOKE_REASON}\n{rule('auth/token/revoke-self', 'update')}"
