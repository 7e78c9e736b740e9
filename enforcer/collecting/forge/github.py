"""GitHub: rulesets of the branch, which everybody may see who sees the repository, and its older protection.

Sources: GitHub's REST API (2022-11-28), *Rules* ("Get rules for a branch", "Get a repository ruleset"), *Protected
branches* ("Get branch protection") and *Repositories* ("Get a repository", "List CODEOWNERS errors"). Where both hold,
the stricter counts.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from enforcer.collecting.forge.combining import any_of, at_least, everybody, not_so
from enforcer.collecting.forge.documents import asked, list_of, listed, map_of, member, object_in, refused
from enforcer.collecting.forge.http import ForgeHttp, Unanswered
from enforcer.collecting.sources import Forge
from enforcer.facts.base import NotKnown
from enforcer.facts.forge import ForgeFacts, OwnerError

ADDRESS: Final = "https://api.github.com"
_REPOSITORY: Final = re.compile(r"(?!\.\.?/)[\w.-]+/(?!\.\.?\Z)[\w.-]+", re.ASCII)
# With the same status GitHub says that the token may not see it, in other words.
_NOT_PROTECTED: Final = "Branch not protected"
_PULL_REQUEST: Final = "pull_request"
_REVIEWS: Final = "required_pull_request_reviews"
_MOST_RULESETS: Final = 20
_Rules: TypeAlias = Sequence[Mapping[str, Any]] | NotKnown
_Protection: TypeAlias = Mapping[str, Any] | NotKnown


def token_header(token: str) -> Mapping[str, str]:
    """Return the header that shows the token, and those that say which API is meant."""
    return {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }


def facts(http: ForgeHttp, forge: Forge) -> ForgeFacts | NotKnown:
    """Ask for the rules of a branch. Never raises for what the forge does; raises `Stopped`."""
    if not _REPOSITORY.fullmatch(forge.repository):
        return NotKnown(not_known="the repository is not OWNER/NAME")
    path = f"/repos/{forge.repository}"
    repository = asked(http, path, f"repository {forge.repository}")
    if isinstance(repository, NotKnown):
        return repository
    branch = quote(forge.branch, safe="")
    rules: _Rules = listed(http, f"{path}/rules/branches/{branch}", "the rules of the branch")
    classic = _protection(http, f"{path}/branches/{branch}/protection")
    is_private = member(repository, "private", bool)
    reviews = [*_of_rulesets(rules), *_of_protection(classic)]
    approvals, seen = at_least(_each(reviews, "required_approving_review_count", int, 0))
    bypass, unseen = everybody([*_bypassing_rulesets(http, path, rules), _bypassing_protection(classic)])
    return ForgeFacts(
        forge="github",
        repository=forge.repository,
        branch=forge.branch,
        public=NotKnown(not_known="the forge does not say who may see it") if is_private is None else not is_private,
        pull_request=any_of(one if isinstance(one, NotKnown) else True for one in reviews),
        approvals=approvals,
        approvals_seen=seen,
        code_owners=any_of(_each(reviews, "require_code_owner_review", bool, default=False)),
        stale_dismissed=any_of(_each(reviews, "dismiss_stale_reviews", bool, default=False)),
        # About pull request reviews: "Pull request authors cannot approve their own pull requests."
        self_approval=False,
        force_push=not_so(any_of(_forbidden(rules, classic, "non_fast_forward", "allow_force_pushes"))),
        deletion=not_so(any_of(_forbidden(rules, classic, "deletion", "allow_deletions"))),
        bypass=bypass,
        bypass_unseen=unseen,
        owner_errors=_owner_errors(http, f"{path}/codeowners/errors?ref={branch}"),
    )


def _owner_errors(http: ForgeHttp, path: str) -> tuple[OwnerError, ...] | NotKnown:
    """Return the lines of CODEOWNERS that name, for instance, an owner who does not exist or may not write."""
    what = "errors in CODEOWNERS (the token needs Contents: read)"
    found = asked(http, path, what)
    if isinstance(found, NotKnown):
        return found
    if not isinstance(found.get("errors"), list):
        return NotKnown(not_known=f"{what}: it sent something else than errors")
    return tuple(
        OwnerError(line=member(one, "line", int) or 1, kind=member(one, "kind", str) or "an error")
        for one in list_of(found, "errors")
    )


def _protection(http: ForgeHttp, path: str) -> _Protection:
    """Return the older protection of the branch; an empty map if it has none."""
    what = "the protection of the branch (the token needs Administration: read)"
    try:
        answer = http.ask(path)
    except Unanswered as error:
        return NotKnown(not_known=f"{what}: {error.reason}")
    if answer.status == HTTPStatus.NOT_FOUND and map_of(answer.document).get("message") == _NOT_PROTECTED:
        return {}
    return object_in(answer, what) if answer.status == HTTPStatus.OK else refused(answer, what)


def _of_rulesets(rules: _Rules) -> Iterator[_Protection]:
    """Yield what the rulesets demand of reviews, in the words of the older protection."""
    if isinstance(rules, NotKnown):
        yield rules
        return
    for rule in rules:
        if rule.get("type") == _PULL_REQUEST:
            demanded = map_of(rule, "parameters")
            yield {**demanded, "dismiss_stale_reviews": demanded.get("dismiss_stale_reviews_on_push")}


def _of_protection(classic: _Protection) -> Iterator[_Protection]:
    if isinstance(classic, NotKnown):
        yield classic
    elif isinstance(demanded := classic.get(_REVIEWS), dict):
        yield {**demanded, "require_code_owner_review": demanded.get("require_code_owner_reviews")}


def _each(reviews: Sequence[_Protection], name: str, kind: type[Any], default: Any) -> Iterator[Any]:
    for one in reviews:
        if isinstance(one, NotKnown):
            yield one
        else:
            found = member(one, name, kind)
            yield default if found is None else found


def _forbidden(rules: _Rules, classic: _Protection, rule_type: str, allowing: str) -> Iterator[bool | NotKnown]:
    """Yield whether each forbids something. The older protection forbids it unless it says otherwise."""
    yield rules if isinstance(rules, NotKnown) else any(rule.get("type") == rule_type for rule in rules)
    if isinstance(classic, NotKnown):
        yield classic
    else:
        yield bool(classic) and not map_of(classic, allowing).get("enabled")


def _bypassing_rulesets(http: ForgeHttp, path: str, rules: _Rules) -> Iterator[tuple[str, ...] | NotKnown]:
    if isinstance(rules, NotKnown):
        yield rules
        return
    demanding = [rule for rule in rules if rule.get("type") == _PULL_REQUEST]
    known = dict.fromkeys(found for rule in demanding if (found := member(rule, "ruleset_id", int)) is not None)
    for ruleset in list(known)[:_MOST_RULESETS]:
        document = asked(http, f"{path}/rulesets/{ruleset}?includes_parents=true", f"ruleset {ruleset}")
        if isinstance(document, NotKnown):
            yield document
        elif not isinstance(document.get("bypass_actors"), list):
            # It is only sent to whoever may change the ruleset.
            yield NotKnown(not_known=f"the token may not see who bypasses ruleset {ruleset}")
        else:
            yield tuple(map(_actor, list_of(document, "bypass_actors")))
    if len(known) > _MOST_RULESETS or len(known) < len({rule.get("ruleset_id") for rule in demanding}):
        yield NotKnown(not_known="not all rulesets could be looked at")


def _actor(actor: Mapping[str, Any]) -> str:
    words = (member(actor, "actor_type", str) or "somebody", member(actor, "actor_id", int))
    return " ".join(str(word) for word in words if word is not None)


def _bypassing_protection(classic: _Protection) -> tuple[str, ...] | NotKnown:
    if isinstance(classic, NotKnown):
        return classic
    if not isinstance(classic.get(_REVIEWS), dict):
        return ()
    allowed = map_of(classic, _REVIEWS, "bypass_pull_request_allowances")
    named = [
        f"{kind} {member(one, name, str) or '(no name)'}"
        for kind, part, name in (("user", "users", "login"), ("team", "teams", "slug"), ("app", "apps", "slug"))
        for one in list_of(allowed, part)
    ]
    administrators = [] if map_of(classic, "enforce_admins").get("enabled") else ["administrators of the repository"]
    return (*named, *administrators)
