"""The constant answer is registered as Keyhole is, but for who answers."""

import json
from typing import Any

from bench.registrations import answered_constantly, narrowed, one_for_each_form
from manifests.kinds import listed
from manifests.registration.webhook_configuration import webhook_configuration
from testbed.load.forms import FORMS, KINDS

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


def test_each_form_is_answered_constantly_where_keyhole_would_be_asked_about_it() -> None:
    usual = webhook_configuration(
        "https://127.0.0.1:1/mutate", b"pem", kinds=listed.read(json.dumps(KINDS)), variables=True
    )
    before = repr(usual)
    constant = one_for_each_form(usual, FORMS, lambda path: {"url": path})
    assert repr(usual) == before
    led = {
        (rule["resources"][0], webhook["rules"][0]["operations"][0], webhook["clientConfig"]["url"])
        for webhook in constant["webhooks"]
        for rule in webhook["rules"]
    }
    assert led == {
        (form.resource, operation, path)
        for form in FORMS
        for operation, path in (("CREATE", form.path), ("UPDATE", "/allow"))
    }
    names = [webhook["name"] for webhook in constant["webhooks"]]
    assert len(set(names)) == len(names)
    known = {repr(webhook["matchConditions"]) for webhook in usual["webhooks"]}
    assert {repr(webhook["matchConditions"]) for webhook in constant["webhooks"]} <= known
