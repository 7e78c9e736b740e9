"""GitLab: protected branches, and what merge requests have to have.

Sources: GitLab's REST API, *Protected branches*, *Merge request approvals* and *Projects*; its documentation of
protection rules: of several rules that a branch matches, the most permissive counts for pushes, and the strictest for
the approval of code owners. Approval rules and code owners are of the Premium tier.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from enforcer.collecting.forge.combining import any_of, at_least, everybody, not_so
from enforcer.collecting.forge.documents import asked, list_of, listed, member
from enforcer.collecting.forge.http import ForgeHttp
from enforcer.collecting.sources import Forge
from enforcer.facts.base import NotKnown
from enforcer.facts.forge import ForgeFacts

ADDRESS: Final = "https://gitlab.com/api/v4"
_NO_ONE: Final = 0
_PUBLIC: Final = "public"
_PREMIUM: Final = "GitLab does not say it, as it does without Premium"
# Of people; the others are of what a pipeline finds, and of owners of single files.
_OF_PEOPLE: Final = frozenset({"any_approver", "regular"})
_AUTHORS: Final = "authors of merge requests, who may change its approval rules"
_List: TypeAlias = Sequence[Mapping[str, Any]] | NotKnown
_Map: TypeAlias = Mapping[str, Any] | NotKnown


def token_header(token: str) -> Mapping[str, str]:
    """Return the header that shows the token."""
    return {"PRIVATE-TOKEN": token}


def facts(http: ForgeHttp, forge: Forge) -> ForgeFacts | NotKnown:
    """Ask for the protection of a branch. Never raises for what the forge does; raises `Stopped`."""
    path = f"/projects/{quote(forge.repository, safe='')}"
    project = asked(http, path, f"project {forge.repository}")
    if isinstance(project, NotKnown):
        return project
    branches: _List = listed(http, f"{path}/protected_branches", "the protected branches")
    rules: _List = listed(http, f"{path}/approval_rules", "the approval rules (Premium)")
    settings: _Map = asked(http, f"{path}/approvals", "the approval settings (Premium)")
    protected = branches if isinstance(branches, NotKnown) else [one for one in branches if _matches(one, forge.branch)]
    visibility = member(project, "visibility", str)
    invisible = NotKnown(not_known="the forge does not say who may see it")
    approvals, seen = at_least(_approvals(rules, protected))
    is_protected = protected if isinstance(protected, NotKnown) else bool(protected)
    bypass, unseen = everybody([_pushers(protected), _overriding(settings)])
    return ForgeFacts(
        forge="gitlab",
        repository=forge.repository,
        branch=forge.branch,
        public=invisible if visibility is None else visibility == _PUBLIC,
        # From everybody but those who may push.
        pull_request=is_protected,
        approvals=approvals,
        approvals_seen=seen,
        code_owners=_code_owners(protected),
        stale_dismissed=_setting(settings, "reset_approvals_on_push"),
        self_approval=_setting(settings, "merge_requests_author_approval"),
        force_push=_force_push(protected),
        # A protected branch is deleted by no push, and by maintainers only on the page and by the API.
        deletion=not_so(is_protected),
        bypass=bypass,
        bypass_unseen=unseen,
    )


def _matches(protected: Mapping[str, Any], branch: str) -> bool:
    name = member(protected, "name", str) or ""
    return re.fullmatch(re.sub(r"(?:\\\*)+", ".*", re.escape(name)), branch, re.DOTALL) is not None


def _pushers(protected: _List) -> tuple[str, ...] | NotKnown:
    """Return who may push to the branch without a merge request."""
    if isinstance(protected, NotKnown):
        return protected
    return tuple(
        member(one, "access_level_description", str) or "somebody"
        for each in protected
        for one in list_of(each, "push_access_levels")
        if one.get("access_level") != _NO_ONE or any(one.get(f"{who}_id") for who in ("user", "group", "deploy_key"))
    )


def _overriding(settings: _Map) -> tuple[str, ...] | NotKnown:
    is_fixed = _setting(settings, "disable_overriding_approvers_per_merge_request")
    return is_fixed if isinstance(is_fixed, NotKnown) else () if is_fixed else (_AUTHORS,)


def _force_push(protected: _List) -> bool | NotKnown:
    if isinstance(protected, NotKnown):
        return protected
    return not protected or any(one.get("allow_force_push") is not False for one in protected)


def _code_owners(protected: _List) -> bool | NotKnown:
    if isinstance(protected, NotKnown) or not protected:
        return protected if isinstance(protected, NotKnown) else False
    found = [member(one, "code_owner_approval_required", bool) for one in protected]
    return any_of(NotKnown(not_known=_PREMIUM) if one is None else one for one in found)


def _setting(settings: _Map, name: str) -> bool | NotKnown:
    if isinstance(settings, NotKnown):
        return settings
    found = member(settings, name, bool)
    return NotKnown(not_known=_PREMIUM) if found is None else found


def _approvals(rules: _List, protected: _List) -> Iterator[int | NotKnown]:
    """Yield how many people each rule wants that holds for the branch."""
    if isinstance(rules, NotKnown):
        yield rules
        return
    for rule in rules:
        holds = _holds(rule, protected)
        if rule.get("rule_type") in _OF_PEOPLE and holds is not False:
            count = member(rule, "approvals_required", int) or 0
            yield holds if isinstance(holds, NotKnown) and count else count


def _holds(rule: Mapping[str, Any], protected: _List) -> bool | NotKnown:
    """Return whether a rule holds for the branch: for all, for all protected ones, or for those that it names."""
    named = {member(one, "name", str) for one in list_of(rule, "protected_branches")}
    for_protected = rule.get("applies_to_all_protected_branches") is True
    if not named and not for_protected:
        return True
    if isinstance(protected, NotKnown):
        return protected
    return any(for_protected or member(one, "name", str) in named for one in protected)
