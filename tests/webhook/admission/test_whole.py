"""Whole secrets: every field of a path in Vault as a key of a Secret."""

import base64
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.annotations import FROM, RECORD, REFRESH
from resolver.vault.errors import VaultDenied, VaultUnavailable
from tests.manifests.secrets import secret
from tests.webhook.admission.clusters import Cluster, WholeVault, from_paths
from webhook.model import Fate

APP = from_paths("secret/app")
BOTH = from_paths("secret/app, vault:secret/base")


def data(cluster: Cluster) -> dict[str, str]:
    assert cluster.live is not None
    return {key: base64.b64decode(text).decode() for key, text in cluster.live.get("data", {}).items()}


@pytest.fixture
def vault() -> WholeVault:
    vault = WholeVault()
    vault.write("secret/app", user="u", password="p")
    vault.write("secret/base", user="base", region="eu")
    return vault


@pytest.fixture
def cluster(vault: WholeVault) -> Cluster:
    return Cluster(vault)


@pytest.fixture
def applied(cluster: Cluster) -> Cluster:
    assert cluster.apply(APP).allowed
    cluster.vault.reads.clear()
    return cluster


def test_every_field_becomes_a_key_with_one_read(cluster: Cluster) -> None:
    answer = cluster.apply(APP)

    assert answer.allowed, answer.message
    assert data(cluster) == {"user": "u", "password": "p"}
    assert cluster.sources == {"user": "vault:secret/app#user", "password": "vault:secret/app#password"}
    assert {entry["form"] for entry in cluster.record.values()} == {"from"}
    assert cluster.vault.reads == ["secret/app"]
    assert [(each.pointer, each.fate) for each in answer.outcomes] == [
        ("/data/password", Fate.RESOLVED),
        ("/data/user", Fate.RESOLVED),
    ]


def test_later_paths_win_over_earlier_ones(cluster: Cluster) -> None:
    assert cluster.apply(BOTH).allowed

    assert data(cluster) == {"user": "base", "password": "p", "region": "eu"}
    assert cluster.sources["user"] == "vault:secret/base#user"
    assert cluster.vault.reads == ["secret/app", "secret/base"]


def test_whoever_else_fills_a_key_wins(cluster: Cluster) -> None:
    cluster.vault.write("secret/app", user="u", password="p", token="t")
    manifest = from_paths("secret/app", {"user": "mine", "region": "r"}, data__password="vault:secret/base#region")

    assert cluster.apply(manifest).allowed

    assert data(cluster) == {"user": "mine", "region": "r", "password": "eu", "token": "t"}
    assert cluster.sources == {"password": "vault:secret/base#region", "token": "vault:secret/app#token"}


def test_a_path_that_is_read_for_a_single_field_too_is_read_once(cluster: Cluster) -> None:
    assert cluster.apply(from_paths("secret/app", data__login="vault:secret/app#user")).allowed

    assert data(cluster) == {"user": "u", "password": "p", "login": "u"}
    assert cluster.vault.reads == ["secret/app"]


def test_an_unchanged_object_asks_nobody(applied: Cluster) -> None:
    before = applied.live

    answer = applied.apply(APP)

    assert answer.allowed
    assert answer.patch is None
    assert applied.live == before
    assert applied.vault.reads == []


def test_dry_runs_of_an_unchanged_object_show_no_difference(applied: Cluster) -> None:
    applied.vault.write("secret/app", user="new", more="m")
    applied.restart()

    answer, shown = applied.diff(APP)

    assert answer.allowed
    assert answer.warnings == []
    assert shown == applied.live
    assert applied.vault.reads == []


def test_a_dry_run_of_something_new_shows_no_field_and_says_so(cluster: Cluster) -> None:
    answer, shown = cluster.diff(APP)

    assert answer.allowed
    assert "data" not in shown
    assert any("a dry run does not ask Vault" in warning for warning in answer.warnings)
    assert cluster.vault.reads == []


def test_a_dry_run_of_something_new_is_refused_where_the_real_one_is(cluster: Cluster) -> None:
    cluster.labels.enabled = False
    answer, _ = cluster.diff(APP)
    assert not answer.allowed
    assert "has not opted in" in answer.message


@pytest.mark.parametrize("how", ["verification", "refresh"])
def test_fields_go_and_come_as_in_vault(applied: Cluster, how: str) -> None:
    applied.vault.write("secret/app", user="u", token="t")
    manifest = APP
    if how == "verification":
        applied.restart()
    else:
        manifest = from_paths("secret/app")
        manifest["metadata"]["annotations"][REFRESH] = "now"

    answer = applied.apply(manifest)

    assert answer.allowed
    assert data(applied) == {"user": "u", "token": "t"}
    assert applied.sources.keys() == {"user", "token"}
    assert applied.record["/data/user"]["versions"] == [2]
    assert applied.vault.reads == ["secret/app"]
    assert {each.pointer: each.fate for each in answer.outcomes} == {
        "/data/user": Fate.CONFIRMED,
        "/data/token": Fate.RESOLVED,
        "/data/password": Fate.REMOVED,
    }
    assert {each.form for each in answer.outcomes if each.fate is Fate.REMOVED} == {"from"}


def test_each_change_of_fields_counts_for_restarts(applied: Cluster) -> None:
    for count, fields in enumerate([{"user": "u"}, {"user": "u", "more": "m"}], start=1):
        for _ in range(2):
            applied.vault.write("secret/app", **fields)
            applied.restart()
            assert applied.apply(APP).allowed
            assert applied.live is not None
            assert f'"n":{count},"v":1}}' in applied.live["metadata"]["annotations"][RECORD]


def test_a_field_that_was_removed_by_hand_comes_back(applied: Cluster) -> None:
    assert applied.live is not None
    edited = {**applied.live, "data": {"user": applied.live["data"]["user"]}}

    assert applied.put(edited).allowed

    assert data(applied) == {"user": "u", "password": "p"}


def test_a_field_that_went_while_nobody_looked_comes_back(applied: Cluster) -> None:
    assert applied.live is not None
    del applied.live["data"]["password"]

    assert applied.apply(APP).allowed

    assert data(applied) == {"user": "u", "password": "p"}
    assert applied.vault.reads == ["secret/app"]


def test_a_value_of_the_manifests_own_wins_from_then_on_and_gives_way_again(applied: Cluster) -> None:
    answer = applied.apply(from_paths("secret/app", {"user": "mine"}))
    assert answer.allowed
    assert data(applied) == {"user": "mine", "password": "p"}
    assert applied.sources.keys() == {"password"}
    assert any("has a value of its own" in warning for warning in answer.warnings)

    assert applied.apply(APP).allowed
    assert data(applied) == {"user": "u", "password": "p"}


def test_an_annotation_for_a_key_wins_and_gives_way_again(applied: Cluster) -> None:
    assert applied.apply(from_paths("secret/app", data__user="vault:secret/base#user")).allowed
    assert data(applied) == {"user": "base", "password": "p"}

    assert applied.apply(APP).allowed
    assert data(applied) == {"user": "u", "password": "p"}
    assert applied.sources["user"] == "vault:secret/app#user"


def test_without_the_annotation_the_fields_go(applied: Cluster) -> None:
    assert applied.apply(secret()).allowed

    assert data(applied) == {}
    assert applied.live is not None
    assert RECORD not in applied.live["metadata"]["annotations"]
    assert applied.vault.reads == []


def test_without_one_path_its_fields_go_or_become_the_others(cluster: Cluster) -> None:
    assert cluster.apply(BOTH).allowed
    assert cluster.apply(APP).allowed
    assert data(cluster) == {"user": "u", "password": "p"}
    assert cluster.apply(from_paths("secret/base")).allowed
    assert data(cluster) == {"user": "base", "region": "eu"}


def test_the_order_of_the_paths_counts(cluster: Cluster) -> None:
    assert cluster.apply(BOTH).allowed
    assert cluster.apply(from_paths("secret/base, secret/app")).allowed
    assert data(cluster) == {"user": "u", "password": "p", "region": "eu"}


@pytest.mark.parametrize("error", [VaultUnavailable("https://vault", "is sealed"), VaultDenied("secret/data/app")])
def test_if_vault_says_nothing_everything_stays_with_one_warning(applied: Cluster, error: VaultDenied) -> None:
    applied.vault.errors["secret/app"] = error
    applied.restart()
    before = applied.live

    answer = applied.apply(APP)

    assert answer.allowed
    assert applied.live == before
    (warning,) = answer.warnings
    assert warning == f"annotation {FROM}: each field keeps its value, unverified: {error.cause}: {error.message}"
    assert {each.fate for each in answer.outcomes} == {Fate.UNVERIFIED}


def test_if_one_path_says_nothing_the_other_follows(cluster: Cluster) -> None:
    assert cluster.apply(BOTH).allowed
    cluster.restart()
    cluster.vault.errors["secret/app"] = VaultDenied("secret/data/app")
    cluster.vault.write("secret/base", zone="z")

    answer = cluster.apply(BOTH)

    assert answer.allowed
    assert data(cluster) == {"password": "p", "zone": "z"}
    assert len(answer.warnings) == 1


def test_a_path_without_a_secret_is_refused_at_first_and_kept_later(cluster: Cluster) -> None:
    answer = cluster.apply(from_paths("secret/app, secret/none"))
    assert not answer.allowed
    assert f"annotation {FROM}, vault:secret/none" in answer.message
    (refused,) = [each for each in answer.outcomes if each.fate is Fate.REFUSED]
    assert (refused.pointer, [reference.shown for reference in refused.references]) == (
        "/data",
        ["vault:secret/app", "vault:secret/none"],
    )
    assert cluster.apply(APP).allowed
    del cluster.vault.secrets["secret/app"]
    cluster.restart()
    assert cluster.apply(APP).allowed
    assert data(cluster) == {"user": "u", "password": "p"}
    # A path that is new on a live object is a new wish, as a changed reference is.
    assert not cluster.apply(from_paths("secret/app, secret/none")).allowed


@pytest.mark.parametrize("fields", [{}, {"a/b": "1", "": "2", "..data": "3"}, {"nothing": None}])
def test_a_secret_that_gives_no_key_is_refused_at_first_and_kept_later(
    cluster: Cluster, fields: Mapping[str, str | None]
) -> None:
    cluster.vault.secrets["secret/empty"] = dict(fields)
    cluster.vault.versions["secret/empty"] = 1
    answer = cluster.apply(from_paths("secret/empty"))
    assert not answer.allowed
    assert "FieldNotFound" in answer.message
    assert "gives the Secret no key" in answer.message
    assert cluster.apply(APP).allowed
    cluster.vault.secrets["secret/app"] = dict(fields)
    cluster.restart()
    assert cluster.apply(APP).allowed
    assert data(cluster) == {"user": "u", "password": "p"}


def test_a_secret_whose_fields_are_all_the_manifests_own_is_refused(cluster: Cluster) -> None:
    answer = cluster.apply(from_paths("secret/app", {"user": "1", "password": "2"}))
    assert not answer.allowed
    assert "have a value of their own in the object" in answer.message


def test_a_secret_that_somebody_made_by_hand_is_told_what_it_covers(cluster: Cluster) -> None:
    assert cluster.apply(secret({"user": "old"}, {})).allowed
    cluster.owned.clear()

    answer = cluster.apply(APP)

    assert data(cluster) == {"user": "old", "password": "p"}
    (warning,) = answer.warnings
    assert "vault:secret/app: not used, because the Secret has a value of its own: user" in warning
    cluster.restart()
    assert cluster.apply(APP).warnings == []


def test_names_that_no_key_can_have_are_left_out_and_told(cluster: Cluster) -> None:
    cluster.vault.secrets["secret/app"] = {"user": "u", "a/b": "x", "..data": "x", "n": None, "\u202e": "x", "": "x"}

    answer = cluster.apply(APP)

    assert data(cluster) == {"user": "u"}
    (warning,) = answer.warnings
    assert "left out" in warning
    assert "a/b, ..data, \\u202e, (empty)" in warning


def test_a_generated_name_gets_values_and_no_record(cluster: Cluster) -> None:
    manifest = from_paths("secret/app")
    manifest["metadata"] = {**manifest["metadata"], "generateName": "app-"}
    del manifest["metadata"]["name"]

    answer, after = cluster.ask(manifest)

    assert answer.allowed
    assert after["data"].keys() == {"user", "password"}
    assert RECORD not in after["metadata"]["annotations"]


def test_an_immutable_object_keeps_its_fields(applied: Cluster) -> None:
    assert applied.live is not None
    applied.live["immutable"] = True
    frozen = {**APP, "immutable": True}
    applied.vault.write("secret/app", other="x")
    applied.restart()

    answer = applied.apply(frozen)
    assert answer.allowed
    assert data(applied) == {"user": "u", "password": "p"}
    assert applied.sources.keys() == {"user", "password"}
    assert applied.vault.reads == []
    for manifest in (from_paths("secret/base"), secret()):
        answer = applied.apply({**manifest, "immutable": True})
        assert not answer.allowed
        assert "has other paths than those that gave the values" in answer.message


# What a webhook added, nobody owns.
_MANAGERS = [{"manager": "kubectl", "fieldsV1": {"f:metadata": {"f:annotations": {}}}}]


def test_the_api_server_that_asks_again_within_a_request_gets_the_same(cluster: Cluster) -> None:
    first, after = cluster.ask(cluster.merged(BOTH))
    assert first.allowed
    after["metadata"]["managedFields"] = _MANAGERS
    cluster.vault.reads.clear()

    second, again = cluster.ask(after)

    assert second.allowed
    assert again == after
    assert cluster.vault.reads == []


def test_a_field_that_just_went_does_not_come_back_when_it_asks_again(applied: Cluster) -> None:
    applied.vault.write("secret/app", user="new", token="t")
    refreshed = applied.merged(APP)
    refreshed["metadata"]["annotations"][REFRESH] = "now"
    first, after = applied.ask(refreshed)
    assert first.allowed
    after["metadata"]["managedFields"] = _MANAGERS
    applied.vault.reads.clear()

    second, again = applied.ask(after)

    assert second.allowed
    assert again == after
    assert again["data"].keys() == {"user", "token"}
    assert applied.vault.reads == []


def test_another_webhook_that_adds_a_path_meanwhile_is_heard(cluster: Cluster) -> None:
    first, after = cluster.ask(cluster.merged(APP))
    assert first.allowed
    after["metadata"]["managedFields"] = _MANAGERS
    after["metadata"]["annotations"][FROM] = BOTH["metadata"]["annotations"][FROM]
    second, again = cluster.ask(after)
    assert second.allowed
    assert again["data"].keys() == {"user", "password", "region"}


def test_a_backup_is_filled_with_what_vault_says_now(applied: Cluster) -> None:
    applied.vault.write("secret/app", user="now", token="t")
    backup, applied.live = applied.live, None
    assert backup is not None
    answer, shown = applied.ask(backup, dryRun=True)
    assert answer.allowed
    assert shown["data"] == backup["data"]
    assert applied.put(backup).allowed
    assert data(applied) == {"user": "now", "token": "t"}


def test_a_copy_in_another_place_is_filled_anew_and_never_searched(applied: Cluster) -> None:
    assert applied.live is not None
    applied.vault.write("secret/app", user="vault:secret/base#user", gone="vault:secret/base#region")
    applied.restart()
    assert applied.apply(APP).allowed
    copy = {**applied.live, "metadata": {**applied.live["metadata"], "name": "copy"}}
    elsewhere = Cluster(applied.vault)
    applied.vault.write("secret/app", user="new")

    assert elsewhere.put(copy).allowed

    assert data(elsewhere) == {"user": "new"}


def test_too_many_fields_are_refused_at_first_and_change_nothing_later(cluster: Cluster) -> None:
    many = {f"key-{number}": "v" for number in range(5000)}
    cluster.vault.write("secret/many", **many)
    answer = cluster.apply(from_paths("secret/many"))
    assert not answer.allowed
    assert "would have 5000 references, and 1000 are the most" in answer.message
    assert cluster.apply(APP).allowed
    cluster.vault.write("secret/app", **many)
    cluster.restart()
    answer = cluster.apply(APP)
    assert answer.allowed
    assert data(cluster) == {"user": "u", "password": "p"}
    assert "1000 are the most" in answer.warnings[0]


def test_more_bytes_than_a_secret_holds_change_nothing_either(applied: Cluster) -> None:
    applied.vault.write("secret/app", user="u", large=b"x" * 1_048_576)
    applied.restart()
    answer = applied.apply(APP)
    assert answer.allowed
    assert data(applied) == {"user": "u", "password": "p"}
    assert "SecretTooLarge" in answer.warnings[0]


def test_a_record_that_would_not_fit_changes_nothing_either(applied: Cluster) -> None:
    applied.vault.write("secret/app", **{f"{'k' * 200}{number}": "v" for number in range(600)})
    applied.restart()
    answer = applied.apply(APP)
    assert answer.allowed
    assert data(applied) == {"user": "u", "password": "p"}
    assert "RecordTooLarge" in answer.warnings[0]


def test_the_record_of_two_hundred_fields_fits(cluster: Cluster) -> None:
    cluster.vault.write("secret/app", **{f"SOME_LONG_VARIABLE_NAME_{number}": "v" for number in range(200)})
    assert cluster.apply(APP).allowed
    assert cluster.live is not None
    assert 20_000 < len(cluster.live["metadata"]["annotations"][RECORD]) < 40_000


def test_who_may_not_read_gets_nothing(cluster: Cluster) -> None:
    cluster.rights.allowed = False
    answer = cluster.apply(APP)
    assert not answer.allowed
    assert cluster.vault.reads == []


def test_paths_that_cannot_be_read_are_told(cluster: Cluster) -> None:
    answer = cluster.apply(from_paths("secret/app#user"))
    assert not answer.allowed
    assert "a field or a version behind a path" in answer.message


_FIELDS = st.dictionaries(st.sampled_from("abcde"), st.sampled_from(["1", "2"]), min_size=1)


@given(_FIELDS, _FIELDS, _FIELDS, st.dictionaries(st.sampled_from("ab"), st.just("own")))
def test_the_last_that_has_a_field_wins_and_twice_is_once(
    first: dict[str, str | bytes | None],
    second: dict[str, str | bytes | None],
    later: dict[str, str | bytes | None],
    own: dict[str, str],
) -> None:
    cluster = Cluster()
    cluster.vault.write("secret/app", **first)
    cluster.vault.write("secret/base", **second)
    manifest = from_paths("secret/app,secret/base", own)
    answer = cluster.apply(manifest)
    if not (first.keys() | second.keys()) - own.keys():
        assert not answer.allowed
        return
    assert data(cluster) == {**first, **second, **own}
    once = cluster.live
    cluster.restart()
    assert cluster.apply(manifest).patch is None
    cluster.vault.write("secret/base", **later)
    cluster.restart()
    assert cluster.apply(manifest).allowed
    if (first.keys() | later.keys()) - own.keys():
        assert data(cluster) == {**first, **later, **own}
    else:
        assert data(cluster) == {**{key: base64.b64decode(text).decode() for key, text in (once or {})["data"].items()}}
