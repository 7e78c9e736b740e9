"""Rounds with objects of several kinds."""

import pytest

from controller.following.unlisted import Unlisted
from controller.managed import Managed
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.objects import Metadata, ObjectName
from manifests.kinds.config_map import CONFIG_MAP
from manifests.kinds.custom import custom_resource
from manifests.kinds.known import Kinds
from manifests.kinds.pointers import Pattern
from manifests.kinds.secret import SECRET
from resolver.vault.kv_versions import KvVersion
from tests.clock import Clock
from tests.controller.following.rounds import Cluster, Loop

DATABASE = custom_resource("example.com", "Database", "databases", "v1", [Pattern("/spec/**")])
KINDS = Kinds([CONFIG_MAP, DATABASE])


class Shop:
    """A Secret, a ConfigMap and a Database, all of one name and with one path in Vault."""

    def __init__(self) -> None:
        self.maps = Cluster("ConfigMap", app="app")
        self.databases = Cluster("Database")
        self.databases.pointer = "/spec/k"
        self.databases.version = "v1beta1"
        self.secrets = Cluster(others={"configmaps": self.maps, "databases": self.databases}, app="app")
        self.databases.apply("app", "app")
        self.loop = Loop(self.secrets, KINDS)

    def rotate(self) -> None:
        self.secrets.vault["app"] = KvVersion((self.secrets.vault["app"].current or 0) + 1)


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_objects_of_all_kinds_follow_and_a_path_is_one_question_for_all_of_them(shop: Shop) -> None:
    assert shop.loop.round() == []
    shop.rotate()
    shop.loop.questions = 0
    assert shop.loop.round() == ["app", "app", "app"]
    assert shop.loop.questions == 1
    assert sorted(shop.loop.events) == [
        ("example.com/v1beta1 Database app", "Refreshed"),
        ("v1 ConfigMap app", "Refreshed"),
        ("v1 Secret app", "Refreshed"),
    ]
    assert shop.loop.round() == []


def test_a_custom_resource_is_listed_in_the_lists_version_and_changed_in_that_of_its_manifest(shop: Shop) -> None:
    shop.rotate()
    shop.loop.round()
    assert [each.version for each in shop.databases.asked] == ["v1", "v1beta1"]


def test_what_pods_cannot_use_asks_for_no_baselines_and_no_restarts(shop: Shop) -> None:
    shop.secrets.secrets.clear()
    shop.maps.secrets.clear()
    shop.rotate()
    assert shop.loop.round() == ["app"]
    assert (shop.loop.baselines, shop.loop.last.refreshed, shop.loop.last.survey.changes) == (0, 0, {})
    shop.maps.apply("settings", "app")
    shop.rotate()
    assert shop.loop.round() == ["app", "settings"]
    assert (shop.loop.baselines, shop.loop.last.refreshed) == (1, 1)


def test_a_kind_without_the_right_is_told_and_the_others_follow(shop: Shop) -> None:
    shop.maps.failure = KubernetesError("listing ConfigMaps in shop", 403)
    shop.rotate()
    assert shop.loop.round() == ["app", "app"]
    assert shop.loop.hints == [("shop", "kind configmaps")]
    shop.maps.failure = None
    assert shop.loop.round() == ["app"]
    assert shop.loop.hints == [("shop", "kind configmaps")]


def test_a_kind_that_the_cluster_does_not_know_has_no_objects_and_nothing_is_told(shop: Shop) -> None:
    shop.databases.failure = KubernetesError("listing Databases in shop", 404)
    shop.rotate()
    assert shop.loop.round() == ["app", "app"]
    assert shop.loop.hints == []


def test_a_kind_that_is_broken_keeps_no_other_one_back_and_is_tried_less_and_less_often(shop: Shop) -> None:
    shop.databases.failure = KubernetesUnavailable("could not answer (status 500)")
    shop.rotate()
    assert shop.loop.round() == ["app", "app"]
    for _ in range(60):
        shop.loop.round()
    # After 5, 10, 20 … 600 seconds, as seen each minute.
    assert 10 <= len(shop.databases.asked) <= 16
    shop.databases.failure = None
    assert ["app"] in [shop.loop.round() for _ in range(11)]


def test_while_secrets_cannot_be_listed_nothing_is_followed(shop: Shop) -> None:
    shop.secrets.failure = KubernetesUnavailable("could not answer (status 500)")
    with pytest.raises(KubernetesUnavailable):
        shop.loop.round()


def test_a_manifest_in_a_version_that_is_no_longer_served_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(*_args: object, **_more: object) -> None:
        raise KubernetesError("changing Database shop/app", 404)

    monkeypatch.setattr(shop.databases, "change", not_found)
    shop.rotate()
    shop.loop.round()
    assert {name: each.cause for name, each in shop.loop.problems.items()} == {"Database shop/app": "not-refreshed"}
    assert [each.version for each in shop.databases.asked] == ["v1", "v1beta1", "v1"]
    # The object itself is gone.
    monkeypatch.setattr(shop.databases, "read_metadata", not_found)
    shop.loop.problems.clear()
    shop.loop.now += 3600
    shop.loop.round()
    assert shop.loop.problems == {}


def test_objects_of_one_name_are_told_apart() -> None:
    metadata = Metadata(ObjectName("shop", "app"), "1", {})
    assert len({Managed(codec, metadata).identity for codec in KINDS}) == 3


def test_what_is_denied_is_known_until_it_is_listed_or_the_namespace_is_forgotten() -> None:
    unlisted = Unlisted(Clock())
    unlisted.failed(CONFIG_MAP, "shop", KubernetesError("listing ConfigMaps in shop", 403))
    assert list(unlisted.denied("shop")) == ["configmaps"]
    assert unlisted.denied("other") == {}
    unlisted.listed(CONFIG_MAP, "shop")
    assert unlisted.denied("shop") == {}
    unlisted.failed(DATABASE, "shop", KubernetesError("listing Databases in shop", 403))
    unlisted.forget("shop")
    assert unlisted.denied("shop") == {}
    assert unlisted.may_list(SECRET)
