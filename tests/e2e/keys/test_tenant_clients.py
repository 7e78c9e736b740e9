"""Keyhole acts as tenants with few tokens, and with the rights of each tenant only."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import pytest

from kube.client import connect
from kube.errors import KubernetesError
from kube.namespaces import Namespaces
from kube.objects import ObjectName
from kube.tenant_clients import TenantApi, TenantClients
from resolver.identity import RECONCILER
from testbed import Testbed
from testbed.keyhole.identities import controller_kubeconfig
from testbed.keyhole.objects import apply, delete
from tests.clock import Clock
from tests.e2e.keys.conftest import Tenants
from tests.e2e.processes import eventually

_CALL_SECONDS = 10.0
_THREADS = 8
_ONE, _OTHER, _BARE, _ANEW = "acted-for", "acted-for-too", "acted-for-without-bundle", "acted-for-anew"


class Requests:
    """Counts what the API server was asked for."""

    def __init__(self) -> None:
        self._counted: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def note(self, _verb: str, resource: str, status: str, _seconds: float) -> None:
        with self._lock:
            self._counted[resource, status] += 1

    @property
    def tokens(self) -> int:
        return self._counted["serviceaccounts/token", "201"]

    @property
    def lists(self) -> int:
        return self._counted["secrets", "200"]


@pytest.fixture(scope="module")
def acted_for(bed: Testbed) -> Iterator[None]:
    tenants = Tenants(bed)
    tenants.add(_ONE)
    tenants.add(_OTHER)
    tenants.add_without_bundle(_BARE)
    tenants.add_secret(_ONE, "one", "00000000")
    yield
    tenants.close()


@pytest.fixture
def requests() -> Requests:
    return Requests()


Make = Callable[..., TenantClients]


@pytest.fixture
def make(bed: Testbed, requests: Requests, acted_for: None) -> Make:
    """Return what makes clients that act with the rights of the controller."""
    api = connect(controller_kubeconfig(bed), observe=requests.note)
    return lambda **settings: TenantClients(api, **settings)


def _names(tenant: TenantApi, namespace: str) -> list[str]:
    found = tenant.secrets.list_metadata(namespace, "keyhole.dev/managed=true", _CALL_SECONDS)
    return [one.name if isinstance(one.name, str) else one.name.name for one in found]


def test_threads_that_want_the_same_tenant_share_a_token(make: Make, requests: Requests) -> None:
    clients, together = make(), threading.Barrier(_THREADS)

    def ask() -> TenantApi:
        together.wait()
        return clients.acting_as(RECONCILER, _ONE, _CALL_SECONDS)

    with ThreadPoolExecutor(_THREADS) as pool:
        found = [future.result() for future in [pool.submit(ask) for _ in range(_THREADS)]]
        assert list(pool.map(lambda tenant: _names(tenant, _ONE), found)) == [["one"]] * _THREADS
    assert (requests.tokens, requests.lists) == (1, _THREADS)


def test_a_token_is_kept_for_nine_of_its_ten_minutes(make: Make, requests: Requests) -> None:
    clock = Clock()
    clients = make(clock=clock)
    for seconds, tokens in ((0, 1), (539, 1), (1, 2), (539, 2)):
        clock.now += seconds
        clients.acting_as(RECONCILER, _ONE, _CALL_SECONDS)
        assert requests.tokens == tokens


def test_whoever_works_for_longer_than_a_token_lives_gets_another_one(make: Make, requests: Requests) -> None:
    clock = Clock()
    tenant = make(clock=clock).acting_as(RECONCILER, _ONE, _CALL_SECONDS)
    for tokens in (1, 2, 3):
        assert _names(tenant, _ONE) == ["one"]
        assert requests.tokens == tokens
        clock.now += 540


def test_a_token_that_is_no_longer_accepted_is_replaced(bed: Testbed, make: Make, requests: Requests) -> None:
    """A namespace and its bundle are deleted and made anew: the accounts have their names, but are others."""
    tenants = Tenants(bed)
    tenants.add(_ANEW)
    tenant = make().acting_as(RECONCILER, _ANEW, _CALL_SECONDS)
    assert _names(tenant, _ANEW) == []
    metadata = {"name": RECONCILER, "namespace": _ANEW}
    delete(bed, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    tenants.add(_ANEW)
    # The API server believes for ten seconds what it knows of a token.
    eventually(lambda: _is_refused(tenant, _ANEW), "the old token is refused")
    assert _names(tenant, _ANEW) == []
    assert requests.tokens == 2
    tenants.close()


def _is_refused(tenant: TenantApi, namespace: str) -> bool:
    try:
        _names(tenant, namespace)
    except KubernetesError as error:
        assert error.status == HTTPStatus.UNAUTHORIZED
        return True
    return False


@pytest.mark.usefixtures("acted_for")
def test_a_tenant_has_its_own_rights_and_not_those_of_who_made_the_token(bed: Testbed) -> None:
    administrator = connect(bed.kubernetes.kubeconfig)
    assert Namespaces(administrator).is_enabled(_OTHER, _CALL_SECONDS)
    clients = TenantClients(administrator)
    tenants = {name: clients.acting_as(RECONCILER, name, _CALL_SECONDS) for name in (_ONE, _OTHER)}
    assert (_names(tenants[_ONE], _ONE), _names(tenants[_OTHER], _OTHER)) == (["one"], [])
    asked: list[Callable[[], object]] = [
        lambda: _names(tenants[_ONE], _OTHER),
        lambda: _names(tenants[_OTHER], _ONE),
        lambda: Namespaces(tenants[_ONE].api).list_enabled(_CALL_SECONDS),
    ]
    for refused_to in asked:
        with pytest.raises(KubernetesError) as refused:
            refused_to()
        assert refused.value.status == HTTPStatus.FORBIDDEN


def test_who_has_no_bundle_is_no_tenant_and_holds_up_nobody(make: Make) -> None:
    clients = make()
    for _ in range(2):
        with pytest.raises(KubernetesError, match=f"a token of {_BARE}/{RECONCILER}"):
            clients.acting_as(RECONCILER, _BARE, _CALL_SECONDS)
    assert _names(clients.acting_as(RECONCILER, _ONE, _CALL_SECONDS), _ONE) == ["one"]


def test_the_tenants_that_were_used_last_are_kept(make: Make, requests: Requests) -> None:
    clients = make(most_kept=2)
    for account, namespace in ((RECONCILER, _ONE), (RECONCILER, _OTHER), (RECONCILER, _ONE), ("keyhole", _ONE)):
        clients.acting_as(account, namespace, _CALL_SECONDS)
    assert requests.tokens == 3
    clients.acting_as(RECONCILER, _ONE, _CALL_SECONDS)
    assert requests.tokens == 3
    clients.acting_as(RECONCILER, _OTHER, _CALL_SECONDS)
    assert requests.tokens == 4


def test_a_change_returns_the_new_metadata_and_what_was_said_about_it(bed: Testbed, make: Make) -> None:
    tenant = make().acting_as(RECONCILER, _ONE, _CALL_SECONDS)
    name, told = ObjectName(_ONE, "one"), 'kept "as it was", für heute'
    policy = _warning_policy(told)
    apply(bed, *policy)
    try:
        eventually(lambda: bool(tenant.secrets.change(name, {"note": None}, _CALL_SECONDS).warnings), "a warning")
        changed = tenant.secrets.change(name, {"note": "changed"}, _CALL_SECONDS)
    finally:
        delete(bed, *policy)
    assert told in changed.warnings[0]
    assert changed.metadata == tenant.secrets.read_metadata(name, _CALL_SECONDS)
    assert changed.metadata.annotations["note"] == "changed"
    assert changed.metadata.labels == {"keyhole.dev/managed": "true"}
    document = bed.kubernetes.request("GET", f"/api/v1/namespaces/{_ONE}/secrets/one").json()
    assert changed.metadata.uid == document["metadata"]["uid"]


def _warning_policy(told: str) -> list[dict[str, object]]:
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": "warns-of-secrets"}}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["secrets"]}
    constraints = {"resourceRules": [rule]}
    spec = {"matchConstraints": constraints, "validations": [{"expression": "false", "message": told}]}
    bound = {"policyName": "warns-of-secrets", "validationActions": ["Warn"]}
    return [
        {**kind, "kind": "ValidatingAdmissionPolicy", "spec": spec},
        {**kind, "kind": "ValidatingAdmissionPolicyBinding", "spec": bound},
    ]
