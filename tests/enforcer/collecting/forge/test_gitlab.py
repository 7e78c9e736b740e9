"""GitLab's protection of a branch, as its API sends it."""

from collections.abc import Mapping
from typing import Any

import pytest

from enforcer.collecting.forge.collect import collect
from enforcer.collecting.inventory import nothing_yet
from enforcer.collecting.run import Run
from enforcer.collecting.sources import Forge, Sources
from enforcer.facts.base import NotKnown
from enforcer.facts.forge import ForgeFacts
from resolver.deadline import Deadline
from resolver.references.value import SecretValue
from tests.enforcer.collecting.forge.server import TOKEN, Reply, serving
from tests.enforcer.times import NOW

PROJECT = "/projects/acme%2Fdeploy"
BRANCHES, RULES, SETTINGS = (f"{PROJECT}/{name}" for name in ("protected_branches", "approval_rules", "approvals"))
NO_ONE = {"id": 1, "access_level": 0, "access_level_description": "No one"}
MAINTAINERS = {"id": 2, "access_level": 40, "access_level_description": "Maintainers"}
DEPLOY_KEY = {"access_level": 0, "access_level_description": "Deploy key", "deploy_key_id": 1}
MAIN: Mapping[str, Any] = {
    "id": 7,
    "name": "main",
    "push_access_levels": [NO_ONE],
    "merge_access_levels": [MAINTAINERS],
    "allow_force_push": False,
    "code_owner_approval_required": True,
}
ANY = {"rule_type": "any_approver", "approvals_required": 2, "protected_branches": []}
GUARDED: Mapping[str, Any] = {
    PROJECT: {"visibility": "private"},
    BRANCHES: [MAIN],
    RULES: [ANY],
    SETTINGS: {
        "reset_approvals_on_push": True,
        "merge_requests_author_approval": False,
        "disable_overriding_approvers_per_merge_request": True,
    },
}


def asked(replies: Mapping[str, Any]) -> ForgeFacts | NotKnown:
    with serving(replies) as served:
        forge = Forge("gitlab", "acme/deploy", "main", SecretValue(TOKEN), served.address)
        facts = collect(Sources(forge=forge), Run(Deadline.after(60)), nothing_yet("0", NOW))
    assert all(headers["private-token"] == TOKEN for _, headers in served.requests)
    return facts


def facts_of(replies: Mapping[str, Any]) -> ForgeFacts:
    facts = asked(replies)
    assert isinstance(facts, ForgeFacts)
    return facts


def with_branches(*branches: Mapping[str, Any]) -> ForgeFacts:
    return facts_of({**GUARDED, BRANCHES: branches})


def told(fact: Any) -> str:
    assert isinstance(fact, NotKnown)
    return fact.not_known


def test_a_branch_that_is_guarded() -> None:
    assert facts_of(GUARDED) == ForgeFacts(
        forge="gitlab",
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
    )


def test_a_branch_that_is_not_protected() -> None:
    facts = with_branches({**MAIN, "name": "release-*"}, {**MAIN, "name": "Main"})
    assert (facts.pull_request, facts.force_push, facts.deletion, facts.code_owners) == (False, True, True, False)


def test_of_several_rules_the_most_permissive_counts_but_for_code_owners() -> None:
    loose = {**MAIN, "name": "m*n", "push_access_levels": [MAINTAINERS], "allow_force_push": True}
    facts = with_branches(MAIN, {**loose, "code_owner_approval_required": False})
    assert (facts.pull_request, facts.force_push, facts.code_owners, facts.bypass) == (
        True,
        True,
        True,
        ("Maintainers",),
    )


@pytest.mark.parametrize(("levels", "expected"), [([DEPLOY_KEY], ("Deploy key",)), ([{}], ("somebody",)), ([], ())])
def test_who_may_push_bypasses_merge_requests(levels: Any, expected: tuple[str, ...]) -> None:
    assert with_branches({**MAIN, "push_access_levels": levels}).bypass == expected


def test_an_author_who_may_change_the_rules_bypasses_them() -> None:
    settings = {**GUARDED[SETTINGS], "disable_overriding_approvers_per_merge_request": False}
    assert facts_of({**GUARDED, SETTINGS: settings}).bypass == (
        "authors of merge requests, who may change its approval rules",
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"protected_branches": [{"name": "main"}]}, 3),
        ({"protected_branches": [{"name": "other"}]}, 0),
        ({"protected_branches": [{"name": "other"}], "applies_to_all_protected_branches": True}, 3),
        ({"rule_type": "code_owner"}, 0),
        ({"approvals_required": "3"}, 0),
    ],
)
def test_approvals_are_those_of_rules_that_hold_for_the_branch(rule: Mapping[str, Any], expected: int) -> None:
    regular = {"rule_type": "regular", "approvals_required": 3, "protected_branches": [], **rule}
    assert facts_of({**GUARDED, RULES: [regular]}).approvals == expected


def test_without_premium_what_only_premium_has_is_not_known() -> None:
    free = {key: value for key, value in MAIN.items() if key != "code_owner_approval_required"}
    facts = facts_of({PROJECT: GUARDED[PROJECT], BRANCHES: [free]})
    for fact in (facts.code_owners, facts.approvals, facts.stale_dismissed, facts.self_approval, facts.bypass):
        assert "Premium" in told(fact)
    assert (facts.pull_request, facts.force_push) == (True, False)


def test_without_the_right_to_see_protected_branches_nothing_is_concluded() -> None:
    facts = facts_of({**GUARDED, BRANCHES: Reply({"message": "403 Forbidden"}, 403)})
    for fact in (facts.pull_request, facts.code_owners, facts.force_push, facts.deletion, facts.bypass):
        assert "status 403" in told(fact)
    assert facts.approvals == 2  # a rule for all branches


@pytest.mark.parametrize("status", [401, 403, 404, 400])
def test_without_the_project_nothing_is_known(status: int) -> None:
    assert f"status {status}" in told(asked({PROJECT: Reply(status=status)}))


@pytest.mark.parametrize("garbage", [[1], {"a": 1}, None, [{"name": 3}], Reply(body=b"\xff")])
def test_garbage_is_never_taken_for_a_rule(garbage: Any) -> None:
    facts = facts_of({PROJECT: {"visibility": 3}, BRANCHES: garbage, RULES: garbage, SETTINGS: garbage})
    assert facts.pull_request is not True
    assert facts.approvals_seen == 0
    assert isinstance(facts.public, NotKnown)
