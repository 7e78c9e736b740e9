"""Namespaces as facts: what could not be read is named, and hostile ones take no room from the others."""

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from enforcer.collecting.cluster import namespaces
from enforcer.collecting.cluster.namespaces import Looking, Room, looked_at, looked_at_without_label
from enforcer.collecting.cluster.pace import Pace
from enforcer.collecting.run import Run
from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import Namespace
from kube.checking.described import Described
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.metadata_pages import Oversized
from kube.objects import Metadata, ObjectName
from kube.tenant_clients import TenantApi, TenantClients
from manifests.annotations import RECORD
from manifests.kinds.config_map import CONFIG_MAP
from manifests.kinds.known import Kinds
from resolver.deadline import Deadline

REF = "vault:secret/app#password"


def one(name: str, is_going: bool = False, **notes: str) -> Described:
    annotations = {name.replace("__", "/").replace("_", "."): text for name, text in notes.items()}
    return Described(
        Metadata(ObjectName("shop", name), "7", annotations, is_going, f"uid of {name}"), None, "Opaque", 0
    )


class Cluster:
    """What the API server would list, by plural; an exception in a list is raised where it stands."""

    def __init__(self, **listed: list[Any]) -> None:
        self.listed = listed
        self.paces: dict[str, Callable[[Any], Any]] = {}
        self.looking = Looking(
            run := Run(Deadline.after(60)),
            cast("TenantClients", self),
            Kinds([CONFIG_MAP]),
            Pace(run, jitter=lambda: 0.0),
            Pace(run, jitter=lambda: 0.0),
            Room(),
            lambda name: name != "foreign",
            {CONFIG_MAP: Pace(run, jitter=lambda: 0.0)},
        )

    def acting_as(self, account: str, namespace: str, _seconds: float) -> TenantApi:
        assert account == "keyhole-reconciler"
        return cast("TenantApi", type("Tenant", (), {"namespace": namespace, "of": staticmethod(lambda kind: kind)}))

    def described(self, kind: Any, _namespace: str, _seconds: float, paced: Callable[[Any], Any]) -> Iterator[Any]:
        self.paces[kind.plural] = paced
        for found in self.listed.get(kind.plural, []):
            if isinstance(found, Exception):
                raise found
            yield found

    def look(self) -> Namespace:
        labels = {"keyhole.dev/enabled": "true", "keyhole.dev/variables": "true"}
        return looked_at(self.looking, Metadata(ObjectName("", "shop"), "1", {}, labels=labels))

    def look_without_label(self, name: str = "shop") -> Namespace | None:
        return looked_at_without_label(self.looking, Metadata(ObjectName("", name), "1", {}))


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Cluster]:
    def made(**listed: list[Any]) -> Cluster:
        cluster = Cluster(**listed)
        monkeypatch.setattr(namespaces, "described", cluster.described)
        return cluster

    return made


def names(found: Namespace) -> list[str]:
    assert not isinstance(found.objects, NotKnown)
    return [f"{each.kind} {each.name}" for each in found.objects]


def unread(found: Namespace) -> list[tuple[str, str, str]]:
    return [(each.kind, each.name, each.not_known) for each in found.unread]


def test_every_secret_is_kept_and_of_other_kinds_what_has_to_do_with_keyhole(cluster: Callable[..., Cluster]) -> None:
    found = cluster(
        secrets=[one("b"), one("a", data_keyhole_dev__x=REF)],
        configmaps=[one("plain"), one("filled", data_keyhole_dev__x=REF), one("misspelt", keyhole_dev__feilds="x")],
    ).look()
    assert names(found) == ["ConfigMap filled", "ConfigMap misspelt", "Secret a", "Secret b"]
    assert (found.enabled, found.variables, found.unread) == (True, True, ())


def test_an_object_that_is_too_large_and_a_kind_that_cannot_be_listed_keep_no_other_back(
    cluster: Callable[..., Cluster],
) -> None:
    found = cluster(
        secrets=[one("a"), Oversized("huge"), one("b")],
        configmaps=[one("filled", data_keyhole_dev__x=REF), KubernetesError("listing configmaps", 403)],
    ).look()
    assert names(found) == ["ConfigMap filled", "Secret a", "Secret b"]
    assert unread(found)[0] == ("Secret", "huge", "its metadata is too large")
    assert unread(found)[1][:2] == ("ConfigMap", "")
    assert "lacks the right to list configmaps in shop" in unread(found)[1][2]


def test_an_object_that_is_being_deleted_is_not_tried(cluster: Callable[..., Cluster]) -> None:
    found = cluster(secrets=[one("a", is_going=True, **{RECORD.replace("/", "__"): "{}"})]).look()
    assert not isinstance(found.objects, NotKnown)
    assert found.objects[0].proof == NotKnown(not_known="it is being deleted")


def test_a_namespace_with_more_text_than_is_kept_says_which_objects_are_left_out(
    cluster: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespaces, "MOST_BYTES", 1_500)
    long = "vault:secret/" + "x" * 400 + "#y"
    small = one("e", data_keyhole_dev__x=REF)
    found = cluster(secrets=[*(one(name, data_keyhole_dev__x=long) for name in "abcd"), small]).look()
    assert names(found) == ["Secret a", "Secret b", "Secret e"]
    assert [each[1] for each in unread(found)] == ["c", "d"]


def test_what_all_keep_together_is_bounded_too(cluster: Callable[..., Cluster]) -> None:
    room = Room(100)
    assert room.take(60)
    assert not room.take(60)
    assert room.take(40)
    assert names(cluster(secrets=[one("a")]).look()) == ["Secret a"]


def test_so_many_references_are_read_and_no_more(
    cluster: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(namespaces, "MOST_REFERENCES", 1)
    found = cluster(secrets=[one(name, data_keyhole_dev__x=REF) for name in "abc"]).look()
    assert names(found) == ["Secret a"]
    assert [each[1] for each in unread(found)] == ["b", "c"]


def test_what_was_listed_before_the_run_had_to_end_is_kept(cluster: Callable[..., Cluster]) -> None:
    made = cluster(secrets=[one("a"), KubernetesUnavailable("did not answer")])
    found = made.look()
    assert names(found) == ["Secret a"]
    assert unread(found)[0][:2] == ("Secret", "")
    made.looking.run.stop("SIGTERM")
    assert made.look().objects == NotKnown(not_known="SIGTERM")


def test_a_namespace_that_lost_the_label_is_there_with_what_refers_to_vault(cluster: Callable[..., Cluster]) -> None:
    made = cluster(secrets=[one("plain"), one("a", data_keyhole_dev__x=REF)])
    found = made.look_without_label()
    assert found is not None
    assert (found.enabled, names(found)) == (False, ["Secret a"])
    assert made.look_without_label("foreign") is None


def test_nothing_is_claimed_of_a_namespace_without_the_label_that_has_no_such_objects(
    cluster: Callable[..., Cluster],
) -> None:
    assert cluster(secrets=[one("plain")]).look_without_label() is None


def test_a_namespace_without_the_account_is_none_of_keyholes_also_for_an_administrator_who_may_look_everywhere(
    cluster: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = cluster(secrets=[one("plain")])

    def refuse(*_args: Any) -> TenantApi:
        raise KubernetesError("creating a token", 404)

    monkeypatch.setattr(made, "acting_as", refuse)
    assert made.look_without_label() is None


def test_a_namespace_without_the_label_that_could_not_be_looked_at_is_not_passed_over(
    cluster: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = cluster(secrets=[KubernetesError("listing secrets", 403)])
    found = made.look_without_label()
    assert found is not None
    assert (found.enabled, found.objects, unread(found)[0][0]) == (False, (), "Secret")

    def refuse(*_args: Any) -> TenantApi:
        raise KubernetesError("creating a token", 403)

    monkeypatch.setattr(made, "acting_as", refuse)
    found = made.look_without_label()
    assert found is not None
    assert isinstance(found.objects, NotKnown)
    assert not found.enabled
    made.looking.run.stop("SIGTERM")
    found = made.look_without_label()
    assert found is not None
    assert found.objects == NotKnown(not_known="SIGTERM")


def test_a_listed_kind_that_the_cluster_does_not_know_has_no_objects(cluster: Callable[..., Cluster]) -> None:
    found = cluster(secrets=[one("a")], configmaps=[KubernetesError("listing configmaps", 404)]).look()
    assert (names(found), found.unread) == (["Secret a"], ())


def test_each_listed_kind_has_a_pace_of_its_own_so_that_a_broken_one_keeps_no_secret_back(
    cluster: Callable[..., Cluster],
) -> None:
    made = cluster()
    made.look()
    assert made.paces["secrets"] == made.looking.lists.ask
    assert made.paces["configmaps"] == made.looking.listed[CONFIG_MAP].ask
