"""The tenant bundle: who may do what in the namespace, and nothing more."""

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kube.namespaces import LABEL
from manifests.annotations import VARIABLES
from manifests.kinds.config_map import CONFIG_MAP
from manifests.kinds.custom import custom_resource
from manifests.kinds.known import Kinds
from manifests.kinds.pointers import Pattern
from provisioning.bundle import render
from provisioning.errors import TenantRefused
from provisioning.tenant import Account, Tenant, account, tenant

WEBHOOK, CONTROLLER = Account("keyhole", "keyhole-webhook"), Account("keyhole", "keyhole-controller")
ENFORCER = Account("keyhole", "keyhole-enforcer")
LABELS = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)


def objects(of: Tenant, **more: Any) -> list[dict[str, Any]]:
    # libyaml, where it is there, takes a tenth of the time.
    return list(yaml.load_all(render(of, **more), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def granted(of: Tenant, **more: Any) -> dict[str, list[dict[str, Any]]]:
    """Return each subject's rules, as RBAC puts them together."""
    found: dict[str, list[dict[str, Any]]] = {}
    made = objects(of, **more)
    roles = {each["metadata"]["name"]: each["rules"] for each in made if each["kind"] == "Role"}
    for each in made:
        if each["kind"] == "RoleBinding":
            (subject,) = each["subjects"]
            assert each["roleRef"]["kind"] == "Role"
            found.setdefault(f"{subject['namespace']}/{subject['name']}", []).extend(roles[each["roleRef"]["name"]])
    return found


def test_each_account_may_do_what_the_design_says_and_no_more() -> None:
    tokens: dict[str, Any] = {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]}
    secrets = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch", "patch"]}
    events = {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]}
    assert granted(Tenant("shop", WEBHOOK, CONTROLLER)) == {
        "keyhole/keyhole-webhook": [{**tokens, "resourceNames": ["keyhole"]}],
        "keyhole/keyhole-controller": [{**tokens, "resourceNames": ["keyhole", "keyhole-reconciler"]}],
        "shop/keyhole-reconciler": [secrets, events],
    }


def test_the_enforcer_may_have_the_tokens_of_both_accounts_where_the_tenant_names_it_and_nothing_else() -> None:
    usual = granted(Tenant("shop", WEBHOOK, CONTROLLER))
    more = granted(Tenant("shop", WEBHOOK, CONTROLLER, ENFORCER))
    tokens = {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]}
    assert more.pop("keyhole/keyhole-enforcer") == [{**tokens, "resourceNames": ["keyhole", "keyhole-reconciler"]}]
    assert more == usual


VERBS = ["get", "list", "patch"]
OF_RESTARTS = [
    {"apiGroups": ["apps"], "resources": ["deployments", "statefulsets", "daemonsets"], "verbs": VERBS},
    {"apiGroups": ["argoproj.io"], "resources": ["rollouts"], "verbs": VERBS},
]
OF_VARIABLES = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
    {"apiGroups": ["apps"], "resources": ["replicasets", "controllerrevisions"], "verbs": ["get"]},
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get"]},
]
OF_KINDS = [
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": VERBS},
    {"apiGroups": ["example.com"], "resources": ["widgets"], "verbs": VERBS},
]
KINDS = Kinds(
    [CONFIG_MAP, custom_resource("example.com", "Widget", "widgets", "v1", [Pattern("/spec/password")])],
)


@pytest.mark.parametrize(
    ("asked", "added"),
    [
        pytest.param({"restarts": True}, OF_RESTARTS, id="restarts"),
        pytest.param({"variables": True}, OF_VARIABLES, id="variables"),
        pytest.param({"kinds": KINDS}, OF_KINDS, id="kinds"),
        pytest.param(
            {"restarts": True, "variables": True, "kinds": KINDS}, [*OF_RESTARTS, *OF_VARIABLES, *OF_KINDS], id="all"
        ),
    ],
)
def test_further_rights_are_given_only_where_they_are_asked_for(
    asked: dict[str, Any], added: list[dict[str, Any]]
) -> None:
    shop, who = Tenant("shop", WEBHOOK, CONTROLLER), "shop/keyhole-reconciler"
    usual, more = granted(shop), granted(shop, **asked)
    assert more.pop(who) == [*usual.pop(who), *added]
    assert more == usual


def test_only_a_tenant_with_variables_has_their_label() -> None:
    shop = Tenant("shop", WEBHOOK, CONTROLLER)
    labels = [objects(shop, variables=variables)[0]["metadata"]["labels"] for variables in (False, True)]
    assert labels == [{LABEL: "true"}, {LABEL: "true", VARIABLES: "true"}]


def test_nothing_reaches_beyond_the_namespace() -> None:
    found = objects(Tenant("shop", WEBHOOK, CONTROLLER, ENFORCER))
    assert {each["kind"] for each in found} == {"Namespace", "ServiceAccount", "Role", "RoleBinding"}
    within = [each["metadata"].get("namespace") for each in found if each["kind"] != "Namespace"]
    assert set(within) == {"shop"}
    (namespace,) = (each for each in found if each["kind"] == "Namespace")
    assert namespace["metadata"] == {"name": "shop", "labels": {LABEL: "true"}}


def test_no_pod_gets_a_token_of_the_accounts() -> None:
    accounts = [each for each in objects(Tenant("shop", WEBHOOK, CONTROLLER)) if each["kind"] == "ServiceAccount"]
    assert {each["metadata"]["name"] for each in accounts} == {"keyhole", "keyhole-reconciler"}
    assert [each["automountServiceAccountToken"] for each in accounts] == [False, False]


def test_a_comment_stands_above_each_rule_and_each_switch() -> None:
    text = render(
        Tenant("shop", WEBHOOK, CONTROLLER, ENFORCER), restarts=True, variables=True, kinds=Kinds([CONFIG_MAP])
    )
    lines = [line.strip() for line in text.splitlines()]
    switches = ("- apiGroups:", "automountServiceAccountToken:", "keyhole.dev/enabled:", "keyhole.dev/variables:")
    explained = [index for index, line in enumerate(lines) if line.startswith(switches)]
    assert len(explained) == 16
    # One reason stands above the rules for what a pod may belong to.
    unexplained = [lines[index] for index in explained if not lines[index - 1].startswith("# ")]
    assert unexplained == ["- apiGroups: [batch]"]


@given(LABELS, LABELS, LABELS)
@settings(deadline=None)
def test_every_name_is_read_back_as_the_text_that_it_is(namespace: str, owner: str, name: str) -> None:
    of = Tenant(namespace, Account(owner, name), Account(owner, name), Account(owner, name))
    assert {each["metadata"].get("namespace", namespace) for each in objects(of)} == {namespace}
    assert f"{owner}/{name}" in granted(of)


@pytest.mark.parametrize("name", ["123", "1e3", "0x1f", "2024-01-01", "null", "true", "on", "n"])
def test_a_name_that_is_a_number_or_a_word_of_yaml_is_quoted(name: str) -> None:
    text = render(Tenant(name, WEBHOOK, CONTROLLER))
    assert f'namespace: "{name}"' in text
    assert not re.search(rf"(?:name|namespace): {name}\b", text)


@pytest.mark.parametrize(
    ("namespace", "webhook", "controller", "told"),
    [
        pytest.param("Shop", WEBHOOK, CONTROLLER, "not a name for a namespace", id="a name with capitals"),
        pytest.param("a" * 64, WEBHOOK, CONTROLLER, "not a name for a namespace", id="a name that is too long"),
        pytest.param("shop\n---", WEBHOOK, CONTROLLER, "not a name for a namespace", id="a name that is more YAML"),
        pytest.param("kube-system", WEBHOOK, CONTROLLER, "belongs to Kubernetes", id="a namespace of Kubernetes"),
        pytest.param("keyhole", WEBHOOK, CONTROLLER, "Keyhole's own account", id="the namespace of the webhook"),
        pytest.param("c", WEBHOOK, Account("c", "x"), "Keyhole's own account", id="the namespace of the controller"),
        pytest.param("shop", Account("k", "keyhole"), CONTROLLER, "of tenants' accounts", id="a webhook named keyhole"),
    ],
)
def test_what_can_be_no_tenant_is_refused(namespace: str, webhook: Account, controller: Account, told: str) -> None:
    with pytest.raises(TenantRefused, match=re.escape(told)):
        tenant(namespace, webhook, controller)


@pytest.mark.parametrize("text", ["", "keyhole", "a/", "/b", "a/b/c", "A/b", "a.b/c", "a/b..c", "a/-b", "a/b\n"])
def test_an_account_is_a_namespace_and_a_name(text: str) -> None:
    with pytest.raises(TenantRefused, match="NAMESPACE/NAME"):
        account(text)


def test_an_account_s_name_may_have_dots() -> None:
    assert account("keyhole/web.hook") == Account("keyhole", "web.hook")
