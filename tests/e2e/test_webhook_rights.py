"""What the webhook's identity may do in Kubernetes: asked of the real API server, and tried.

The rows of the design's table of identities: it mints tokens of `keyhole` where a namespace lets it, reads Namespaces,
asks who may do what, and that is all. What it mints is worth nothing in Kubernetes.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from manifests.registration.webhook_configuration import OWN_NAMESPACE
from testbed import Testbed
from testbed.keyhole.connections import AUDIENCE
from testbed.keyhole.identities import (
    CERTIFICATE_AUTHORITY,
    RECORD_KEY,
    SERVING_CERTIFICATE,
    WEBHOOK_USER,
    webhook_kubeconfig,
)
from testbed.keyhole.objects import apply
from testbed.keyhole.record_key import add_record_key
from testbed.keyhole.tenants import add_tenant
from tests.e2e.asker import Asker, asker_by_kubeconfig, rule
from tests.e2e.conftest import opted_in_namespace
from tests.e2e.objects import secret

TENANT, BARE = "rights", "rights-without-role"
_ACCOUNTS = ("keyhole", "keyhole-reconciler", "default", "keyhole-webhook", "keyhole2", "app")
_RBAC = "rbac.authorization.k8s.io"
# Bound by the aggregation tests, as the chart does: the ConfigMap with the front-proxy CA, and nothing secret.
_READS_FRONT_PROXY_CA = json.dumps(
    {
        "apiGroups": [""],
        "resourceNames": ["extension-apiserver-authentication"],
        "resources": ["configmaps"],
        "verbs": ["get", "list", "watch"],
    },
    sort_keys=True,
)


EVERYWHERE = {rule("", "namespaces", "get"), rule("authorization.k8s.io", "subjectaccessreviews", "create")}
READS_ITS_TWO_SECRETS = rule("", "secrets", "get", RECORD_KEY, SERVING_CERTIFICATE)
MINTS = rule("", "serviceaccounts/token", "create", "keyhole")


@pytest.fixture(scope="module")
def _namespaces(testbed: Testbed) -> None:
    """Make a tenant, and a namespace that opted in and gave the webhook no right; both with accounts and a Secret."""
    add_tenant(testbed, TENANT, [f"secret/data/{TENANT}/*"])
    opted_in_namespace(testbed, BARE)
    for namespace in (TENANT, BARE):
        accounts = [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
            for name in _ACCOUNTS
        ]
        plain = secret("plain")
        plain["metadata"]["namespace"] = namespace
        apply(testbed, *accounts, plain)


@pytest.fixture
def webhook_itself(testbed: Testbed, tmp_path: Path, _namespaces: None) -> Iterator[Asker]:
    asker = asker_by_kubeconfig(testbed, webhook_kubeconfig(testbed), tmp_path / "webhook")
    yield asker
    asker.close()


@pytest.fixture
def nobody(testbed: Testbed, tmp_path: Path, _namespaces: None) -> Iterator[Asker]:
    """Return a user whom no role names: what is left of the webhook's rights without Keyhole's."""
    asker = asker_by_kubeconfig(testbed, testbed.kubernetes.kubeconfig_for("nobody-at-all"), tmp_path / "nobody")
    yield asker
    asker.close()


@pytest.mark.parametrize(
    ("namespace", "further"),
    [
        pytest.param(TENANT, {MINTS}, id="a tenant"),
        pytest.param(BARE, set(), id="a namespace that opted in without the bundle"),
        pytest.param("default", set(), id="a namespace that did not opt in"),
        pytest.param("kube-system", set(), id="kube-system"),
        pytest.param(OWN_NAMESPACE, {READS_ITS_TWO_SECRETS}, id="Keyhole's own namespace"),
    ],
)
def test_the_api_server_lists_no_other_right(
    webhook_itself: Asker, nobody: Asker, namespace: str, further: set[str]
) -> None:
    told = webhook_itself.rules(namespace) - nobody.rules(namespace)
    if namespace == "kube-system":
        told.discard(_READS_FRONT_PROXY_CA)
    assert told == EVERYWHERE | further


@pytest.mark.parametrize("namespace", [TENANT, BARE, "default", "kube-system", OWN_NAMESPACE])
def test_it_cannot_read_a_secret(webhook_itself: Asker, namespace: str) -> None:
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    for path in (secrets, f"{secrets}/plain", f"{secrets}?watch=true&timeoutSeconds=1", "/api/v1/secrets"):
        assert webhook_itself.ask("GET", path).status_code == 403


def test_of_the_record_key_it_may_get_that_one_secret_and_do_nothing_else(
    webhook_itself: Asker, testbed: Testbed
) -> None:
    add_record_key(testbed)
    secrets = f"/api/v1/namespaces/{OWN_NAMESPACE}/secrets"
    assert webhook_itself.ask("GET", f"{secrets}/{RECORD_KEY}").status_code == 200
    only = f"fieldSelector=metadata.name={RECORD_KEY}"
    for path in (f"{secrets}?{only}", f"{secrets}?{only}&watch=true&timeoutSeconds=1"):
        assert webhook_itself.ask("GET", path).status_code == 403
    for method, body in (("PATCH", {"data": {"signing": None}}), ("PUT", _MADE), ("DELETE", None)):
        assert webhook_itself.ask(method, f"{secrets}/{RECORD_KEY}", body).status_code == 403
    assert webhook_itself.ask("POST", secrets, _MADE).status_code == 403


def test_the_authoritys_key_is_not_for_it(webhook_itself: Asker) -> None:
    secrets = f"/api/v1/namespaces/{OWN_NAMESPACE}/secrets"
    # Not found, for nobody made it; the authority's is forbidden, made or not.
    assert webhook_itself.ask("GET", f"{secrets}/{SERVING_CERTIFICATE}").status_code in {200, 404}
    for method in ("GET", "PATCH", "DELETE"):
        assert webhook_itself.ask(method, f"{secrets}/{CERTIFICATE_AUTHORITY}", {}).status_code == 403


def test_it_mints_tokens_of_keyhole_where_it_was_let_and_no_others(webhook_itself: Asker) -> None:
    granted = {
        f"{namespace}/{account}"
        for namespace in (TENANT, BARE)
        for account in _ACCOUNTS
        if webhook_itself.mint(namespace, account, AUDIENCE).status_code == 201
    }
    assert granted == {f"{TENANT}/keyhole"}
    for namespace in ("default", "kube-system", "no-such-namespace"):
        assert webhook_itself.mint(namespace, "keyhole", AUDIENCE).status_code == 403
        assert webhook_itself.mint(namespace, "default", AUDIENCE).status_code == 403


_IN = f"/api/v1/namespaces/{TENANT}"
_ROLES = f"/apis/{_RBAC}/v1"
_MADE = {"metadata": {"name": "made"}}
_BINDING = {
    **_MADE,
    "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
    "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": WEBHOOK_USER}],
}
_WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("POST", f"{_IN}/secrets", _MADE, id="make a Secret"),
        pytest.param("PATCH", f"{_IN}/secrets/plain", {"data": {"a": "Yg=="}}, id="change a Secret"),
        pytest.param("DELETE", f"{_IN}/secrets/plain", None, id="delete a Secret"),
        pytest.param("GET", f"{_IN}/configmaps", None, id="read ConfigMaps"),
        pytest.param("GET", f"{_IN}/pods", None, id="read Pods"),
        pytest.param("GET", f"{_IN}/serviceaccounts", None, id="list ServiceAccounts"),
        pytest.param("POST", f"{_IN}/serviceaccounts", {"metadata": {"name": "made"}}, id="make a ServiceAccount"),
        pytest.param("POST", f"{_IN}/pods", _MADE, id="make a Pod, which could mount any Secret"),
        pytest.param("GET", "/api/v1/namespaces", None, id="list namespaces"),
        pytest.param("PATCH", _IN, {"metadata": {"labels": {"keyhole.dev/enabled": "true"}}}, id="opt a namespace in"),
        pytest.param("DELETE", _IN, None, id="delete a namespace"),
        pytest.param("POST", f"{_ROLES}/clusterrolebindings", _BINDING, id="bind itself to a role"),
        pytest.param("POST", f"{_ROLES}/namespaces/{TENANT}/rolebindings", _BINDING, id="the same in a namespace"),
        pytest.param("PATCH", f"{_ROLES}/clusterroles/keyhole-webhook", {"rules": []}, id="change its own role"),
        pytest.param("GET", _WEBHOOKS, None, id="read webhook configurations"),
        pytest.param("PATCH", f"{_WEBHOOKS}/keyhole", {"webhooks": []}, id="change its own webhook configuration"),
    ],
)
def test_it_can_do_nothing_else(webhook_itself: Asker, method: str, path: str, body: Mapping[str, Any] | None) -> None:
    assert webhook_itself.ask(method, path, body).status_code == 403


def test_it_can_be_nobody_else(webhook_itself: Asker, testbed: Testbed) -> None:
    for user in ("system:admin", f"system:serviceaccount:{TENANT}:default"):
        done = testbed.kubectl(
            "get", "secrets", "-n", TENANT, "--as", user, kubeconfig=webhook_kubeconfig(testbed), check=False
        )
        assert "cannot impersonate" in done.stderr


def test_it_can_do_what_it_needs(webhook_itself: Asker) -> None:
    assert webhook_itself.ask("GET", _IN).status_code == 200
    attributes = {"namespace": TENANT, "verb": "get", "resource": "secrets"}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
    asked = {**review, "spec": {"user": "jane", "resourceAttributes": attributes}}
    answer = webhook_itself.ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", asked)
    assert (answer.status_code, answer.json()["status"]["allowed"]) == (201, False)


class TestATokenOfKeyhole:
    """As a thief of the webhook's identity would mint it."""

    @pytest.fixture
    def stolen(self, webhook_itself: Asker, testbed: Testbed) -> Iterator[Asker]:
        """Return who holds one for the API server's own audience."""
        granted = webhook_itself.mint(TENANT, "keyhole", testbed.kubernetes.issuer)
        assert granted.status_code == 201
        asker = Asker(testbed, token=granted.json()["status"]["token"])
        yield asker
        asker.close()

    @pytest.fixture
    def fresh(self, testbed: Testbed, _namespaces: None) -> Iterator[Asker]:
        """Return an account whom nobody gave a right."""
        token = testbed.kubectl("create", "token", "app", "-n", BARE).stdout.strip()
        asker = Asker(testbed, token=token)
        yield asker
        asker.close()

    def test_it_is_believed(self, stolen: Asker) -> None:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        told = stolen.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review).json()
        assert told["status"]["userInfo"]["username"] == f"system:serviceaccount:{TENANT}:keyhole"

    @pytest.mark.parametrize("namespace", [TENANT, BARE, "default", "kube-system"])
    def test_it_may_do_what_any_account_may(self, stolen: Asker, fresh: Asker, namespace: str) -> None:
        assert stolen.rules(namespace) == fresh.rules(namespace)

    def test_it_gets_nothing_when_it_tries(self, stolen: Asker) -> None:
        for kind in ("secrets", "configmaps", "pods", "serviceaccounts", "events"):
            assert stolen.ask("GET", f"{_IN}/{kind}").status_code == 403
        for path in (_IN, f"{_IN}/secrets/plain", "/api/v1/namespaces", "/api/v1/nodes", _WEBHOOKS):
            assert stolen.ask("GET", path).status_code == 403
        assert stolen.ask("POST", f"{_IN}/secrets", _MADE).status_code == 403
        for account in _ACCOUNTS:
            assert stolen.mint(TENANT, account, AUDIENCE).status_code == 403

    def test_one_for_vault_is_not_believed_by_the_api_server(self, webhook_itself: Asker, testbed: Testbed) -> None:
        token = webhook_itself.mint(TENANT, "keyhole", AUDIENCE).json()["status"]["token"]
        asker = Asker(testbed, token=token)
        assert asker.ask("GET", "/api").status_code == 401
        asker.close()
