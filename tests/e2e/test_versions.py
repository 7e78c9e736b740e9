"""Versions of secrets in the real Vault, as a namespace's identity sees them, and what asking for them costs."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import hvac
import pytest

from kube.client import connect
from kube.tokens import ServiceAccountTokens
from resolver import questions
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.references.grammar import parse_reference
from resolver.resolve import Resolved
from resolver.tenancy.token_cache import TokenCache
from resolver.vault.errors import SecretNotFound, VaultDenied, VaultUnavailable
from resolver.vault.kv_versions import KvVersion, VersionState
from resolver.vault.observer import NullObserver, Operation
from resolver.versions import Versions
from runtime.namespace_tokens import NamespaceTokens
from testbed import Testbed
from testbed.keyhole.identities import webhook_kubeconfig
from testbed.keyhole.tenants import add_tenant, admit_to_vault
from tests.e2e.asking import connection
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.e2e.traffic import Traffic

_NAMESPACE = "versions"
_ONLY_DATA = "versions-only-data"
_LOGIN = "update auth/jwt/login"
_SECONDS = 30.0
# 64 KiB of metadata, of about 220 bytes a version.
_MANY_VERSIONS = 320


class Sent(NullObserver):
    """Notes what was sent to Vault: a sealed one writes no audit log."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def exchanged(self, operation: Operation, status: str, seconds: float) -> None:
        """Note a request."""
        self.operations.append(operation)

    def count(self) -> Counter[Operation]:
        """Return how many requests of each kind there were since the last call. Tokens given back are left out."""
        found: Counter[Operation] = Counter(each for each in self.operations if each is not Operation.REVOKE)
        self.operations.clear()
        return found


class Loop:
    """Asks about paths, a round each time."""

    def __init__(self, versions: Versions, sent: Sent) -> None:
        self.versions = versions
        self.sent = sent

    def ask(self, path: str, namespace: str = _NAMESPACE, *, was_denied: bool = False) -> KvVersion:
        """Return the current version of the secret at a path. Raises `ResolverError`."""
        with self.versions.asking("default", namespace, Deadline.after(_SECONDS), lambda: None) as asked:
            return asked.version(parse_reference(f"vault:{path}#password"), was_denied=was_denied)

    def value(self, path: str) -> str:
        """Return the value at a path that keeps no versions."""
        reference = parse_reference(f"vault:{path}#password")
        with self.versions.asking("default", _NAMESPACE, Deadline.after(_SECONDS), lambda: None) as asked:
            found = asked.values([reference])[reference]
        assert isinstance(found, Resolved), found
        return found.value.reveal_text()

    def is_well(self) -> bool:
        """Whether Vault says that it is well."""
        return self.versions.is_well("default", Deadline.after(_SECONDS))


@pytest.fixture(scope="module")
def _tenants(testbed: Testbed) -> None:
    paths = [f"secret/{branch}/versions/*" for branch in ("data", "metadata")] + ["legacy/versions/*"]
    add_tenant(testbed, _NAMESPACE, paths)
    add_tenant(testbed, _ONLY_DATA, ["secret/data/versions/*"])


@pytest.fixture
def loop(testbed: Testbed, places: Places, _tenants: None) -> Iterator[Loop]:
    minter, sent = NamespaceTokens(ServiceAccountTokens(connect(webhook_kubeconfig(testbed)))), Sent()
    versions = Versions({"default": connection(testbed)}, TokenCache(minter), observers=lambda _: sent)
    with contextlib.closing(versions):
        yield Loop(versions, sent)


class Secret:
    """A secret on KV v2 whose versions come and go."""

    def __init__(self, bed: Testbed, plant: Planter, name: str) -> None:
        self._client: hvac.Client = bed.vault.client()
        self._plant = plant
        self._name = f"versions/{name}"
        self.path = f"secret/{self._name}"

    def put(self) -> None:
        """Write a new version."""
        self._kv.create_or_update_secret(self._name, {"password": self._plant.value()})

    def post(self, action: str, *versions: int) -> None:
        """Do something with versions: delete, undelete or destroy."""
        self._client.adapter.post(f"/v1/secret/{action}/{self._name}", json={"versions": list(versions)})

    def metadata(self, **settings: Any) -> None:
        """Set metadata, without a version."""
        self._client.adapter.post(f"/v1/secret/metadata/{self._name}", json=settings)

    def forget(self) -> None:
        """Delete the metadata and all versions."""
        self._kv.delete_metadata_and_all_versions(self._name)

    @property
    def _kv(self) -> Any:
        return self._client.secrets.kv.v2


@pytest.mark.parametrize("namespace", [_NAMESPACE, _ONLY_DATA])
def test_what_becomes_of_a_path(loop: Loop, testbed: Testbed, plant: Planter, namespace: str) -> None:
    secret = Secret(testbed, plant, f"path-of-{namespace}")

    def asked() -> tuple[int | None, VersionState]:
        found = loop.ask(secret.path, namespace)
        assert found.lacks_metadata is (namespace == _ONLY_DATA)
        assert found.created.endswith("Z")
        return found.current, found.state

    with pytest.raises(SecretNotFound):
        loop.ask(secret.path, namespace)
    secret.put()
    assert asked() == (1, VersionState.READABLE)
    first = loop.ask(secret.path, namespace)
    secret.put()
    assert asked() == (2, VersionState.READABLE)
    secret.post("delete", 2)
    assert asked() == (2, VersionState.DELETED)
    secret.post("undelete", 2)
    assert asked() == (2, VersionState.READABLE)
    secret.post("delete", 1)
    assert asked() == (2, VersionState.READABLE)
    secret.post("destroy", 2)
    assert asked() == (2, VersionState.DESTROYED)
    secret.put()
    assert asked() == (3, VersionState.READABLE)
    secret.forget()
    with pytest.raises(SecretNotFound):
        loop.ask(secret.path, namespace)
    secret.put()
    anew = loop.ask(secret.path, namespace)
    assert (anew.current, anew.state) == (1, VersionState.READABLE)
    assert anew.created > first.created


def test_metadata_without_a_version(loop: Loop, testbed: Testbed, plant: Planter) -> None:
    secret = Secret(testbed, plant, "empty")
    secret.metadata(max_versions=5)
    assert loop.ask(secret.path) == KvVersion(0, "", VersionState.NONE)


@pytest.mark.parametrize("namespace", [_NAMESPACE, _ONLY_DATA])
def test_a_version_that_ends_by_itself_is_readable_until_then(
    loop: Loop, testbed: Testbed, plant: Planter, namespace: str
) -> None:
    later, soon = (Secret(testbed, plant, f"{when}-for-{namespace}") for when in ("later", "soon"))
    for secret, after in ((later, "1h"), (soon, "1s")):
        secret.metadata(delete_version_after=after)
        secret.put()
    assert loop.ask(later.path, namespace).state is VersionState.READABLE
    eventually(lambda: loop.ask(soon.path, namespace).state is VersionState.DELETED, "its time comes")


def test_who_keeps_hundreds_of_versions_is_told(loop: Loop, testbed: Testbed, plant: Planter) -> None:
    secret = Secret(testbed, plant, "long")
    secret.put()
    assert not loop.ask(secret.path).is_long
    secret.metadata(max_versions=_MANY_VERSIONS)
    for _ in range(_MANY_VERSIONS):
        secret.put()
    found = loop.ask(secret.path)
    assert found.is_long
    assert (found.current, found.state) == (_MANY_VERSIONS + 1, VersionState.READABLE)


def test_a_path_on_kv_v1_is_read_as_a_whole(loop: Loop, testbed: Testbed, plant: Planter) -> None:
    kv1 = testbed.vault.client().secrets.kv.v1
    for _ in range(2):
        value = plant.value()
        kv1.create_or_update_secret("versions/app", {"password": value}, mount_point="legacy")
        assert loop.ask("legacy/versions/app") == KvVersion(current=None)
        assert loop.value("legacy/versions/app") == value


class TestCosts:
    def test_a_round_is_one_request_a_path(self, loop: Loop, testbed: Testbed, plant: Planter) -> None:
        secret = Secret(testbed, plant, "quiet")
        secret.put()
        traffic = Traffic(testbed)
        for _ in range(3):
            loop.ask(secret.path)
        asked = "read secret/metadata/versions/quiet"
        assert traffic.vault_requests() == [_LOGIN, asked, asked, asked]

    def test_a_policy_without_metadata_costs_one_more_at_first(
        self, loop: Loop, testbed: Testbed, plant: Planter
    ) -> None:
        secret = Secret(testbed, plant, "only-data")
        secret.put()
        traffic = Traffic(testbed)
        for _ in range(3):
            assert loop.ask(secret.path, _ONLY_DATA).lacks_metadata
        read = "read secret/data/versions/only-data"
        assert traffic.vault_requests() == [_LOGIN, "read secret/metadata/versions/only-data", read, read, read]

    def test_ten_minutes_of_a_denied_path_cost_at_most_ten_requests(
        self, loop: Loop, testbed: Testbed, plant: Planter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # The dearest case: the token is old enough to be replaced.
        monkeypatch.setattr(questions, "_FRESH_SECONDS", 0.0)
        secret = Secret(testbed, plant, "denied")
        secret.put()
        loop.ask(secret.path)
        admit_to_vault(testbed, _NAMESPACE, ["secret/data/elsewhere/*"])
        traffic = Traffic(testbed)
        costs = []
        # After 0, 1, 3 and 7 minutes: whoever asks waits, so nothing depends on the time here.
        try:
            for was_denied in (False, True, True, True):
                with pytest.raises(VaultDenied):
                    loop.ask(secret.path, was_denied=was_denied)
                costs.append(len(traffic.vault_requests()))
            eventually(lambda: traffic.revocations() == 1, "the token that was replaced is given back")
        finally:
            admit_to_vault(testbed, _NAMESPACE, ["secret/data/versions/*", "secret/metadata/versions/*", "legacy/*"])
        first, *later = [now - before for before, now in zip([0, *costs], costs, strict=False)]
        assert (first, later) == (4, [1, 1, 1])
        assert loop.ask(secret.path, was_denied=True).current == 1

    def test_threads_share_logins(self, loop: Loop, testbed: Testbed, plant: Planter) -> None:
        secrets = [Secret(testbed, plant, f"shared-{number}") for number in range(6)]
        for secret in secrets:
            secret.put()
        traffic = Traffic(testbed)
        begin, found = threading.Barrier(2), list[KvVersion | ResolverError]()

        def ask() -> None:
            begin.wait(_SECONDS)
            for secret in secrets:
                try:
                    found.append(loop.ask(secret.path))
                except ResolverError as error:
                    found.append(error)

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(4 * _SECONDS)
        assert [each.current for each in found if isinstance(each, KvVersion)] == [1] * 12
        assert len(traffic.logins()) == 1


def test_a_sealed_vault_costs_one_request_a_question(loop: Loop, testbed: Testbed, plant: Planter) -> None:
    secret = Secret(testbed, plant, "sealed")
    secret.put()
    loop.ask(secret.path)
    assert loop.is_well()
    loop.sent.count()
    testbed.vault.seal()
    try:
        for _ in range(6):  # more than a breaker would let pass before it asks for the health
            with pytest.raises(VaultUnavailable):
                loop.ask(secret.path)
        assert loop.sent.count() == {Operation.VERSION: 6}
        assert not loop.is_well()
        assert loop.sent.count() == {Operation.HEALTH: 1}
    finally:
        testbed.vault.unseal()
    assert loop.is_well()
    assert loop.ask(secret.path).current == 1
