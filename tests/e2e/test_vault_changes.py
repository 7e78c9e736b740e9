"""What Vault said once does not hold for ever: mounts, tokens and roles change, and nobody restarts Keyhole for it."""

from collections.abc import Iterator

import hvac
import hvac.exceptions
import pytest

from resolver.vault.denials import MountDenied, TokenUsesTooFew
from resolver.vault.errors import NotKeyValue, ReferenceRefused, SecretNotFound, VaultDenied
from testbed import Testbed
from testbed.keyhole.tenants import add_tenant
from tests.e2e.asking import Asking, asking, connection
from tests.e2e.cluster import Cluster
from tests.e2e.objects import filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.e2e.traffic import Traffic
from tests.e2e.vault_tokens import living_tokens

NAMESPACE = "changes"
_BRANCHES = ("metadata", "config", "subkeys")


@pytest.fixture(scope="module")
def changing(testbed: Testbed) -> str:
    """Return a tenant whose role may read a mount called `NAME-change`, whatever it is, and below `changes/`."""
    mounts = ("up", "down", "gone", "else", "longer", *_BRANCHES)
    add_tenant(testbed, NAMESPACE, [f"{mount}-change/*" for mount in mounts] + ["secret/data/changes/*"])
    return NAMESPACE


@pytest.fixture
def asks(testbed: Testbed, places: Places, changing: str) -> Iterator[Asking]:
    with asking(testbed) as asks:
        yield asks


class Mount:
    """A key/value mount that is changed while it is in use."""

    def __init__(self, bed: Testbed, path: str) -> None:
        self._bed = bed
        self.path = path

    @property
    def _client(self) -> hvac.Client:
        return self._bed.vault.client()

    def make(self, version: int, path: str | None = None) -> None:
        self._client.sys.enable_secrets_engine("kv", path=path or self.path, options={"version": str(version)})
        self._wait(version, path or self.path)

    def make_other(self, engine: str) -> None:
        self._client.sys.enable_secrets_engine(engine, path=self.path)

    def upgrade(self) -> None:
        """Do what `vault kv enable-versioning` does, and wait until it is done."""
        self._client.sys.tune_mount_configuration(self.path, options={"version": "2"})
        self._wait(2, self.path)

    def remove(self) -> None:
        self._client.sys.disable_secrets_engine(self.path)

    def put(self, version: int, value: str, secret: str = "shop/db", path: str | None = None) -> None:
        kv, mount = self._client.secrets.kv, path or self.path
        write = kv.v1.create_or_update_secret if version == 1 else kv.v2.create_or_update_secret
        write(secret, {"password": value}, mount_point=mount)

    def _wait(self, version: int, path: str) -> None:
        def is_there() -> bool:
            try:
                return bool(self._client.read(f"{path}/config"))
            except hvac.exceptions.VaultError:
                return False

        if version == 2:
            eventually(is_there, "the mount is upgraded")


def test_after_an_upgrade_new_and_refreshed_objects_have_the_new_value(
    testbed: Testbed, places: Places, cluster: Cluster, plant: Planter
) -> None:
    add_tenant(testbed, "grown", ["grow/*"])
    there, mount = Cluster(testbed, places, "grown"), Mount(testbed, "grow")
    mount.make(1)
    one, two = plant.value(), plant.value()
    mount.put(1, one)
    reference = "vault:grow/shop/db#password"
    there.apply(filled("first", password=reference))
    mount.upgrade()
    mount.put(2, two)
    there.apply(filled("second", password=reference))
    there.kubectl("annotate", "secret", "first", "keyhole.dev/refresh=now")
    assert [there.values(name)["password"] for name in ("first", "second")] == [two, two]


class TestMounts:
    def test_one_that_became_versioned(self, asks: Asking, plant: Planter) -> None:
        mount, one, two = Mount(asks.bed, "up-change"), plant.value(), plant.value()
        mount.make(1)
        mount.put(1, one)
        assert asks.value(NAMESPACE, "vault:up-change/shop/db#password") == one
        mount.upgrade()
        mount.put(2, two)
        assert isinstance(asks.error(NAMESPACE, "vault:up-change/shop/db#password#9"), SecretNotFound)
        assert asks.value(NAMESPACE, "vault:up-change/shop/db#password") == two
        assert asks.value(NAMESPACE, "vault:up-change/shop/db#password#1") == one

    def test_one_that_is_no_longer_versioned(self, asks: Asking, plant: Planter) -> None:
        mount, one, two = Mount(asks.bed, "down-change"), plant.value(), plant.value()
        mount.make(2)
        mount.put(2, one)
        assert asks.value(NAMESPACE, "vault:down-change/shop/db#password") == one
        mount.remove()
        mount.make(1)
        mount.put(1, two)
        assert asks.value(NAMESPACE, "vault:down-change/shop/db#password") == two

    def test_one_that_is_gone(self, asks: Asking, plant: Planter) -> None:
        mount = Mount(asks.bed, "gone-change")
        mount.make(2)
        mount.put(2, plant.value())
        asks.value(NAMESPACE, "vault:gone-change/shop/db#password")
        mount.remove()
        assert isinstance(asks.error(NAMESPACE, "vault:gone-change/shop/db#password"), MountDenied)

    def test_one_that_is_of_another_engine(self, asks: Asking, plant: Planter) -> None:
        mount = Mount(asks.bed, "else-change")
        mount.make(1)
        mount.put(1, plant.value())
        asks.value(NAMESPACE, "vault:else-change/shop/db#password")
        mount.remove()
        mount.make_other("transit")
        assert isinstance(asks.error(NAMESPACE, "vault:else-change/shop/db#password"), NotKeyValue)

    def test_one_whose_place_is_taken_by_a_longer_path(self, asks: Asking, plant: Planter) -> None:
        mount, value = Mount(asks.bed, "longer-change"), plant.value()
        mount.make(1)
        mount.put(1, plant.value())
        asks.value(NAMESPACE, "vault:longer-change/shop/db#password")
        mount.remove()
        mount.make(2, "longer-change/shop")
        mount.put(2, value, "db", "longer-change/shop")
        assert asks.value(NAMESPACE, "vault:longer-change/shop/db#password") == value

    @pytest.mark.parametrize("branch", _BRANCHES)
    def test_a_branch_of_one_that_became_versioned_is_not_read(self, asks: Asking, plant: Planter, branch: str) -> None:
        mount = Mount(asks.bed, f"{branch}-change")
        mount.make(1)
        mount.put(1, plant.value(), "plain")
        asks.value(NAMESPACE, f"vault:{mount.path}/plain#password")
        mount.upgrade()
        traffic = Traffic(asks.bed)
        error = asks.error(NAMESPACE, f"vault:{mount.path}/{branch}/plain#keys")
        assert isinstance(error, ReferenceRefused)
        assert f"write {mount.path}/data/{branch}/plain" in error.message
        assert traffic.reads() == []

    def test_what_is_not_there_costs_one_question_more(self, asks: Asking, plant: Planter) -> None:
        assert isinstance(asks.error(NAMESPACE, "vault:secret/changes/nothing#p"), SecretNotFound)
        traffic = Traffic(asks.bed)
        assert isinstance(asks.error(NAMESPACE, "vault:secret/changes/nothing#p"), SecretNotFound)
        # The mount is configured: nobody has to be asked about it.
        assert traffic.vault_requests() == ["read secret/data/changes/nothing"]


def _revoke_all(bed: Testbed, tokens: frozenset[str]) -> None:
    for accessor in tokens:
        bed.vault.client().auth.token.revoke_accessor(accessor)


def _role(bed: Testbed, name: str, **changes: object) -> None:
    bed.vault.client().adapter.post(f"/v1/auth/jwt/role/{name}", json=_parameters(bed, name) | changes)


def _parameters(bed: Testbed, name: str) -> dict[str, object]:
    found: dict[str, object] = bed.vault.client().auth.jwt.read_role(name)["data"]
    return found


class TestTokens:
    def test_one_that_was_revoked_is_replaced_at_once_as_often_as_it_happens(
        self, asks: Asking, plant: Planter
    ) -> None:
        plant_below_changes(asks.bed, "revoked", plant.value())
        before = living_tokens(asks.bed)
        for _ in range(3):
            asks.value(NAMESPACE, "vault:secret/changes/revoked#password")
            _revoke_all(asks.bed, living_tokens(asks.bed) - before)

    def test_a_role_that_allows_more_counts_at_once(self, testbed: Testbed, places: Places, plant: Planter) -> None:
        add_tenant(testbed, "promoted", ["secret/data/promoted/one"])
        client = testbed.vault.client()
        client.sys.create_or_update_policy("promoted", 'path "secret/data/promoted/two" { capabilities = ["read"] }')
        for name in ("one", "two"):
            client.secrets.kv.v2.create_or_update_secret(f"promoted/{name}", {"password": plant.value()})
        with asking(testbed) as asks:
            asks.value("promoted", "vault:secret/promoted/one#password")
            for _ in range(2):
                assert isinstance(asks.error("promoted", "vault:secret/promoted/two#password"), VaultDenied)
            _role(testbed, "keyhole-promoted", token_policies=["keyhole-promoted", "promoted"])
            asks.value("promoted", "vault:secret/promoted/two#password")

    def test_after_a_failed_login_the_cause_is_told_until_a_login_succeeds(
        self, testbed: Testbed, places: Places, plant: Planter
    ) -> None:
        add_tenant(testbed, "mended", ["secret/data/mended/*"])
        testbed.vault.client().secrets.kv.v2.create_or_update_secret("mended/app", {"password": plant.value()})
        before = living_tokens(testbed)
        with asking(testbed) as asks:
            asks.value("mended", "vault:secret/mended/app#password")
            kept = _parameters(testbed, "keyhole-mended")
            testbed.vault.client().auth.jwt.delete_role("keyhole-mended")
            _revoke_all(testbed, living_tokens(testbed) - before)
            for _ in range(2):
                assert asks.error("mended", "vault:secret/mended/app#password").cause == "LoginDenied"
            testbed.vault.client().adapter.post("/v1/auth/jwt/role/keyhole-mended", json=kept)
            asks.value("mended", "vault:secret/mended/app#password")

    @pytest.mark.parametrize("uses", [1, 2, 3])
    def test_tokens_for_a_few_uses_fill_every_object(
        self, testbed: Testbed, places: Places, plant: Planter, uses: int
    ) -> None:
        _add_uses_tenant(testbed, plant, uses)
        before = living_tokens(testbed)
        with asking(testbed) as asks:
            for _ in range(3):
                outcomes = asks.outcomes("uses", *(f"vault:secret/uses/{name}#password" for name in "abcde"))
                assert [each.message for each in outcomes if isinstance(each, Exception)] == []
        # A token that gives itself back by its last use is gone a moment later.
        eventually(lambda: living_tokens(testbed) <= before, "no token is left")

    def test_to_ask_for_a_mount_is_no_use_of_a_token(self, testbed: Testbed, places: Places, plant: Planter) -> None:
        _add_uses_tenant(testbed, plant, 1)
        traffic = Traffic(testbed)
        with asking(testbed, {"default": connection(testbed, mounts={})}) as asks:
            asks.value("uses", "vault:secret/uses/a#password")
        assert len(traffic.logins()) == 1

    def test_an_object_that_takes_too_many_logins_is_told_why(
        self, testbed: Testbed, places: Places, plant: Planter
    ) -> None:
        _add_uses_tenant(testbed, plant, 1)
        with asking(testbed) as asks:
            outcomes = asks.outcomes("uses", *(f"vault:secret/uses/n{number}#password" for number in range(40)))
            refused = [each for each in outcomes if isinstance(each, TokenUsesTooFew)]
            assert len(refused) == 40 - 32
            assert "'keyhole-uses' issues tokens with token_num_uses=1," in refused[0].message

    def test_none_outlives_connections_that_changed(self, testbed: Testbed, places: Places, plant: Planter) -> None:
        plant_below_changes(testbed, "changed", plant.value())
        before = living_tokens(testbed)
        with asking(testbed) as asks:
            for seconds in (3.0, 4.0, 5.0):
                asks.value(NAMESPACE, "vault:secret/changes/changed#password")
                asks.resolver.replace({"default": connection(testbed, timeout_seconds=seconds)})
            asks.value(NAMESPACE, "vault:secret/changes/changed#password")
        assert living_tokens(testbed) == before


def plant_below_changes(bed: Testbed, name: str, value: str) -> None:
    """Write a secret that the tenant may read."""
    bed.vault.client().secrets.kv.v2.create_or_update_secret(f"changes/{name}", {"password": value})


def _add_uses_tenant(bed: Testbed, plant: Planter, uses: int) -> None:
    add_tenant(bed, "uses", ["secret/data/uses/*"])
    _role(bed, "keyhole-uses", token_num_uses=uses)
    for name in "abcde":
        bed.vault.client().secrets.kv.v2.create_or_update_secret(f"uses/{name}", {"password": plant.value()})


@pytest.fixture(scope="module")
def fresh(testbed: Testbed) -> str:
    """Return a mount of which no policy and no connection speaks."""
    Mount(testbed, "fresh").make(2)
    Mount(testbed, "fresh").put(2, "x")
    return "fresh"


@pytest.mark.usefixtures("fresh")
class TestUnknownMounts:
    @pytest.mark.parametrize(
        ("path", "told"),
        [
            ("fresh/shop/db", 'path "fresh/data/shop/db" { capabilities = ["read"] }'),
            ("secrte/shop/db", "check with `vault secrets list`"),
            ("v1/secret/data/shop/db", "leave out the v1/ of Vault's API: secret/data/shop/db"),
        ],
    )
    def test_it_may_not_exist_or_lack_a_line(self, asks: Asking, path: str, told: str) -> None:
        error = asks.error(NAMESPACE, f"vault:{path}#password")
        assert isinstance(error, MountDenied)
        assert error.cause == "PermissionDenied"
        assert "there is none, or its policy allows nothing there" in error.message
        assert told in error.message

    def test_the_line_in_the_message_is_what_makes_it_work(
        self, testbed: Testbed, places: Places, changing: str
    ) -> None:
        add_tenant(testbed, "lines", ["secret/data/lines/*"])
        with asking(testbed) as asks:
            told = asks.error("lines", "vault:fresh/shop/db#password").message
            line = told.partition("add this to its policy: ")[2].partition("; if it is KV v1")[0]
            testbed.vault.client().sys.create_or_update_policy("keyhole-lines", line)
            assert asks.value("lines", "vault:fresh/shop/db#password") == "x"
