"""GitHub's rules of a branch, as its API sends them."""

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from enforcer.collecting.forge.collect import collect
from enforcer.collecting.inventory import nothing_yet
from enforcer.collecting.run import Run
from enforcer.collecting.sources import Forge, Sources
from enforcer.facts.base import NotKnown
from enforcer.facts.forge import ForgeFacts, OwnerError
from resolver.deadline import Deadline
from resolver.references.value import SecretValue
from tests.enforcer.collecting.forge.server import TOKEN, Reply, Served, serving
from tests.enforcer.times import NOW

REPOSITORY = "/repos/acme/deploy"
RULES = f"{REPOSITORY}/rules/branches/main"
PROTECTION = f"{REPOSITORY}/branches/main/protection"
NOT_PROTECTED = Reply({"message": "Branch not protected", "status": "404"}, 404)
PULL_REQUEST = {
    "type": "pull_request",
    "ruleset_source_type": "Repository",
    "ruleset_source": "acme/deploy",
    "ruleset_id": 42,
    "parameters": {
        "required_approving_review_count": 2,
        "dismiss_stale_reviews_on_push": True,
        "require_code_owner_review": True,
        "require_last_push_approval": False,
        "required_review_thread_resolution": False,
    },
}
RULESET = {"id": 42, "name": "main", "enforcement": "active", "bypass_actors": []}
CLASSIC: dict[str, Any] = {
    "required_pull_request_reviews": {
        "required_approving_review_count": 1,
        "dismiss_stale_reviews": False,
        "require_code_owner_reviews": True,
        "bypass_pull_request_allowances": {"users": [{"login": "ann"}], "teams": [{"slug": "ops"}], "apps": []},
    },
    "enforce_admins": {"enabled": False},
    "allow_force_pushes": {"enabled": True},
    "allow_deletions": {"enabled": False},
}
GUARDED: Mapping[str, Any] = {
    REPOSITORY: {"private": True, "visibility": "private", "default_branch": "main"},
    RULES: [PULL_REQUEST, {"type": "non_fast_forward", "ruleset_id": 42}, {"type": "deletion", "ruleset_id": 42}],
    PROTECTION: NOT_PROTECTED,
    f"{REPOSITORY}/rulesets/42": RULESET,
    f"{REPOSITORY}/codeowners/errors": {"errors": []},
}


def asked(replies: Mapping[str, Any], repository: str = "acme/deploy") -> tuple[ForgeFacts | NotKnown, Served]:
    with serving(replies) as served:
        forge = Forge("github", repository, "main", SecretValue(TOKEN), served.address)
        facts = collect(Sources(forge=forge), Run(Deadline.after(60)), nothing_yet("0", NOW))
    assert TOKEN not in facts.model_dump_json()
    return facts, served


def facts_of(replies: Mapping[str, Any]) -> ForgeFacts:
    facts, _ = asked(replies)
    assert isinstance(facts, ForgeFacts)
    return facts


def told(fact: Any) -> str:
    assert isinstance(fact, NotKnown)
    return fact.not_known


def test_a_branch_that_rulesets_guard() -> None:
    facts, served = asked(GUARDED)
    assert facts == ForgeFacts(
        forge="github",
        repository="acme/deploy",
        branch="main",
        public=False,
        pull_request=True,
        approvals=2,
        approvals_seen=2,
        code_owners=True,
        stale_dismissed=True,
        self_approval=False,
        force_push=False,
        deletion=False,
        bypass=(),
        owner_errors=(),
    )
    assert served.paths == [
        REPOSITORY,
        f"{RULES}?per_page=100&page=1",
        PROTECTION,
        f"{REPOSITORY}/rulesets/42?includes_parents=true",
        f"{REPOSITORY}/codeowners/errors?ref=main",
    ]
    for _, headers in served.requests:
        assert headers["authorization"] == f"Bearer {TOKEN}"
        assert headers["x-github-api-version"] == "2022-11-28"


def test_a_branch_that_nothing_guards() -> None:
    facts = facts_of({**GUARDED, RULES: [], REPOSITORY: {"private": False}})
    assert (facts.public, facts.pull_request, facts.approvals, facts.code_owners) == (True, False, 0, False)
    assert (facts.force_push, facts.deletion, facts.bypass) == (True, True, ())


def test_the_older_protection_counts_too_and_the_stricter_of_the_two() -> None:
    alone = facts_of({**GUARDED, RULES: [], PROTECTION: CLASSIC})
    assert (alone.pull_request, alone.approvals, alone.code_owners, alone.stale_dismissed) == (True, 1, True, False)
    assert (alone.force_push, alone.deletion) == (True, False)
    assert alone.bypass == ("administrators of the repository", "team ops", "user ann")
    both = facts_of({**GUARDED, PROTECTION: CLASSIC})
    assert (both.approvals, both.stale_dismissed, both.force_push) == (2, True, False)
    without_reviews = facts_of({**GUARDED, RULES: [], PROTECTION: {"enforce_admins": {"enabled": True}}})
    assert (without_reviews.pull_request, without_reviews.force_push, without_reviews.bypass) == (False, False, ())


def test_with_metadata_alone_what_rulesets_demand_is_known_and_who_bypasses_them_is_not() -> None:
    seen = {key: value for key, value in RULESET.items() if key != "bypass_actors"}
    refused = Reply({"message": "Resource not accessible by personal access token"}, 403)
    facts = facts_of({**GUARDED, PROTECTION: refused, f"{REPOSITORY}/rulesets/42": seen})
    assert (facts.pull_request, facts.code_owners, facts.force_push, facts.approvals_seen) == (True, True, False, 2)
    assert "Administration: read" in told(facts.approvals)
    assert "who bypasses ruleset 42" in told(facts.bypass)
    nothing = facts_of({**GUARDED, RULES: [], PROTECTION: refused})
    for fact in (nothing.pull_request, nothing.code_owners, nothing.force_push, nothing.deletion, nothing.bypass):
        assert "status 403" in told(fact)


def test_a_404_that_does_not_say_that_the_branch_is_not_protected_proves_nothing() -> None:
    facts = facts_of({**GUARDED, RULES: [], PROTECTION: Reply({"message": "Not Found"}, 404)})
    assert "the token may not see it" in told(facts.pull_request)


def test_those_who_bypass_a_ruleset_are_told() -> None:
    actors = [
        {"actor_id": 5, "actor_type": "RepositoryRole", "bypass_mode": "always"},
        {"actor_id": None, "actor_type": "DeployKey", "bypass_mode": "always"},
        {"actor_type": 3},
    ]
    facts = facts_of({**GUARDED, f"{REPOSITORY}/rulesets/42": {**RULESET, "bypass_actors": actors}})
    assert facts.bypass == ("DeployKey", "RepositoryRole 5", "somebody")


def test_what_github_says_of_owners_is_told_without_their_line() -> None:
    path = f"{REPOSITORY}/codeowners/errors"
    wrong = {"line": 7, "kind": "Unknown owner", "source": TOKEN, "message": TOKEN, "path": "CODEOWNERS"}
    assert facts_of({**GUARDED, path: {"errors": [wrong]}}).owner_errors == (OwnerError(line=7, kind="Unknown owner"),)
    assert "Contents: read" in told(facts_of({**GUARDED, path: Reply({}, 403)}).owner_errors)
    answers: list[Any] = [[], {"errors": None}, Reply(body=b"x")]
    for garbage in answers:
        assert isinstance(facts_of({**GUARDED, path: garbage}).owner_errors, NotKnown)


def test_rules_come_in_pages() -> None:
    first = [{"type": "creation", "ruleset_id": 1}] * 100
    facts, served = asked({**GUARDED, RULES: iter([first, GUARDED[RULES]])})
    assert isinstance(facts, ForgeFacts)
    assert facts.approvals == 2
    assert f"{RULES}?per_page=100&page=2" in served.paths


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "the token is not accepted"), (403, "lacks the right"), (404, "may not see it"), (418, "status 418")],
)
def test_without_the_repository_nothing_is_known(status: int, words: str) -> None:
    facts, _ = asked({REPOSITORY: Reply({"message": TOKEN}, status)})
    assert words in told(facts)


@pytest.mark.parametrize(
    "garbage",
    [
        Reply(body=b"<html>canary-token-of-the-forge"),
        Reply(body=b"[" * 100_000),
        [1, None, "x"],
        {"a": 1},
        None,
        [{"type": "pull_request", "parameters": None, "ruleset_id": "x"}],
        [{"type": "pull_request", "parameters": {"required_approving_review_count": True}, "ruleset_id": 10**30}],
    ],
)
def test_garbage_is_never_taken_for_a_rule(garbage: Any) -> None:
    facts, _ = asked({**GUARDED, RULES: garbage, PROTECTION: garbage})
    assert isinstance(facts, ForgeFacts)
    assert facts.approvals_seen == 0
    assert facts.bypass != ()
    assert isinstance(asked({REPOSITORY: garbage})[0], ForgeFacts | NotKnown)


def test_another_name_is_never_a_path(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for repository in ("acme", "acme/deploy/x", "../orgs", "acme/..", "acme/de ploy"):
        facts, served = asked({}, repository)
        assert "OWNER/NAME" in told(facts)
        assert served.requests == []
    assert TOKEN not in caplog.text
