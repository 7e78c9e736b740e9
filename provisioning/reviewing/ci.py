"""Whose jobs may log in for a review: GitHub Actions and GitLab CI, by the JWTs that they issue.

Sources: GitHub, *OpenID Connect reference*; GitLab, *OpenID Connect (OIDC) Authentication Using ID Tokens*; Vault's
HTTP API for the `jwt` authentication method.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from provisioning.errors import RoleRefused

Claims: TypeAlias = Mapping[str, str | list[str]]
"""Names of claims, and the value or the values that Vault accepts."""
Provider: TypeAlias = Literal["github", "gitlab"]
AUDIENCE: Final = "keyhole-review"
"""The audience of a job's JWT. One that is meant for something else is of no use here, and this one nowhere else."""
# All but `pull_request_target`, which runs with the identity of the repository for a pull request of anybody.
_EVENTS: Final = ("push", "pull_request", "merge_group", "schedule", "workflow_dispatch")
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_.][A-Za-z0-9_.-]*)+")


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CI whose JWTs Vault is to verify. `claim` names the repository of the job."""

    name: str
    url: str
    claim: str
    hint: str = ""


ISSUERS: Final[Mapping[Provider, Issuer]] = {
    "github": Issuer("GitHub", "https://token.actions.githubusercontent.com", "repository"),
    "gitlab": Issuer("GitLab", "https://gitlab.com", "project_path", " (a GitLab of your own has another address)"),
}


def bound(provider: Provider, repository: str) -> Claims:
    """Return the claims that a job of a repository has, and no stranger's. Raises `RoleRefused`."""
    # Without letters that Vault would read as wildcards, were the role changed to bound_claims_type=glob.
    if not _REPOSITORY.fullmatch(repository) or (provider == "github" and repository.count("/") != 1):
        form = "OWNER/NAME" if provider == "github" else "GROUP/PROJECT"
        raise RoleRefused(f"{repository!r} is not {form} of a repository at {ISSUERS[provider].name}")
    claims: dict[str, str | list[str]] = {ISSUERS[provider].claim: repository}
    return {**claims, "event_name": list(_EVENTS)} if provider == "github" else claims
