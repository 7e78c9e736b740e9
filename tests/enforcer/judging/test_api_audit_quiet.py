"""`api-audit-quiet`: which rules would have the API server log values."""

import json
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest

from enforcer.collecting.audit_policy import read
from enforcer.collecting.inventory import nothing_yet
from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterFacts, Namespace
from enforcer.facts.gate import FilledKind, GateFacts
from enforcer.facts.inventory import Inventory
from enforcer.judging.answers import Answer, Held, NotChecked
from enforcer.judging.api_audit_quiet import STANDARD, ApiAuditQuiet
from enforcer.judging.api_audit_quiet_parts.levels import Request, deciding, more_than
from enforcer.judging.api_audit_quiet_parts.loud import Demand, loud
from review.findings.finding import Finding, ObjectName
from tests.enforcer.audit_policies import NAMES, RESOURCES, rules

FILE = "audit-policy.yaml"
QUIET = {"level": "Metadata", "resources": [{"group": "", "resources": ["secrets", "serviceaccounts/token"]}]}
ALL = {"level": "RequestResponse"}
CONFIG_MAPS = FilledKind(group="", kind="ConfigMap", resource="configmaps", version="v1", fields=("/data/*",))
WRITES = ("create", "update", "patch")


def policy(*known: Mapping[str, Any], **more: Any) -> Any:
    document = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": list(known), **more}
    return read(FILE, json.dumps(document).encode())


def inventory(*known: Mapping[str, Any], kinds: Sequence[FilledKind] = (), **more: Any) -> Inventory:
    namespaces = [Namespace(name=name, enabled=name != "off", variables=False, objects=()) for name in ("off", "shop")]
    return nothing_yet("test", datetime.now(UTC)).model_copy(
        update={
            "audit_policy": policy(*known, **more),
            "gate": GateFacts(name="keyhole", own_namespace="keyhole", kinds=tuple(kinds)),
            "cluster": ClusterFacts(namespaces=tuple(namespaces)),
        }
    )


def judged(facts: Inventory, parameters: ApiAuditQuiet | None = None) -> list[Answer]:
    return list(STANDARD.judge(facts, parameters or ApiAuditQuiet()))


def told(facts: Inventory) -> list[str]:
    return [answer.message for answer in judged(facts) if isinstance(answer, Finding)]


@pytest.mark.parametrize(
    "known",
    [
        pytest.param([QUIET, ALL], id="secrets first"),
        pytest.param([], id="no rule at all"),
        pytest.param([{"level": "Metadata"}], id="metadata of everything"),
        pytest.param([{"level": "None", "users": ["ann"]}, QUIET, ALL], id="less for somebody"),
        pytest.param([{**ALL, "namespaces": ["off", "kube-system"]}, QUIET], id="bodies elsewhere"),
        pytest.param([{**ALL, "verbs": ["delete", "watch", "deletecollection"]}, QUIET], id="verbs without values"),
        pytest.param([{**ALL, "nonResourceURLs": ["*"]}, QUIET], id="paths that are no resources"),
        pytest.param([{**ALL, "resources": [{"group": "apps"}]}, QUIET], id="another group"),
        pytest.param([{"level": "Request", "verbs": ["get", "list"]}, QUIET], id="requests to read have no body"),
        pytest.param(
            [{**ALL, "omitStages": ["ResponseStarted", "ResponseComplete", "Panic"]}, QUIET], id="no stage with a body"
        ),
        pytest.param(
            [{**QUIET, "userGroups": ["system:authenticated"]}, {**ALL, "users": ["ann"]}], id="everybody is asked for"
        ),
        pytest.param(
            [
                {**QUIET, "userGroups": ["system:serviceaccounts"]},
                {**ALL, "users": ["system:serviceaccount:flux:kustomize"]},
                {**ALL, "userGroups": ["system:serviceaccounts:flux"]},
            ],
            id="an account is in the groups of accounts",
        ),
    ],
)
def test_a_policy_that_logs_no_value_is_held(known: Sequence[Mapping[str, Any]]) -> None:
    about = ObjectName("keyhole", "AuditPolicy", "", FILE)
    assert judged(inventory(*known)) == [Held(about), Held(about)]


@pytest.mark.parametrize(
    ("known", "messages"),
    [
        pytest.param(
            [ALL],
            [
                "rule 1 logs create, update, patch of secrets at the level RequestResponse",
                "rule 1 logs get, list of secrets at the level RequestResponse",
                "rule 1 logs create, update, patch of configmaps at the level RequestResponse",
                "rule 1 logs get, list of configmaps at the level RequestResponse",
                "rule 1 logs create of serviceaccounts/token at the level RequestResponse",
            ],
            id="everything",
        ),
        pytest.param(
            [{"level": "Request", "users": ["ann"]}, QUIET],
            [
                "rule 1 logs create, update, patch of secrets at the level Request",
                "rule 1 logs create, update, patch of configmaps at the level Request",
                "rule 1 logs create of serviceaccounts/token at the level Request",
            ],
            id="for one user",
        ),
        pytest.param(
            [QUIET, {**ALL, "resources": [{"group": "", "resources": ["configmaps"]}]}],
            [
                "rule 2 logs create, update, patch of configmaps at the level RequestResponse",
                "rule 2 logs get, list of configmaps at the level RequestResponse",
            ],
            id="a listed kind",
        ),
        pytest.param(
            [{**ALL, "verbs": ["patch"], "namespaces": ["shop", "office"]}, QUIET, {"level": "Metadata"}],
            [
                "rule 1 logs patch of secrets in shop at the level RequestResponse",
                "rule 1 logs patch of configmaps in shop at the level RequestResponse",
            ],
            id="in one namespace",
        ),
        pytest.param(
            [
                {**QUIET, "resources": [{"group": "", "resources": ["secrets"], "resourceNames": ["a"]}]},
                {"level": "Request", "verbs": ["update"], "resources": [{"group": "", "resources": ["secrets"]}]},
            ],
            ["rule 2 logs update of secrets at the level Request"],
            id="but for some names",
        ),
        pytest.param(
            [{**QUIET, "userGroups": ["dev"]}, {"level": "Request", "userGroups": ["dev", "ops"], "verbs": ["create"]}],
            [
                "rule 2 logs create of secrets at the level Request",
                "rule 2 logs create of configmaps at the level Request",
                "rule 2 logs create of serviceaccounts/token at the level Request",
            ],
            id="for a group that no earlier rule has",
        ),
    ],
)
def test_a_rule_that_logs_values_is_told_by_its_number(
    known: Sequence[Mapping[str, Any]], messages: Sequence[str]
) -> None:
    found = told(inventory(*known, kinds=[CONFIG_MAPS]))
    assert [message.partition(";")[0] for message in found] == messages


def test_findings_have_names_that_stay() -> None:
    answers = [answer for answer in judged(inventory(ALL)) if isinstance(answer, Finding)]
    assert [answer.pointer for answer in answers] == [
        "/rules/0/secrets/create",
        "/rules/0/secrets/get",
        "/rules/0/serviceaccounts/token/create",
    ]


def test_reads_can_be_left_out() -> None:
    facts = inventory({**ALL, "verbs": ["get"]}, QUIET)
    assert told(facts)
    assert all(isinstance(answer, Held) for answer in judged(facts, ApiAuditQuiet(reads=False)))


def test_without_a_policy_or_the_kinds_it_is_not_checked() -> None:
    facts = inventory(QUIET).model_copy(update={"audit_policy": NotKnown(not_known="nobody has the file")})
    (answer,) = judged(facts)
    assert isinstance(answer, NotChecked)
    assert answer.reason == "nobody has the file"
    facts = inventory(QUIET).model_copy(update={"gate": NotKnown(not_known="the API server is away")})
    unchecked = [answer for answer in judged(facts) if isinstance(answer, NotChecked)]
    assert [answer.reason for answer in unchecked] == [
        "which other kinds Keyhole fills is not known: the API server is away"
    ]


def test_where_the_namespaces_are_not_known_any_may_have_opted_in() -> None:
    facts = inventory({**ALL, "namespaces": ["other"]}, QUIET)
    assert not told(facts)
    assert told(facts.model_copy(update={"cluster": NotKnown(not_known="no cluster")}))


USERS = ("audited-ann", "audited-ben", "audited-cy", "somebody")
GROUPS = ("audited-dev", "audited-ops", "system:masters")


@pytest.mark.parametrize("seed", range(300))
def test_a_rule_is_told_if_and_only_if_somebodys_request_is_decided_by_it(seed: int) -> None:
    chance = random.Random(seed)
    facts = policy(*rules(chance, "shop"), *rules(chance, "shop"))
    group, resource, subresource = chance.choice(RESOURCES)
    demand = Demand(WRITES, group, resource, subresource, "Metadata")
    found = {(each.index, verb) for each in loud(facts, demand, ["shop"]) for verb in each.verbs}
    everybody = [
        (user, ("system:authenticated", *(name for name, is_in in zip(GROUPS, member, strict=True) if is_in)))
        for user in USERS
        for member in product((False, True), repeat=len(GROUPS))
    ]
    expected = set()
    for (user, groups), verb, name in product(everybody, WRITES, (*NAMES, "other")):
        url_name = "" if verb == "create" and not subresource else name
        asked = Request(user, groups, verb, group, resource, subresource, "shop", url_name)
        index = deciding(facts, asked)
        if index is not None and more_than(facts.rules[index].level, "Metadata"):
            expected.add((index, verb))
    assert found == expected
