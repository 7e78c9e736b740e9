"""The constant answer is registered as Keyhole is, but for who answers."""

from typing import Any

from bench.registrations import answered_constantly, narrowed
from manifests.registration.webhook_configuration import webhook_configuration

KEYHOLE = webhook_configuration("https://127.0.0.1:1/mutate", b"pem")


def without_who_answers(webhook: dict[str, Any]) -> dict[str, Any]:
    rest = {key: member for key, member in webhook.items() if key not in {"name", "clientConfig", "rules"}}
    return {**rest, "rules": [{**rule, "operations": None} for rule in webhook["rules"]]}


def test_a_narrowed_configuration_concerns_the_namespaces_named_and_leaves_the_original_alone() -> None:
    before = repr(KEYHOLE)
    narrow = narrowed(KEYHOLE, "one", "two")
    assert narrow["metadata"]["name"] == "one"
    selectors = [webhook["namespaceSelector"] for webhook in narrow["webhooks"]]
    either = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["one", "two"]}
    assert selectors == [{"matchExpressions": [either]}] * len(KEYHOLE["webhooks"])
    assert repr(KEYHOLE) == before


def test_each_webhook_is_answered_constantly_once_for_each_operation_under_its_own_conditions() -> None:
    conditions = [{"name": "references", "expression": "true"}]
    two = {
        **KEYHOLE,
        "webhooks": [{**KEYHOLE["webhooks"][0], "name": name, "matchConditions": conditions} for name in "ab"],
    }
    constant = answered_constantly(two, lambda path: {"url": path})
    found = [
        (webhook["name"], webhook["clientConfig"]["url"], webhook["rules"][0]["operations"])
        for webhook in constant["webhooks"]
    ]
    assert found == [
        ("create.a", "/patch", ["CREATE"]),
        ("update.a", "/allow", ["UPDATE"]),
        ("create.b", "/patch", ["CREATE"]),
        ("update.b", "/allow", ["UPDATE"]),
    ]
    (usual,) = {repr(without_who_answers(webhook)) for webhook in two["webhooks"]}
    assert {repr(without_who_answers(webhook)) for webhook in constant["webhooks"]} == {usual}
