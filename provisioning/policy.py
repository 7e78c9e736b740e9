"""The Vault policy of a tenant, in HCL.

Source: Vault, *Policies* (https://developer.hashicorp.com/vault/docs/concepts/policies).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from provisioning.policy_paths import NAMESPACE
from resolver.vault.mounts import V2, KvLocation
from resolver.vault.policy_rule import rule

ACCESSOR = "ACCESSOR"
"""Stands for the accessor of the authentication mount where it is not known."""

# The key in an entity alias's metadata with the namespace: the kubernetes method sets it, jwt by the role's mapping.
NAMESPACE_METADATA = "service_account_namespace"

REVOKE_SELF = "auth/token/revoke-self"
"""Where a token gives itself back."""
_KV2_REASON = "KV version 2: data/ has the values, metadata/ the versions, by which a rotation is noticed."
_KV1_REASON = "KV version 1."
_REVOKE_REASON = "For Keyhole to revoke its token when it is done: without the default policy nobody else allows it."


@dataclass(frozen=True, slots=True)
class Policy:
    """What a token may do. `purpose` is a line for reviewers. Paths are literal, or checked templates."""

    name: str
    purpose: str
    locations: Sequence[KvLocation]
    may_revoke_itself: bool

    @property
    def is_templated(self) -> bool:
        """Whether the policy names the namespace by a template, which needs the mount's accessor."""
        return any(NAMESPACE in location.path.split("/") for location in self.locations)

    def hcl(self, accessor: str = ACCESSOR) -> str:
        """Return the text of the policy. The order of the locations does not matter."""
        return f"# {self.purpose}\n" + "".join(self._blocks(accessor))

    def _blocks(self, accessor: str) -> Iterator[str]:
        ordered = sorted(set(self.locations), key=lambda location: (location.mount.path, location.path))
        newer = [location for location in ordered if location.mount.version == V2]
        older = [location for location in ordered if location.mount.version != V2]
        for reason, locations in ((_KV2_REASON, newer), (_KV1_REASON, older)):
            if locations:
                yield f"\n# {reason}\n"
                for location in locations:
                    yield from (rule(_filled(path, accessor), "read") for path in readable(location))
        if self.may_revoke_itself:
            yield f"\n# {_REVOKE_REASON}\n{rule(REVOKE_SELF, 'update')}"


def readable(location: KvLocation) -> Sequence[str]:
    """Return the paths of Vault's API that a namespace has to read for a secret, and for its versions."""
    if location.mount.version == V2:
        return [location.policy_path, f"{location.mount.path}/metadata/{location.path}"]
    return [location.policy_path]


def _filled(path: str, accessor: str) -> str:
    template = f"{{{{identity.entity.aliases.{accessor}.metadata.{NAMESPACE_METADATA}}}}}"
    return "/".join(template if segment == NAMESPACE else segment for segment in path.split("/"))
