"""review: rules of the branch, and owners of files with references."""

from typing import Any

import pytest

from enforcer.facts.base import NotKnown
from enforcer.facts.forge import ForgeFacts, OwnerError
from enforcer.facts.git import CodeOwners, GitFacts, InFile, NotRead, OwnedFile
from enforcer.facts.inventory import Inventory
from enforcer.judging.answers import Held, NotChecked
from enforcer.judging.review import STANDARD
from review.findings.finding import Finding
from tests.enforcer.judging.clusters import answers, inventory, told

GUARDED: dict[str, Any] = {
    "forge": "github",
    "repository": "acme/deploy",
    "branch": "main",
    "public": False,
    "pull_request": True,
    "approvals": 1,
    "approvals_seen": 1,
    "code_owners": True,
    "stale_dismissed": True,
    "self_approval": False,
    "force_push": False,
    "deletion": False,
    "bypass": (),
}
OWNED = CodeOwners(file="CODEOWNERS", files=(OwnedFile(file="app.yaml", owned=True),))
UNKNOWN = NotKnown(not_known="no right")


def of(owners: Any = OWNED, **rules: Any) -> Inventory:
    forge = ForgeFacts(**{**GUARDED, **rules})
    return inventory().model_copy(update={"forge": forge, "git": GitFacts(objects=(), owners=owners)})


def findings(of_all: Inventory, **parameters: Any) -> list[str]:
    return [one.message for one in answers(STANDARD, of_all, **parameters) if isinstance(one, Finding)]


def test_a_branch_that_is_guarded_is_held() -> None:
    assert all(isinstance(one, Held) for one in answers(STANDARD, of()))
    assert len(answers(STANDARD, of())) == 10


def test_whom_the_standard_lets_by_says_nothing_of_those_whom_nobody_could_see() -> None:
    seen = of(bypass=("app release-bot",), bypass_unseen="the token may not see ruleset 2")
    found = answers(STANDARD, seen, may_bypass=("app release-*",))
    (unchecked,) = [one for one in found if isinstance(one, NotChecked)]
    assert unchecked.reason == "bypass: the token may not see ruleset 2"
    assert findings(seen) == ["branch main has rules that some need not keep to: app release-bot"]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"pull_request": False}, "branch main can be changed without a pull request"),
        (
            {"approvals": 0, "approvals_seen": 0},
            "branch main can be changed with 0 approvals, and the standard demands 1",
        ),
        ({"self_approval": True}, "branch main takes the author's own approval"),
        ({"code_owners": False}, "branch main can be changed without the approval of a code owner"),
        ({"stale_dismissed": False}, "branch main keeps the approvals of a change when more is pushed to it"),
        ({"force_push": True}, "branch main can be overwritten by a force push"),
        ({"deletion": True}, "branch main can be deleted"),
        ({"bypass": ("team ops",)}, "branch main has rules that some need not keep to: team ops"),
        ({"public": True}, "branch main is of a repository that everybody can read"),
    ],
)
def test_each_rule_that_is_missing_is_one_finding(rule: dict[str, Any], words: str) -> None:
    assert findings(of(**rule)) == [words]
    unknown = dict.fromkeys(rule, UNKNOWN) | ({"approvals_seen": 0} if "approvals" in rule else {})
    not_checked = [one for one in answers(STANDARD, of(**unknown)) if isinstance(one, NotChecked)]
    assert [one.reason.rpartition(": ")[2] for one in not_checked] == ["no right"]


def test_what_is_demanded_can_be_set() -> None:
    loose = of(
        None, approvals=0, approvals_seen=0, self_approval=True, code_owners=False, stale_dismissed=False, public=True
    )
    none = {"approvals": 0, "code_owners": False, "stale_dismissed": False, "private": False}
    assert findings(loose, **none) == []
    assert findings(of(), approvals=2) == ["branch main can be changed with 1 approval, and the standard demands 2"]
    assert findings(of(bypass=("app release-bot", "team ops")), may_bypass=("app release-*",)) == [
        "branch main has rules that some need not keep to: team ops"
    ]


def test_approvals_that_are_seen_are_enough_whatever_else_there_is() -> None:
    assert all(isinstance(one, Held) for one in answers(STANDARD, of(approvals=UNKNOWN, approvals_seen=1)))


def test_files_without_owners_are_found_where_they_are() -> None:
    owners = CodeOwners(file="CODEOWNERS", malformed=(3,), files=(OwnedFile(file="pay.yaml", owned=False),))
    malformed, unowned = [one for one in answers(STANDARD, of(owners)) if isinstance(one, Finding)]
    assert (str(malformed.place), str(unowned.place)) == ("CODEOWNERS:3:1", "pay.yaml:1:1")
    assert str(unowned.object) == "File pay.yaml"


def test_owners_whom_the_forge_does_not_know_are_found() -> None:
    unknown = (OwnerError(line=7, kind="Unknown owner"),)
    assert findings(of(owner_errors=unknown)) == ["line 7 of CODEOWNERS cannot be used, says the forge: Unknown owner"]
    assert findings(of(owner_errors=unknown), code_owners=False) == []
    assert "not checked Repository acme/deploy: owners: no right" in told(STANDARD, of(owner_errors=UNKNOWN))


def test_without_a_file_of_owners_nobody_is_asked() -> None:
    assert findings(of(None)) == ["the work tree has no CODEOWNERS, so nobody in particular is asked about references"]


def test_what_was_not_read_has_no_owner_that_is_known() -> None:
    not_read = NotRead(place=InFile(file="chart.yaml"), reason="a template")
    owners = CodeOwners(file="CODEOWNERS", not_read=(not_read,))
    assert "not checked Git CODEOWNERS: chart.yaml:1: a template" in told(STANDARD, of(owners))
    assert "not checked Git CODEOWNERS: no right" in told(STANDARD, of(UNKNOWN))


def test_names_of_the_forge_are_shown_without_what_nobody_sees() -> None:
    (message,) = findings(of(bypass=("team \x1b[2J\u202eops",)))
    assert message.isprintable()
