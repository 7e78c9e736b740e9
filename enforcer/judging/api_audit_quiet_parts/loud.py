"""Finds the rules of an audit policy by which a value could be logged, whoever asks.

For each rule there are few requests that it is most likely to decide about: those that meet what the rule demands and
nothing else that any rule demands. If one of them is decided by an earlier rule, so is every other, because more groups
or a known name make earlier rules match more, never less.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from enforcer.facts.audit_policy import AuditPolicyFacts, AuditRule, Level
from enforcer.judging.api_audit_quiet_parts.levels import Request, deciding, logs_bodies, more_than

# No user, group, namespace or object has a name with a blank.
_NOBODY: Final = "any user"
_ANYTHING: Final = "any name"
ELSEWHERE: Final = "any namespace"
"""Stands for all namespaces that a policy does not name."""

_EVERYBODY: Final = "system:authenticated"
_ANONYMOUS: Final = "system:anonymous"
_STRANGERS: Final = "system:unauthenticated"
_ACCOUNT: Final = "system:serviceaccount:"
_ACCOUNTS: Final = "system:serviceaccounts"


@dataclass(frozen=True, slots=True)
class Demand:
    """Requests that may be logged at `limit` at most: verbs of a resource or of a subresource."""

    verbs: Sequence[str]
    group: str
    resource: str
    subresource: str
    limit: Level

    def __str__(self) -> str:
        name = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{name}/{self.subresource}" if self.subresource else name


@dataclass(frozen=True, slots=True)
class Loud:
    """A rule that logs too much: its index, and requests that it decides about, by verb and by namespace."""

    index: int
    level: Level
    verbs: Sequence[str]
    namespaces: Sequence[str]


def loud(policy: AuditPolicyFacts, demand: Demand, namespaces: Iterable[str]) -> Iterator[Loud]:
    """Yield the rules that log more of a request than is demanded, in the order of the policy."""
    named = {each for rule in policy.rules for each in rule.namespaces}
    # All others are alike.
    apart = sorted({each if each in named else ELSEWHERE for each in namespaces})
    for index, rule in enumerate(policy.rules):
        if not more_than(rule.level, demand.limit) or not logs_bodies(policy, rule):
            continue
        found = [
            (verb, namespace)
            for verb, namespace in product(demand.verbs, apart)
            if any(deciding(policy, request) == index for request in _likeliest(rule, demand, verb, namespace))
        ]
        if found:
            verbs = dict.fromkeys(verb for verb, _ in found)
            yield Loud(index, rule.level, tuple(verbs), tuple(dict.fromkeys(where for _, where in found)))


def _likeliest(rule: AuditRule, demand: Demand, verb: str, namespace: str) -> Iterator[Request]:
    names = {name for known in rule.resources for name in known.resource_names} or {_ANYTHING}
    for user, group, name in product(rule.users or (_NOBODY,), rule.user_groups or ("",), [*sorted(names), _ANYTHING]):
        yield Request(
            user,
            tuple(_groups(user, group)),
            verb,
            demand.group,
            demand.resource,
            demand.subresource,
            namespace,
            # The URL of a new object has no name, but that of a new token does: its account's.
            "" if verb == "create" and not demand.subresource else name,
        )


def _groups(user: str, group: str) -> Iterator[str]:
    """Yield the group, and those that the API server gives to whoever has this name or is in this group."""
    if user != _ANONYMOUS and group != _STRANGERS:
        yield _EVERYBODY
    if group:
        yield group
    if group.startswith(f"{_ACCOUNTS}:"):
        yield _ACCOUNTS
    if user.startswith(_ACCOUNT):
        yield _ACCOUNTS
        yield f"{_ACCOUNTS}:{user.removeprefix(_ACCOUNT).partition(':')[0]}"
