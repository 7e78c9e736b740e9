"""Evaluates an audit policy: which rule decides about a request, and so how much of it is logged.

Source: Kubernetes, *Auditing*, audit.k8s.io/v1; k8s.io/apiserver, pkg/audit/policy, *checker.go*. A test compares this
with what a real API server logs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from enforcer.facts.audit_policy import AuditPolicyFacts, AuditRule, Level, Resources

_LEVELS: Final[tuple[Level, ...]] = ("None", "Metadata", "Request", "RequestResponse")
# Bodies are part of what is logged at these stages; at RequestReceived nobody has read them yet.
_WITH_BODIES: Final = frozenset({"ResponseStarted", "ResponseComplete", "Panic"})


@dataclass(frozen=True, slots=True)
class Request:
    """A request as an audit policy sees it: who asks is whoever authenticated, before any impersonation.

    `name` is "" where the URL has none, as when something is created. Of a request that is about no resource, only
    `user`, `groups`, `verb` and `path` count.
    """

    user: str
    groups: Sequence[str]
    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


def more_than(level: Level, limit: Level) -> bool:
    """Whether a level logs more than another one."""
    return _LEVELS.index(level) > _LEVELS.index(limit)


def deciding(policy: AuditPolicyFacts, request: Request) -> int | None:
    """Return the index of the first rule that matches. None if no rule does, and nothing is logged."""
    return next((index for index, rule in enumerate(policy.rules) if matches(rule, request)), None)


def level_of(policy: AuditPolicyFacts, request: Request) -> Level:
    """Return how much of a request is logged."""
    index = deciding(policy, request)
    return "None" if index is None else policy.rules[index].level


def logs_bodies(policy: AuditPolicyFacts, rule: AuditRule) -> bool:
    """Whether a rule is for any stage that has a body."""
    return bool(_WITH_BODIES - {*policy.omit_stages, *rule.omit_stages})


def matches(rule: AuditRule, request: Request) -> bool:
    """Whether a rule matches a request. What the rule leaves out restricts nothing."""
    if rule.users and request.user not in rule.users:
        return False
    if rule.user_groups and not set(rule.user_groups) & set(request.groups):
        return False
    if rule.verbs and request.verb not in rule.verbs:
        return False
    if rule.namespaces or rule.resources:
        return _matches_resource(rule, request)
    if rule.non_resource_urls:
        return not request.resource and any(_is_path(url, request.path) for url in rule.non_resource_urls)
    return True


def is_resource(pattern: str, resource: str, subresource: str) -> bool:
    """Whether an entry of `resources` is for a resource, or for a subresource of one."""
    whole = f"{resource}/{subresource}" if subresource else resource
    if pattern in {"*", whole}:
        return True
    if subresource and pattern == f"*/{subresource}":
        return True
    # It covers the resource itself, too.
    return pattern == f"{resource}/*"


def _matches_resource(rule: AuditRule, request: Request) -> bool:
    if not request.resource:
        return False
    # A request about something outside of namespaces has the namespace "".
    if rule.namespaces and request.namespace not in rule.namespaces:
        return False
    return not rule.resources or any(_is_among(each, request) for each in rule.resources)


def _is_among(known: Resources, request: Request) -> bool:
    if known.group != request.group:
        return False
    if not known.resources:
        return True
    if known.resource_names and request.name not in known.resource_names:
        return False
    return any(is_resource(each, request.resource, request.subresource) for each in known.resources)


def _is_path(pattern: str, path: str) -> bool:
    if pattern in {"*", path}:
        return True
    return pattern.endswith("*") and path.startswith(pattern.rstrip("*"))
