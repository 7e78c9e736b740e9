"""`api-audit-quiet`: the API server's audit log has no value, whoever asks for what.

Above the level Metadata, the API server logs bodies. With them comes what a webhook changed, under the annotation
`patch.webhook.admission.k8s.io/…`: the values that Keyhole filled in, also for kinds whose requests hold references
only.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pydantic import Field

from enforcer.facts.audit_policy import AuditPolicyFacts
from enforcer.facts.base import NotKnown, is_known
from enforcer.facts.inventory import Inventory
from enforcer.judging.answers import Answer, Held, NotChecked, found, section_not_known
from enforcer.judging.api_audit_quiet_parts.loud import ELSEWHERE, Demand, loud
from enforcer.judging.standard import Parameters, Standard
from review.findings.finding import ObjectName
from review.findings.rule import Rule, Severity

_NAME: Final = "api-audit-quiet"
_MOST_NAMED: Final = 5
_WRITES: Final = ("create", "update", "patch")
# Answers to these have the objects with their values. What is watched, and what is deleted, is not logged.
_READS: Final = ("get", "list")

RULE: Final = Rule(
    _NAME,
    _NAME,
    Severity.ERROR,
    "The API server's audit log would hold values of Secrets.",
    "Whoever reads that log, and every system that it is sent to, then has the secrets. Above Metadata the API server "
    "logs the bodies of requests and the patches of webhooks, in which the values stand.",
    "Put a rule with the level Metadata for secrets, serviceaccounts/token and the kinds that Keyhole fills before all "
    "others.",
)


class ApiAuditQuiet(Parameters):
    """What may be demanded of the API server's audit policy."""

    reads: bool = Field(default=True, description="Whether answers with Secrets count, beside what is written.")


def _judge(inventory: Inventory, parameters: ApiAuditQuiet) -> Iterable[Answer]:
    policy = inventory.audit_policy
    if isinstance(policy, NotKnown):
        yield section_not_known("audit_policy", policy)
        return
    about = ObjectName("keyhole", "AuditPolicy", "", policy.file)
    namespaces = _namespaces(inventory, policy)
    for resource, demands in _demands(inventory, parameters).items():
        answers = [answer for demand in demands for answer in _loud(policy, demand, namespaces, about)]
        yield from answers or [Held(about)]
        if resource == "secrets" and isinstance(inventory.gate, NotKnown):
            yield NotChecked(about, f"which other kinds Keyhole fills is not known: {inventory.gate.not_known}")


def _demands(inventory: Inventory, parameters: ApiAuditQuiet) -> dict[str, list[Demand]]:
    kinds = [("", "secrets")]
    if is_known(inventory.gate):
        kinds += [(kind.group, kind.resource) for kind in inventory.gate.kinds]
    demands = {}
    for group, resource in kinds:
        written = Demand(_WRITES, group, resource, "", "Metadata")
        read = Demand(_READS, group, resource, "", "Request")
        demands[str(written)] = [written, *([read] if parameters.reads else [])]
    tokens = Demand(("create",), "", "serviceaccounts", "token", "Metadata")
    return {**demands, str(tokens): [tokens]}


def _namespaces(inventory: Inventory, policy: AuditPolicyFacts) -> Sequence[str]:
    """Return the namespaces that opted in; where they are not known, all that may have."""
    if is_known(inventory.cluster):
        return [namespace.name for namespace in inventory.cluster.namespaces if namespace.enabled] or [ELSEWHERE]
    return [ELSEWHERE, *(each for rule in policy.rules for each in rule.namespaces if each)]


def _loud(policy: AuditPolicyFacts, demand: Demand, namespaces: Sequence[str], about: ObjectName) -> Iterator[Answer]:
    for each in loud(policy, demand, namespaces):
        where = [name for name in each.namespaces if name != ELSEWHERE][:_MOST_NAMED]
        told = f" in {', '.join(where)}" if where and ELSEWHERE not in each.namespaces else ""
        verbs = ", ".join(each.verbs)
        yield found(
            RULE,
            about,
            f"rule {each.index + 1} logs {verbs} of {demand}{told} at the level {each.level}; "
            f"{demand.limit} is the most that holds no value",
            pointer=f"/rules/{each.index}/{demand}/{each.verbs[0]}",
        )


STANDARD: Final = Standard(RULE, ApiAuditQuiet, _judge, "The API server's own audit log holds no value of a secret.")
