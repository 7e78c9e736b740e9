"""What CI is given for a review: names and versions, of some mounts, for the jobs of one repository."""

from collections.abc import Mapping

import pytest

from provisioning.errors import EnforcerError, NothingToReview, PathRefused, RoleRefused, TenantRefused
from provisioning.reviewing.ci import Provider
from provisioning.reviewing.setup import NAME, for_review
from provisioning.target import Target, assumed
from provisioning.tenant import account, tenant
from provisioning.vault_role import TokenType, policy_name
from provisioning.vault_setup import VaultSetup
from resolver.connections.model import Authentication
from review.policies.policy import Policy
from review.policies.reading import policy
from review.sources.text import Text

MOUNTS = {"secret": 2, "legacy": 1, "a/b": 2}


def setup(
    mounts: Mapping[str, int] = MOUNTS,
    repository: str = "acme/deploy",
    *,
    ci: Provider = "github",
    target: Target | None = None,
    mount: str | None = None,
    token_type: TokenType = "service",
) -> VaultSetup:
    known = target or assumed(shared=False)
    return for_review(known, mounts, ci, repository, auth_mount=mount, token_type=token_type, program="vault")


def granted(found: VaultSetup) -> Policy:
    return policy(Text("policy", found.policy_text), NAME)


@pytest.mark.parametrize("mount", ["secret", "a/b"])
def test_names_and_versions_can_be_read_and_nothing_else(mount: str) -> None:
    found = granted(setup())
    assert found.allows(f"{mount}/subkeys/shop/app", "read")
    assert found.allows(f"{mount}/metadata/shop/app", "read")
    for capability in ("list", "update", "delete", "create", "patch"):
        assert not found.allows(f"{mount}/metadata/shop/app", capability)
    for branch in ("data", "delete", "undelete", "destroy", "config"):
        assert not found.allows(f"{mount}/{branch}/shop/app", "read")
    assert not found.allows("legacy/app", "read")
    assert not found.allows("sys/policies/acl/default", "read")


def test_the_policies_are_those_of_namespaces_as_the_connection_names_them() -> None:
    assert granted(setup()).allows("sys/policies/acl/keyhole-shop", "read")
    other = Target(Authentication(method="jwt", role="{namespace}"))
    assert granted(setup(target=other)).allows("sys/policies/acl/keyhole-shop", "read")
    behind = Target(Authentication(method="jwt", role="{namespace}-app"))
    assert granted(setup(target=behind)).allows("sys/policies/acl/keyhole-shop-app", "read")
    shared = granted(setup(target=assumed(shared=True)))
    assert shared.allows("sys/policies/acl/keyhole", "read")
    assert not shared.allows("sys/policies/acl/keyhole-shop", "read")


def test_no_namespace_has_the_policy_of_ci() -> None:
    with pytest.raises(TenantRefused):
        tenant("_review", account("keyhole/a"), account("keyhole/b"))
    assert {policy_name("review"), policy_name("keyhole-review")} == {"keyhole-review"}
    assert NAME == "keyhole_review"
    assert not granted(setup()).allows(f"sys/policies/acl/{NAME}", "read")


def test_a_batch_token_cannot_be_given_back() -> None:
    assert granted(setup()).allows("auth/token/revoke-self", "update")
    assert not granted(setup(token_type="batch")).allows("auth/token/revoke-self", "update")


@pytest.mark.parametrize(("ci", "claim"), [("github", "repository"), ("gitlab", "project_path")])
def test_the_role_is_for_the_jobs_of_one_repository_and_for_one_audience(ci: Provider, claim: str) -> None:
    found = setup(ci=ci).role
    assert found.path == f"auth/{ci}/role/{NAME}"
    claims = found.parameters["bound_claims"]
    assert isinstance(claims, dict)
    assert claims[claim] == "acme/deploy"
    # Jobs for strangers' pull requests run with the repository's identity.
    assert "pull_request_target" not in claims.get("event_name", ())
    assert ("event_name" in claims) is (ci == "github")
    assert found.parameters["bound_audiences"] == ["keyhole-review"]
    assert found.parameters["token_no_default_policy"] is True


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"mounts": {}}, NothingToReview),
        ({"mounts": {"legacy": 1}}, NothingToReview),
        ({"mounts": {"a*": 2}}, PathRefused),
        ({"mounts": {"+": 2}}, PathRefused),
        ({"repository": "acme/*"}, RoleRefused),
        ({"repository": "acme"}, RoleRefused),
        ({"repository": "acme/a/b"}, RoleRefused),
        ({"repository": "acme/deploy\n"}, RoleRefused),
        ({"repository": "/deploy"}, RoleRefused),
        ({"mount": "a b"}, RoleRefused),
        ({"mount": "../sys"}, RoleRefused),
        ({"mount": "a/"}, RoleRefused),
    ],
)
def test_what_would_open_more_or_nothing_is_refused(given: dict[str, object], error: type[EnforcerError]) -> None:
    with pytest.raises(error):
        setup(**given)  # type: ignore[arg-type]
