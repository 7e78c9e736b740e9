"""Audit policies and requests made up from a few names, so that rules often match and often nearly do."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

USERS: Final = {"audited-ann": ("audited-dev", "audited-ops"), "audited-ben": ("audited-ops",), "audited-cy": ()}
"""The users of the requests, with their groups."""
RESOURCES: Final = (
    ("", "secrets", ""),
    ("", "configmaps", ""),
    ("", "pods", ""),
    ("", "pods", "log"),
    ("", "serviceaccounts", "token"),
    ("apps", "deployments", ""),
    ("apps", "deployments", "scale"),
)
NAMES: Final = ("a", "b")
LEVELS: Final = ("None", "Metadata", "Request", "RequestResponse")
_VERBS: Final = ("get", "list", "create", "update", "patch", "delete")
_GROUPS: Final = ("audited-dev", "audited-ops", "system:authenticated", "system:masters")
_PATTERNS: Final = (
    *("secrets", "configmaps", "pods", "pods/log", "pods/*", "*/log", "*", "serviceaccounts/token", "serviceaccounts"),
    *("serviceaccounts/*", "deployments", "*/scale", "deployments/*", "deployments/log", "secrets/*", "*/*"),
)


@dataclass(frozen=True)
class Asked:
    """A request: its verb, and the rest as `levels.Request` has it."""

    user: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str


def rules(chance: random.Random, namespace: str) -> Sequence[Mapping[str, Any]]:
    """Return the rules of one policy, which is for one namespace, but for rules that are for a user in all of them."""
    made = [_rule(chance, namespace) for _ in range(chance.randint(1, 5))]
    return [*made, {"level": chance.choice(LEVELS), "namespaces": [namespace]}]


def asked(chance: random.Random, namespace: str) -> Asked:
    """Return a request that an API server can be sent."""
    group, resource, subresource = chance.choice(RESOURCES)
    verbs = {"token": ("create",), "log": ("get",), "scale": ("get", "update", "patch")}.get(subresource, _VERBS)
    verb = chance.choice(verbs)
    is_named = subresource != "" or verb not in {"create", "list"}
    return Asked(
        chance.choice(sorted(USERS)), verb, group, resource, subresource, namespace, chance.choice(NAMES) * is_named
    )


def _rule(chance: random.Random, namespace: str) -> Mapping[str, Any]:
    rule: dict[str, Any] = {"level": chance.choice(LEVELS)}
    if chance.random() < 0.3:
        rule["users"] = chance.sample(sorted(USERS), chance.randint(1, 2))
    if chance.random() < 0.3:
        rule["userGroups"] = chance.sample(_GROUPS, chance.randint(1, 2))
    if chance.random() < 0.5:
        rule["verbs"] = chance.sample(_VERBS, chance.randint(1, 3))
    if chance.random() < 0.8:
        rule["resources"] = [_resources(chance) for _ in range(chance.randint(1, 2))]
    # A rule for one of the users may stand without a namespace: nobody else notices.
    if "users" not in rule or chance.random() < 0.97:
        rule["namespaces"] = [namespace, *(["elsewhere"] if chance.random() < 0.2 else [])]
    if chance.random() < 0.2:
        rule["omitStages"] = ["RequestReceived"]
    return rule


def _resources(chance: random.Random) -> Mapping[str, Any]:
    found: dict[str, Any] = {"group": chance.choice(("", "", "apps"))}
    if chance.random() < 0.9:
        found["resources"] = chance.sample(_PATTERNS, chance.randint(1, 3))
        if chance.random() < 0.3:
            found["resourceNames"] = [chance.choice(NAMES)]
    return found
