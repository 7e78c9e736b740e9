"""What the Enforcer's identity may do in Kubernetes and in Vault: asked of the real servers, and tried."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import hvac
import pytest
from hvac.exceptions import Forbidden

from manifests.registration.webhook_configuration import OWN_NAMESPACE
from testbed import Testbed
from testbed.keyhole.connections import AUDIENCE
from testbed.keyhole.identities import ENFORCER
from testbed.keyhole.rights import ENFORCER_EVERYWHERE, ENFORCER_IN_ITS_NAMESPACE
from tests.e2e.asker import Asker, asker_by_kubeconfig, rule
from tests.e2e.enforcer.installed import TENANTS
from tests.e2e.planter import Planter

TENANT = TENANTS[0]
_IN = f"/api/v1/namespaces/{TENANT}"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_MADE = {"metadata": {"name": "made"}}
EVERYWHERE = {json.dumps(each, sort_keys=True) for each in ENFORCER_EVERYWHERE}
IN_ITS_OWN = {json.dumps(each, sort_keys=True) for each in ENFORCER_IN_ITS_NAMESPACE}
MINTS = rule("", "serviceaccounts/token", "create", "keyhole", "keyhole-reconciler")


@pytest.fixture(scope="module")
def itself(bed: Testbed, kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    folder = tmp_path_factory.mktemp("rights") / "enforcer"
    with contextlib.closing(asker_by_kubeconfig(bed, kubeconfig, folder)) as asker:
        yield asker


@pytest.fixture(scope="module")
def nobody(bed: Testbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    kubeconfig = bed.kubernetes.kubeconfig_for("nobody-at-all", ["system:serviceaccounts"])
    folder = tmp_path_factory.mktemp("rights") / "nobody"
    with contextlib.closing(asker_by_kubeconfig(bed, kubeconfig, folder)) as asker:
        yield asker


@pytest.mark.parametrize(
    ("namespace", "further"),
    [
        pytest.param(OWN_NAMESPACE, IN_ITS_OWN, id="Keyhole's own namespace"),
        pytest.param(TENANT, {MINTS}, id="a tenant that lets it in"),
        pytest.param("default", set(), id="a namespace that did not opt in"),
        pytest.param("kube-system", set(), id="kube-system"),
    ],
)
def test_the_api_server_lists_no_other_right(itself: Asker, nobody: Asker, namespace: str, further: set[str]) -> None:
    assert itself.rules(namespace) - nobody.rules(namespace) == EVERYWHERE | further


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("GET", f"{_IN}/secrets", None, id="list Secrets"),
        pytest.param("GET", "/api/v1/secrets", None, id="list the Secrets of all namespaces"),
        pytest.param("PATCH", f"{_IN}/secrets/x?dryRun=All", {}, id="try a change of a Secret as itself"),
        pytest.param("GET", f"{_IN}/configmaps", None, id="list ConfigMaps"),
        pytest.param(
            "GET", f"/api/v1/namespaces/{OWN_NAMESPACE}/secrets/keyhole-record-key", None, id="the record key"
        ),
        pytest.param("GET", f"/api/v1/namespaces/{OWN_NAMESPACE}/pods/x/log", None, id="read logs"),
        pytest.param("POST", f"{_IN}/pods", _MADE, id="make a Pod"),
        pytest.param("PATCH", _IN, {"metadata": {"labels": {"a": "b"}}}, id="label a namespace"),
        pytest.param("PATCH", f"{_ADMISSION}/mutatingwebhookconfigurations/keyhole", {}, id="change the registration"),
        pytest.param("DELETE", f"{_ADMISSION}/validatingadmissionpolicies/keyhole", None, id="delete a policy"),
        pytest.param("POST", f"{_RBAC}/clusterrolebindings", _MADE, id="give itself a role"),
        pytest.param("GET", f"{_RBAC}/clusterroles", None, id="list roles"),
        pytest.param("POST", f"/apis/openreports.io/v1alpha1/namespaces/{TENANT}/reports", _MADE, id="write reports"),
    ],
)
def test_it_can_do_nothing_else(itself: Asker, method: str, path: str, body: Mapping[str, Any] | None) -> None:
    assert itself.ask(method, path, body).status_code == 403


def test_it_mints_tokens_of_itself_and_of_keyholes_two_accounts_where_it_was_let(itself: Asker) -> None:
    assert itself.mint(OWN_NAMESPACE, "keyhole-enforcer", AUDIENCE).status_code == 201
    for account, code in (("keyhole", 201), ("keyhole-reconciler", 201), ("default", 403)):
        assert itself.mint(TENANT, account, AUDIENCE).status_code == code
    for namespace, account in ((OWN_NAMESPACE, "keyhole-webhook"), ("default", "keyhole"), ("kube-system", "default")):
        assert itself.mint(namespace, account, AUDIENCE).status_code == 403


class TestInVault:
    @pytest.fixture
    def client(self, bed: Testbed, itself: Asker) -> hvac.Client:
        """Return who logged in as the Enforcer."""
        minted = itself.mint(ENFORCER.namespace, ENFORCER.name, AUDIENCE).json()["status"]["token"]
        answer = bed.vault.client(token="").adapter.login(
            "/v1/auth/jwt/login", json={"role": "keyhole_enforcer", "jwt": minted}
        )
        return bed.vault.client(answer["auth"]["client_token"])

    def test_it_reads_policies_and_roles_of_namespaces_and_no_secret(self, client: hvac.Client, plant: Planter) -> None:
        plant.secret("app")
        assert client.sys.read_acl_policy(f"keyhole-{TENANT}")["data"]["policy"]
        assert client.auth.jwt.read_role(f"keyhole-{TENANT}")["data"]["token_policies"] == [f"keyhole-{TENANT}"]
        kv = client.secrets.kv.v2
        for attempt in (
            lambda: kv.read_secret_version(f"{TENANT}/app", raise_on_deleted_version=False),
            lambda: kv.read_secret_metadata(f"{TENANT}/app"),
            lambda: kv.list_secrets(TENANT),
            lambda: client.sys.read_acl_policy("default"),
            lambda: client.sys.create_or_update_acl_policy(f"keyhole-{TENANT}", "{}"),
            client.sys.list_acl_policies,
            client.auth.token.lookup_self,
        ):
            with pytest.raises(Forbidden):
                attempt()
