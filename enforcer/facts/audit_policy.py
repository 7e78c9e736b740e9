"""The audit policy of the API server, as its file says (audit.k8s.io/v1)."""

from typing import Literal, TypeAlias

from enforcer.facts.base import Facts

Level: TypeAlias = Literal["None", "Metadata", "Request", "RequestResponse"]
"""How much of a request is logged, from nothing to all of it."""


class Resources(Facts):
    """Resources of one group. The group "" is the core one; no `resources` are all of the group.

    A resource is `pods`, `pods/log`, `pods/*` (all that stands below), `*` or `*/scale`.
    """

    group: str = ""
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()


class AuditRule(Facts):
    """A rule of the policy. What is empty restricts nothing; all that is not must match."""

    level: Level
    users: tuple[str, ...] = ()
    user_groups: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    resources: tuple[Resources, ...] = ()
    namespaces: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = ()
    omit_stages: tuple[str, ...] = ()


class AuditPolicyFacts(Facts):
    """The audit policy of the API server. The first rule that matches a request says its level; without one, None."""

    file: str
    rules: tuple[AuditRule, ...]
    omit_stages: tuple[str, ...] = ()
