"""Rounds of one namespace, in situations that a real cluster has rarely: what one round leaves for the next one."""

from dataclasses import replace

import pytest

from controller.following import listing, survey
from controller.following.listing import managed_objects, without_fields
from controller.following.unlisted import Unlisted
from controller.managed import Managed
from kube.errors import KubernetesUnavailable
from manifests.annotations import PROBLEM, RECORD
from manifests.fields.scan import Form
from manifests.following.followed import followed
from manifests.kinds.known import ONLY_SECRETS
from manifests.kinds.secret import SECRET
from manifests.provenance import counting, record
from manifests.provenance.record import Entry
from resolver.vault.kv_versions import KvVersion
from tests.controller.following.rounds import MONDAY, SHOP, TUESDAY, Cluster, Loop


def test_what_was_made_anew_is_refreshed_once_even_if_another_secret_keeps_its_value() -> None:
    cluster = Cluster(good="app", kept="app")
    cluster.kept = {"kept"}
    loop = Loop(cluster)
    assert loop.round() == []
    cluster.vault["app"] = KvVersion(1, TUESDAY)
    assert loop.round() == ["good", "kept"]
    rounds = [loop.round() for _ in range(30)]
    assert [name for names in rounds for name in names if name == "good"] == []
    # Tried again, each time later, until it works.
    assert 2 <= len([name for names in rounds for name in names]) <= 8
    cluster.kept = set()
    assert ["kept"] in [loop.round() for _ in range(11)]
    assert [loop.round() for _ in range(5)] == [[]] * 5


def test_what_was_made_anew_is_seen_by_a_secret_that_is_compared_less_often() -> None:
    cluster = Cluster(often="app")
    cluster.apply("seldom", "app", follow="10m")
    loop = Loop(cluster)
    assert loop.round() == []
    cluster.vault["app"] = KvVersion(1, TUESDAY)
    rounds = [loop.round() for _ in range(12)]
    assert rounds[0] == ["often"]
    assert sorted(name for names in rounds for name in names) == ["often", "seldom"]


def test_what_was_made_anew_is_not_forgotten_while_a_refresh_is_held_back() -> None:
    cluster = Cluster(app="app")
    cluster.kept = {"app"}
    loop = Loop(cluster)
    loop.round()
    cluster.vault["app"] = KvVersion(1, TUESDAY)
    assert loop.round() == ["app"]
    loop.now -= 30.0
    assert loop.round() == []
    cluster.kept = set()
    assert loop.round() == ["app"]
    assert loop.round() == []


@pytest.mark.parametrize("silent", [set[str](), {"other"}])
def test_an_immutable_secret_is_asked_once_for_each_version(silent: set[str]) -> None:
    cluster = Cluster()
    cluster.vault |= {"app": KvVersion(1), "other": KvVersion(1)}
    cluster.apply("fixed", "app", "other")
    cluster.immutable = {"fixed"}
    loop = Loop(cluster)
    cluster.vault |= {"app": KvVersion(2), "other": KvVersion(2)}
    rounds = []
    for number in range(10):
        loop.silent = silent if number % 2 else set()
        rounds.append(loop.round())
    assert rounds == [["fixed"], *[[]] * 9]
    cluster.vault["app"] = KvVersion(3)
    assert loop.round() == ["fixed"]
    assert loop.round() == []


def test_a_namespace_with_very_many_paths_asks_for_few_of_them_in_a_turn() -> None:
    # Between its turns, the other namespaces have theirs.
    paths = [f"p{number}" for number in range(250)]
    cluster = Cluster("Secret", None, **{path: path for path in paths})
    loop = Loop(cluster)
    cluster.vault |= {path: KvVersion(2) for path in paths}
    assert loop.round() == sorted(paths)
    assert loop.asked == [100, 100, 50]


def test_secrets_beyond_what_is_followed_are_told_and_the_others_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "MOST_REFERENCES", 3)
    cluster = Cluster(a="a", b="b")
    cluster.apply("c", "a", "b")
    cluster.vault = {path: KvVersion(2) for path in cluster.vault}
    loop = Loop(cluster)
    assert loop.round() == ["a", "b"]
    assert loop.hints == [("shop", "left out")]


def test_of_a_secret_only_keyholes_own_annotations_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(a="a")
    notes = {**cluster.secrets["a"].annotations, PROBLEM: "{}", "somebody/else": "x" * 1000}
    cluster.secrets["a"] = replace(cluster.secrets["a"], annotations=notes, labels={"app": "x"})
    (found,) = managed_objects(cluster.tenant(), ONLY_SECRETS, Unlisted(), lambda: None)
    kept = {name: notes[name] for name in (RECORD, PROBLEM)}
    assert found.metadata == replace(found.metadata, annotations=kept, labels={})
    monkeypatch.setattr(listing, "MOST_CHARACTERS", 100)
    (found,) = managed_objects(cluster.tenant(), ONLY_SECRETS, Unlisted(), lambda: None)
    assert found.metadata.annotations == {}


def test_the_counter_survives_without_the_fields() -> None:
    entry = Entry(Form.ANNOTATION, "vault:secret/a#f", (), (1,), "id", n=4)
    for entries, n, changes in [({"/data/a": entry}, 4, 4), ({"/data/a": replace(entry, n=None)}, 4, 5), ({}, 0, 0)]:
        notes = {RECORD: record.dump("id", entries, n)}
        assert followed(SECRET, notes).changes == changes
        short = without_fields(Managed(SECRET, replace(SHOP, annotations=notes)), changes)
        assert counting.changes(record.parse(short.metadata.annotations[RECORD])) == changes
    assert without_fields(Managed(SECRET, SHOP), 0).metadata == SHOP


@pytest.mark.parametrize("hindrance", ["Vault says nothing", "the value is kept"])
def test_a_secret_with_a_long_interval_of_its_own_need_not_wait_for_it_again(hindrance: str) -> None:
    cluster = Cluster()
    cluster.vault["app"] = KvVersion(1, MONDAY)
    cluster.apply("app", "app", follow="2h")
    loop = Loop(cluster)
    loop.round()
    loop.now += 7200.0
    cluster.vault["app"] = KvVersion(2, TUESDAY)
    if hindrance == "the value is kept":
        cluster.kept = {"app"}
    else:
        loop.silent = {"app"}
    loop.round()
    cluster.kept, loop.silent = set(), set()
    assert [name for _ in range(3) for name in loop.round()] == ["app"]
    loop.questions = 0
    assert [loop.round() for _ in range(100)] == [[]] * 100
    assert loop.questions == 0


def test_a_connection_with_a_long_interval_is_asked_again_soon_after_it_said_nothing() -> None:
    cluster = Cluster(app="app")
    loop = Loop(cluster)
    loop.intervals = {"default": 7200.0, "other": 60.0}
    loop.silent = {"app"}
    assert loop.round() == []
    cluster.vault["app"] = KvVersion(2, TUESDAY)
    loop.silent = set()
    assert loop.round() == ["app"]
    assert loop.questions == 2
    assert [loop.round() for _ in range(100)] == [[]] * 100
    assert loop.questions == 2


def test_a_vault_that_comes_and_goes_has_nothing_tried_more_often() -> None:
    cluster = Cluster(app="app")
    cluster.kept = {"app"}
    loop = Loop(cluster)
    cluster.vault["app"] = KvVersion(2, TUESDAY)
    tries = 0
    for number in range(60):
        loop.silent = {"app"} if number % 2 else set()
        tries += len(loop.round())
    # After 1, 2, 4, 8 and then each ten minutes, within an hour.
    assert 4 <= tries <= 9


def test_workloads_that_cannot_be_listed_keep_values_back_for_a_few_rounds_and_not_for_good() -> None:
    cluster = Cluster(app="app")
    loop = Loop(cluster)
    loop.workloads_fail = True
    cluster.vault["app"] = KvVersion(2, TUESDAY)
    for _ in range(2):
        with pytest.raises(KubernetesUnavailable):
            loop.round()
        loop.now += 60.0
    assert loop.round() == ["app"]
