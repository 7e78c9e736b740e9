"""What the controller's identity may do in Kubernetes: asked of the real API server, and tried."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from manifests.registration.webhook_configuration import NAME, OWN_NAMESPACE
from testbed import Testbed
from testbed.keyhole.identities import (
    API_SERVICE,
    CERTIFICATE_AUTHORITY,
    LEASE,
    RECORD_KEY,
    SERVING_CERTIFICATE,
    controller_kubeconfig,
)
from testbed.keyhole.record_key import add_empty_record_key
from tests.e2e.asker import Asker, asker_by_kubeconfig, rule
from tests.e2e.keys.conftest import Tenants

TENANT, BARE = "controlled", "controlled-without-bundle"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{OWN_NAMESPACE}/leases"
_OWN = f"/api/v1/namespaces/{OWN_NAMESPACE}/secrets"
_IN = f"/api/v1/namespaces/{TENANT}"
_REGISTRATION = "/apis/apiregistration.k8s.io/v1/apiservices"
_CONFIGURATION = f"/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/{NAME}"
_MADE = {"metadata": {"name": "made"}}
EVERYWHERE = {
    rule("", "namespaces", "list"),
    rule("apiregistration.k8s.io", "apiservices", "get patch", API_SERVICE),
    rule("admissionregistration.k8s.io", "mutatingwebhookconfigurations", "get", NAME),
}
IN_ITS_OWN = {
    rule("", "secrets", "get patch create", RECORD_KEY, CERTIFICATE_AUTHORITY, SERVING_CERTIFICATE),
    rule("coordination.k8s.io", "leases", "get patch create", LEASE),
}
MINTS = rule("", "serviceaccounts/token", "create", "keyhole", "keyhole-reconciler")


@pytest.fixture(scope="module")
def controller_itself(bed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    add_empty_record_key(bed)
    with contextlib.closing(Tenants(bed)) as tenants:
        tenants.add(TENANT)
        tenants.add_secret(TENANT, "plain", "00000000")
        tenants.add_without_bundle(BARE)
        folder = tmp_path_factory.mktemp("rights") / "controller"
        with contextlib.closing(asker_by_kubeconfig(bed, controller_kubeconfig(bed), folder)) as asker:
            yield asker


@pytest.fixture(scope="module")
def nobody(bed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    kubeconfig = bed.kubernetes.kubeconfig_for("nobody-at-all")
    folder = tmp_path_factory.mktemp("rights") / "nobody"
    with contextlib.closing(asker_by_kubeconfig(bed, kubeconfig, folder)) as asker:
        yield asker


@pytest.mark.parametrize(
    ("namespace", "further"),
    [
        pytest.param(OWN_NAMESPACE, IN_ITS_OWN, id="Keyhole's own namespace"),
        pytest.param(TENANT, {MINTS}, id="a tenant"),
        pytest.param(BARE, set(), id="a namespace that opted in without the bundle"),
        pytest.param("default", set(), id="a namespace that did not opt in"),
        pytest.param("kube-system", set(), id="kube-system"),
    ],
)
def test_the_api_server_lists_no_other_right(
    controller_itself: Asker, nobody: Asker, namespace: str, further: set[str]
) -> None:
    assert controller_itself.rules(namespace) - nobody.rules(namespace) == EVERYWHERE | further


def test_it_can_do_what_it_needs(controller_itself: Asker) -> None:
    assert controller_itself.ask("GET", f"{_OWN}/{RECORD_KEY}").status_code == 200
    assert (
        controller_itself.ask("PATCH", f"{_OWN}/{RECORD_KEY}", {"metadata": {"labels": {"a": "b"}}}).status_code == 200
    )
    assert controller_itself.ask("GET", "/api/v1/namespaces").status_code == 200
    assert controller_itself.mint(TENANT, "keyhole-reconciler").status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("GET", _OWN, None, id="list the Secrets of its own namespace"),
        pytest.param("GET", f"{_OWN}/another", None, id="read another Secret there"),
        pytest.param("POST", _OWN, _MADE, id="make a Secret there"),
        pytest.param("DELETE", f"{_OWN}/{RECORD_KEY}", None, id="delete the record key"),
        pytest.param("POST", _OWN, {"metadata": {"name": RECORD_KEY}}, id="make even the record key by POST"),
        pytest.param("POST", _OWN, {"metadata": {"name": SERVING_CERTIFICATE}}, id="make even its own Secret by POST"),
        pytest.param("DELETE", f"{_OWN}/{CERTIFICATE_AUTHORITY}", None, id="delete the certificate authority"),
        pytest.param("GET", _LEASES, None, id="list Leases"),
        pytest.param("POST", _LEASES, _MADE, id="make a Lease"),
        pytest.param("DELETE", f"{_LEASES}/{LEASE}", None, id="delete its Lease"),
        pytest.param("PATCH", f"{_LEASES}/another", {"spec": {}}, id="change another Lease"),
        pytest.param("GET", f"{_IN}/secrets", None, id="list a tenant's Secrets as itself"),
        pytest.param("GET", f"{_IN}/secrets/plain", None, id="read a tenant's Secret as itself"),
        pytest.param("PATCH", f"{_IN}/secrets/plain", {"metadata": {}}, id="change a tenant's Secret as itself"),
        pytest.param("GET", "/api/v1/secrets", None, id="list everybody's Secrets"),
        pytest.param("GET", _IN, None, id="get a namespace"),
        pytest.param("PATCH", _IN, {"metadata": {"labels": {"a": "b"}}}, id="change a namespace"),
        pytest.param("POST", f"{_IN}/pods", _MADE, id="make a Pod"),
        pytest.param("PATCH", f"{_RBAC}/clusterroles/keyhole-controller", {"rules": []}, id="change its own role"),
        pytest.param("POST", f"{_RBAC}/clusterrolebindings", _MADE, id="bind itself to a role"),
        pytest.param(
            "GET",
            "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
            None,
            id="list webhook configurations",
        ),
        pytest.param("PATCH", _CONFIGURATION, {"webhooks": []}, id="change the webhook configuration"),
        pytest.param("GET", f"{_REGISTRATION}/v1.apps", None, id="read another APIService"),
        pytest.param("PATCH", f"{_REGISTRATION}/v1.apps", {"spec": {}}, id="change another APIService"),
        pytest.param("DELETE", f"{_REGISTRATION}/{API_SERVICE}", None, id="delete the APIService"),
    ],
)
def test_it_can_do_nothing_else(
    controller_itself: Asker, method: str, path: str, body: Mapping[str, Any] | None
) -> None:
    assert controller_itself.ask(method, path, body).status_code == 403


def test_it_mints_tokens_of_the_two_accounts_and_only_where_it_was_let(controller_itself: Asker) -> None:
    accounts = [(TENANT, "default"), (BARE, "keyhole-reconciler"), (BARE, "keyhole"), (OWN_NAMESPACE, "default")]
    assert {controller_itself.mint(*account).status_code for account in accounts} == {403}
