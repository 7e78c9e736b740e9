"""Reads the API server's audit policy (audit.k8s.io/v1) from its file."""

from collections.abc import Mapping
from typing import Any, Final, get_args

from enforcer.collecting.run import Run
from enforcer.collecting.sources import Sources
from enforcer.facts.audit_policy import AuditPolicyFacts, AuditRule, Level, Resources
from enforcer.facts.base import NotKnown
from enforcer.facts.inventory import Inventory
from resolver.references import yamltext

MOST_BYTES: Final = 1024 * 1024
_VERSION: Final = "audit.k8s.io/v1"
_STAGES: Final = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")


class UnusablePolicy(ValueError):
    """A text that is no audit policy. Says where and why, and quotes nothing of it."""


def collect(sources: Sources, _run: Run, _so_far: Inventory) -> AuditPolicyFacts | NotKnown:
    """Return what the file says. One that the API server would not take says nothing."""
    file = sources.audit_policy
    if file is None:
        return NotKnown(not_known="no audit policy of the API server was given (--audit-policy)")
    try:
        with file.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        return NotKnown(not_known=f"the audit policy {file} cannot be read: {error.strerror or type(error).__name__}")
    try:
        return read(str(file), content)
    except (UnusablePolicy, yamltext.YamlTextError) as error:
        return NotKnown(not_known=f"the audit policy {file} cannot be used: {error}")


def read(file: str, content: bytes) -> AuditPolicyFacts:
    """Return the policy that a text is, YAML or JSON. Raises `UnusablePolicy` or `YamlTextError`."""
    if len(content) > MOST_BYTES:
        raise UnusablePolicy(f"it has more than {MOST_BYTES} bytes")
    documents = yamltext.parse(content)
    document = documents[0] if len(documents) == 1 else None
    if not isinstance(document, dict) or (document.get("apiVersion"), document.get("kind")) != (_VERSION, "Policy"):
        raise UnusablePolicy(f"it is not one Policy of {_VERSION}")
    rules = _list("rules", document.get("rules"))
    return AuditPolicyFacts(
        file=file,
        rules=tuple(_rule(f"rules[{index}]", rule) for index, rule in enumerate(rules)),
        omit_stages=_stages("omitStages", document.get("omitStages")),
    )


def _rule(where: str, rule: Any) -> AuditRule:
    if not isinstance(rule, Mapping):
        raise UnusablePolicy(f"{where} is no map")
    level: Any = rule.get("level")
    if level not in get_args(Level):
        raise UnusablePolicy(f"{where}.level is none of {', '.join(get_args(Level))}")
    resources = _list(f"{where}.resources", rule.get("resources"))
    return AuditRule(
        level=level,
        users=_texts(f"{where}.users", rule.get("users")),
        user_groups=_texts(f"{where}.userGroups", rule.get("userGroups")),
        verbs=_texts(f"{where}.verbs", rule.get("verbs")),
        resources=tuple(_resources(f"{where}.resources[{index}]", each) for index, each in enumerate(resources)),
        namespaces=_texts(f"{where}.namespaces", rule.get("namespaces")),
        non_resource_urls=_texts(f"{where}.nonResourceURLs", rule.get("nonResourceURLs")),
        omit_stages=_stages(f"{where}.omitStages", rule.get("omitStages")),
    )


def _resources(where: str, resources: Any) -> Resources:
    if not isinstance(resources, Mapping):
        raise UnusablePolicy(f"{where} is no map")
    group = resources.get("group") or ""
    if not isinstance(group, str):
        raise UnusablePolicy(f"{where}.group is no text")
    return Resources(
        group=group,
        resources=_texts(f"{where}.resources", resources.get("resources")),
        resource_names=_texts(f"{where}.resourceNames", resources.get("resourceNames")),
    )


def _stages(where: str, value: Any) -> tuple[str, ...]:
    stages = _texts(where, value)
    if not set(stages) <= set(_STAGES):
        raise UnusablePolicy(f"{where} has something else than {', '.join(_STAGES)}")
    return stages


def _texts(where: str, value: Any) -> tuple[str, ...]:
    texts = _list(where, value)
    if not all(isinstance(text, str) for text in texts):
        raise UnusablePolicy(f"{where} has something that is no text")
    return tuple(texts)


def _list(where: str, value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise UnusablePolicy(f"{where} is no list")
    return value
