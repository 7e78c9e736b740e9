"""What Vault needs so that a repository's CI may review its manifests: a policy, a role, and the mount of the role."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from provisioning.commands import vault_options
from provisioning.errors import NothingToReview, PathRefused, RoleRefused
from provisioning.policy_paths import for_any_namespace
from provisioning.reviewing.ci import AUDIENCE, ISSUERS, Issuer, Provider, bound
from provisioning.reviewing.policy import ReviewPolicy
from provisioning.target import Target
from provisioning.vault_role import Parameter, TokenType, VaultRole, policy_name
from provisioning.vault_setup import Program, VaultSetup
from resolver.vault.mounts import V2
from resolver.vault.policy_rule import why_not_literal

NAME: Final = "keyhole_review"
"""The role and its policy. No namespace has an underscore in its name, so none has this policy."""
# A review takes seconds; a queue before Vault may take longer.
_TOKEN_SECONDS: Final = 300
_MOUNT: Final = re.compile(r"[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*")


def for_review(
    target: Target,
    mounts: Mapping[str, int],
    provider: Provider,
    repository: str,
    *,
    auth_mount: str | None,
    token_type: TokenType,
    program: Program,
) -> VaultSetup:
    """Return the policy and the role for the jobs of a repository.

    `mounts` are the key/value mounts with their versions, of which those of version 1 have nothing to show. Raises
    `NothingToReview` if there is no other, `PathRefused` for one that no policy can name, or `RoleRefused`.
    """
    newer = [mount for mount, version in mounts.items() if version == V2]
    if not newer:
        raise NothingToReview
    for mount in newer:
        if reason := why_not_literal(mount):
            raise PathRefused(mount, reason)
    policies = for_any_namespace(policy_name(target.auth.role))
    policy = ReviewPolicy(NAME, newer, [policies], may_revoke_itself=token_type == "service")  # noqa: S105
    claims = bound(provider, repository)
    parameters: dict[str, Parameter] = {
        "role_type": "jwt",
        "user_claim": ISSUERS[provider].claim,
        "bound_audiences": [AUDIENCE],
        "bound_claims": claims,
        "token_policies": [NAME],
        "token_no_default_policy": True,
        "token_ttl": _TOKEN_SECONDS,
        "token_max_ttl": _TOKEN_SECONDS,
        "token_type": token_type,
    }
    mount = auth_mount or provider
    if not _MOUNT.fullmatch(mount):
        raise RoleRefused(f"{mount!r} is not the path of an authentication mount")
    setup = VaultSetup(policy, VaultRole("jwt", mount, NAME, parameters), target, program=program)
    return replace(setup, notes=_notes(setup, ISSUERS[provider]))


def _notes(setup: VaultSetup, issuer: Issuer) -> tuple[str, ...]:
    """Return what has to be there before, in the words of the program."""
    mount, options = setup.role.mount, vault_options(setup)
    trust = f"oidc_discovery_url={issuer.url} bound_issuer={issuer.url}"
    return (
        f"auth/{mount} has to trust {issuer.name}, and nobody else. If it is not there yet{issuer.hint}:",
        f"  {setup.program} auth enable{options} -path={mount} jwt",
        f"  {setup.program} write{options} auth/{mount}/config {trust}",
    )
