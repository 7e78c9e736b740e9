"""The rights that the chart gives are those that the tests of the rights try, and no others."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pytest

from testbed.keyhole.helm import Helm
from testbed.keyhole.rights import (
    CHANGES_VIEW,
    CONTROLLER_EVERYWHERE,
    ENFORCER_EVERYWHERE,
    ENFORCER_IN_ITS_NAMESPACE,
    ENFORCER_REPORTS,
    PAGE_EVERYWHERE,
    PAGE_LOGS,
    PAGE_TOKENS,
    WEBHOOK_EVERYWHERE,
    controller_in_its_namespace,
    controller_of_certificates,
    webhook_in_its_namespace,
)
from tests.charts.charts import Manifest, rendered, the

Right = tuple[str, str, str, str]
RECORD_KEY, CA, CERTIFICATE = "keyhole-record-key", "keyhole-ca", "keyhole-serving-certificate"
ROUTING, ASKING = controller_of_certificates("v1alpha1.admission.keyhole.dev", "keyhole")


def rights(rules: Sequence[Mapping[str, Any]]) -> set[Right]:
    """Return each right by itself: group, resource, name (* for any) and verb."""
    return {
        right
        for rule in rules
        for right in product(rule["apiGroups"], rule["resources"], rule.get("resourceNames", ["*"]), rule["verbs"])
    }


def given(manifests: Sequence[Manifest], kind: str, name: str) -> set[Right]:
    """Return the rights of a Role or ClusterRole, after checking who they are given to."""
    binding = the(
        [one for one in manifests if one["metadata"].get("namespace") != "kube-system"], f"{kind}Binding", name
    )
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": name, "namespace": "keyhole"}]
    return rights(the(manifests, kind, name)["rules"])


def test_the_webhooks(helm: Helm) -> None:
    manifests = rendered(helm)
    assert given(manifests, "ClusterRole", "keyhole-webhook") == rights(WEBHOOK_EVERYWHERE)
    assert given(manifests, "Role", "keyhole-webhook") == rights(webhook_in_its_namespace(RECORD_KEY, CERTIFICATE))


def test_the_webhooks_with_a_certificate_of_your_own(helm: Helm) -> None:
    mine = ("certificates.mode=existingSecret", "certificates.existingSecret=mine")
    manifests = rendered(helm, *mine, "certificates.caBundle=-----BEGIN CERTIFICATE-----")
    assert given(manifests, "Role", "keyhole-webhook") == rights(webhook_in_its_namespace(RECORD_KEY, "mine"))


@pytest.mark.parametrize(
    ("settings", "trust"),
    [
        pytest.param([], ROUTING, id="by aggregation: the APIService"),
        pytest.param(["caller.mode=none"], ASKING, id="asked directly: the webhook configuration, to be read"),
    ],
)
def test_the_controllers_when_it_keeps_the_certificates(
    helm: Helm, settings: list[str], trust: Mapping[str, Any]
) -> None:
    manifests = rendered(helm, *settings)
    within = controller_in_its_namespace(RECORD_KEY, "keyhole-controller", CA, CERTIFICATE)
    assert given(manifests, "ClusterRole", "keyhole-controller") == rights([*CONTROLLER_EVERYWHERE, trust])
    assert given(manifests, "Role", "keyhole-controller") == rights(within)


def test_the_controllers_when_others_do(helm: Helm) -> None:
    manifests = rendered(helm, "certificates.mode=certManager")
    within = rights(controller_in_its_namespace(RECORD_KEY, "keyhole-controller", CA, CERTIFICATE))
    certificates = {right for right in within if right[2] in {CA, CERTIFICATE}}
    assert given(manifests, "ClusterRole", "keyhole-controller") == rights(CONTROLLER_EVERYWHERE)
    assert given(manifests, "Role", "keyhole-controller") == within - certificates


def test_the_enforcers(helm: Helm) -> None:
    manifests = rendered(helm, "enforcer.enabled=true")
    assert given(manifests, "ClusterRole", "keyhole-enforcer") == rights(ENFORCER_EVERYWHERE)
    assert given(manifests, "Role", "keyhole-enforcer") == rights(ENFORCER_IN_ITS_NAMESPACE)


def test_the_enforcers_where_it_writes_reports(helm: Helm) -> None:
    manifests = rendered(helm, "enforcer.enabled=true", "enforcer.openReports=true")
    more = rights([*ENFORCER_EVERYWHERE, *ENFORCER_REPORTS])
    assert given(manifests, "ClusterRole", "keyhole-enforcer") == more


def test_who_tests_may_try_one_secret_and_only_as_long_as_the_test_takes(helm: Helm) -> None:
    manifests = rendered(helm)
    role = the(manifests, "Role", "keyhole-test")
    assert rights(role["rules"]) == {("", "secrets", "keyhole-probe", verb) for verb in ("create", "patch")}
    for kind in ("Role", "RoleBinding", "ServiceAccount", "Pod"):
        annotations = the(manifests, kind, "keyhole-test")["metadata"]["annotations"]
        assert annotations["helm.sh/hook"] == "test"
        assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"


def test_nobody_else_is_given_anything(helm: Helm) -> None:
    roles = {one["metadata"]["name"] for one in rendered(helm) if one["kind"] in {"Role", "ClusterRole"}}
    assert roles == {"keyhole-webhook", "keyhole-controller", "keyhole-test"}


def test_the_pages(helm: Helm) -> None:
    trail = ("page.enabled=true", "audit.existingSecret=audit")
    manifests = rendered(helm, *trail, "page.kubernetesTokens=true", "page.behindProxy=true")
    assert given(manifests, "ClusterRole", "keyhole-page") == rights([*PAGE_EVERYWHERE, *PAGE_TOKENS])
    assert given(manifests, "Role", "keyhole-page") == rights(PAGE_LOGS)
    view = the(manifests, "ClusterRole", "keyhole-changes-view")
    assert rights(view["rules"]) == rights(CHANGES_VIEW)
    # That of an issuer needs no TokenReview, and one that is for port-forward asks nobody.
    issuer = ("page.oidc.issuer=https://issuer.example", "page.oidc.clientId=keyhole", "page.behindProxy=true")
    assert given(rendered(helm, *trail, *issuer), "ClusterRole", "keyhole-page") == rights(PAGE_EVERYWHERE)
    assert not [
        one for one in rendered(helm, *trail) if one["kind"] == "ClusterRole" and "page" in one["metadata"]["name"]
    ]
