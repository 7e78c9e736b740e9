"""How each reference of an object stands beside what Vault says."""

from datetime import UTC, datetime, timedelta

import pytest

from cli.following.made_for import made_for
from cli.following.rows import Answer, NotKnown, Row, VaultSide, document, is_well, rows
from cli.following.shown import age, explanations, lines
from kube.objects import ObjectName, Owner
from manifests.following.problem import Problem
from manifests.following.standing import Reading, Standing
from resolver.references.grammar import parse_reference
from resolver.vault.kv_versions import KvVersion, VersionState

_NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
_NAME = ObjectName("shop", "app")
_PATH = ("default", "secret/app")


def reading(text: str = "vault:secret/app#password", version: int | None = 3) -> Reading:
    return Reading("/data/password", "data.password", parse_reference(text), version)


def version(current: int | None, seconds_ago: float = 3600, state: VersionState = VersionState.READABLE) -> KvVersion:
    created = (_NOW - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%S.123456789Z")
    return KvVersion(current, created, state)


def row(answer: Answer, standing: Standing | None = None, intervals: dict[str, float] | None = None) -> Row:
    """Return the line of an object with one reference, for this answer of Vault's."""
    known = standing or Standing((reading(),))
    paths = {_PATH: answer, ("eu", "secret/app"): answer}
    (found,) = rows(_NAME, known, VaultSide(_NOW, paths, intervals or {}))
    return found


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (version(3), []),
        (version(4, 66), ["behind"]),
        (version(4, 64), []),
        (version(1, 66), ["behind"]),
        (KvVersion(4), ["behind"]),
        (KvVersion(4, "yesterday"), ["behind"]),
        (KvVersion(None), []),
        (version(3, state=VersionState.DELETED), ["deleted"]),
        (version(3, state=VersionState.DESTROYED), ["destroyed"]),
        (version(0, state=VersionState.NONE), []),
        (NotKnown("denied"), []),
        (NotKnown(), []),
    ],
)
def test_what_vault_says_is_a_finding_or_none(answer: Answer, expected: list[str]) -> None:
    found = row(answer)
    assert [finding.cause for finding in found.findings] == expected
    assert is_well([found]) is (not expected)


@pytest.mark.parametrize(
    ("standing", "intervals", "seconds", "is_told"),
    [
        (Standing((reading(),)), {}, 60, True),
        (Standing((reading(),)), {"default": 7200.0}, 7200, False),
        (Standing((reading(),)), {"default": 0.0}, 0, False),
        (Standing((reading(),), interval_seconds=7200), {}, 7200, False),
        (Standing((reading(),), interval_seconds=10), {"default": 30.0}, 30, True),
        (Standing((reading(),), interval_seconds=3590), {}, 3590, False),
        (Standing((reading(),), interval_seconds=3530), {}, 3530, True),
        (Standing((reading(),), interval_seconds=10), {"default": 0.0}, 0, False),
        (Standing((reading(),), follows=False), {}, 0, False),
        (Standing((reading("vault:secret/app#password#3"),)), {}, 0, False),
        (Standing((reading("vault+eu:secret/app#password"),)), {"eu": 10.0}, 10, True),
    ],
)
def test_how_often_a_field_follows_says_when_it_is_behind(
    standing: Standing, intervals: dict[str, float], seconds: float, *, is_told: bool
) -> None:
    found = row(version(4), standing, intervals)
    assert found.follows_seconds == seconds
    assert bool(found.findings) is is_told


def test_each_finding_stands_at_its_field_and_others_in_the_first_line() -> None:
    user = Reading("/data/user", "data.user", parse_reference("vault:secret/app#user"), 3)
    findings = (Problem("deleted", "/data/user", "2026-01-31T11:00:00Z"), Problem("unseen"), Problem("x", "/data/z"))
    first, second = rows(_NAME, Standing((reading(), user), findings), VaultSide(_NOW))
    assert [finding.cause for finding in first.findings] == ["unseen", "x"]
    assert [finding.cause for finding in second.findings] == ["deleted"]


def test_an_object_without_references_has_a_line_if_something_is_wrong() -> None:
    assert list(rows(_NAME, Standing(), VaultSide(_NOW))) == []
    (found,) = rows(_NAME, Standing((), (Problem("no-record"),)), VaultSide(_NOW))
    assert (found.reference, [finding.cause for finding in found.findings]) == ("", ["no-record"])


def test_what_the_controller_told_is_not_told_twice() -> None:
    told = Problem("deleted", "/data/password", "2026-01-31T11:00:00Z")
    found = row(version(3, state=VersionState.DELETED), Standing((reading(),), (told,)))
    assert found.findings == (told,)


def test_the_document_has_nulls_for_what_is_not_known() -> None:
    told = document([row(NotKnown()), row(version(4))])
    assert told["is_well"] is False
    unknown, behind = told["references"]
    assert (unknown["vault_version"], unknown["vault_state"], unknown["changed"]) == (None, None, None)
    assert (behind["vault_version"], behind["vault_state"]) == (4, "readable")
    assert behind["changed"] == "2026-01-31T11:00:00Z"
    assert behind["findings"] == [{"cause": "behind", "field": "/data/password", "since": "2026-01-31T11:00:00Z"}]
    assert document([row(NotKnown("denied"))])["references"][0]["vault_state"] == "denied"


def test_the_argument_of_default_is_not_shown() -> None:
    found = row(NotKnown(), Standing((reading("vault:secret/app#password | default:hunter2"),)))
    assert "hunter2" not in repr(document([found]))


def test_the_table() -> None:
    found = [
        row(version(4)),
        row(KvVersion(None)),
        row(NotKnown("denied"), Standing((reading(version=None),))),
        row(version(3, state=VersionState.DELETED), Standing((reading(),), interval_seconds=600)),
        Row(_NAME, findings=(Problem("malformed-record", "/data/\x1b[2J"),)),
    ]
    shown = list(lines(found, _NOW, with_namespace=True, is_wide=False))
    first = ["shop", "Secret/app", "data.password", "vault:secret/app#password"]
    assert [line.split() for line in shown] == [
        ["NAMESPACE", "OBJECT", "FIELD", "REFERENCE", "HERE", "VAULT", "CHANGED", "FOLLOWS", "PROBLEM"],
        [*first, *("3", "4", "59m", "1m", "behind", "for", "60m")],
        [*first, *("3", "v1", "-", "1m", "-")],
        [*first, *("-", "denied", "-", "1m", "-")],
        [*first, *("3", "3", "deleted", "59m", "10m", "deleted")],
        ["shop", "Secret/app", *["-"] * 6, "malformed-record", r"/data/\u001b[2J"],
    ]
    wide = list(lines(found[:1], _NOW, with_namespace=False, is_wide=True))
    assert wide[1].endswith("behind since 2026-01-31T11:00:00Z")
    assert next(explanations(found)).startswith("behind: Vault has had another version")


def test_each_cause_is_explained_once_and_unknown_words_are_not() -> None:
    found = [Row(_NAME, findings=(Problem(word),)) for word in ("deleted", "deleted", "Mine", "PermissionDenied")]
    assert [line.partition(":")[0] for line in explanations(found)] == ["PermissionDenied", "deleted"]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172_800, "2d")],
)
def test_ages(seconds: float, expected: str) -> None:
    assert age(_NOW - timedelta(seconds=seconds), _NOW) == expected


def test_each_line_names_the_kind_and_the_workload_that_a_generated_secret_is_for() -> None:
    owners = [Owner("apps/v1", "ReplicaSet", f"web-{revision}", revision) for revision in ("a1", "b2")]
    standing = Standing((reading(),))
    (found,) = rows(_NAME, standing, VaultSide(_NOW), made_for=made_for(owners))
    title, line = lines([found], _NOW, with_namespace=False, is_wide=True)
    assert title.startswith("OBJECT ")
    assert line.startswith("Secret/app for web (2 revisions)  data.password")
    told = document([found])["references"][0]
    assert (told["group"], told["kind"], told["made_for"]) == ("", "Secret", "web (2 revisions)")


@pytest.mark.parametrize(
    ("owners", "told"),
    [
        ([], ""),
        ([("ControllerRevision", "web-server-5d8f")], "web-server (1 revision)"),
        ([("CronJob", "backup")], "CronJob backup"),
        ([("ReplicaSet", "web-1"), ("ReplicaSet", "api-1")], "api (1 revision), web (1 revision)"),
        ([("Pod", "lone"), ("ReplicaSet", "web-1")], "web (1 revision), Pod lone"),
        ([("ReplicaSet", "odd")], "ReplicaSet odd"),
    ],
)
def test_owners_say_for_which_workload_a_secret_was_made(owners: list[tuple[str, str]], told: str) -> None:
    assert made_for(Owner("v1", kind, name, name) for kind, name in owners) == told


def test_the_table_is_cut_to_the_width_of_the_terminal_and_says_what_is_wrong_all_the_same() -> None:
    long = Standing((reading("vault:secret/team/shop/production/app#password"),))
    name = ObjectName("shop", "web-frontend-keyhole-0123456789ab")
    (found,) = rows(name, long, VaultSide(_NOW, {("default", "secret/team/shop/production/app"): version(4)}))
    natural = max(map(len, lines([found], _NOW, with_namespace=True, is_wide=False)))
    assert natural > 130
    for columns in (natural, 120, 100):
        shown = list(lines([found], _NOW, with_namespace=True, is_wide=False, columns=columns))
        assert max(map(len, shown)) == columns
        assert shown[1].endswith("behind for 60m")
    narrow = list(lines([found], _NOW, with_namespace=True, is_wide=False, columns=20))
    assert "Secret/web-…" in narrow[1]
