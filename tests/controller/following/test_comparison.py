"""Whether an object still holds what Vault holds: the table of `controller.following.comparison`."""

from collections.abc import Mapping

import pytest

from controller.following.comparison import Answer, Asked, Comparison, Difference, PathMemory, Verdict, remembered
from manifests.fields.scan import Form
from manifests.following.followed import FollowedField
from manifests.following.problem import Hindrance, Problem
from manifests.provenance.record import Entry
from resolver.causes import Cause
from resolver.references.grammar import Reference
from resolver.vault.errors import SecretNotFound, VaultDenied, VaultUnavailable
from resolver.vault.kv_versions import KvVersion, VersionState

REFERENCE = Reference("secret/app", "password")
PATH = Asked("default", "secret/app")
MONDAY, TUESDAY = "2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z"


def field(pointer: str = "/data/a", **versions: int | None) -> FollowedField:
    of = {Reference(f"secret/{name}", "password"): version for name, version in versions.items()}
    entry = Entry(Form.ANNOTATION, "", (), tuple(of.values()))
    return FollowedField(pointer, entry, tuple(of), of, None)


def at(version: int | None, created: str = MONDAY, state: VersionState = VersionState.READABLE) -> KvVersion:
    return KvVersion(version, created, state)


def verdict(
    answer: Answer | None, recorded: int | None = 3, before: PathMemory | None = None, same: bool | None = None
) -> Verdict:
    answers: Mapping[Asked, Answer] = {} if answer is None else {PATH: answer}
    comparison = Comparison(answers, {PATH: before} if before else {}, lambda _field: same)
    fields = (field(app=recorded),)
    return comparison.verdict(fields, comparison.made_anew(fields))


def told(cause: str) -> Verdict:
    return Verdict((), Problem(str(cause), "/data/a"))


REFRESH = "refresh"


@pytest.mark.parametrize(
    ("answer", "before", "expected"),
    [
        pytest.param(None, None, Verdict(), id="no answer"),
        pytest.param(at(3), None, Verdict(), id="the recorded version"),
        pytest.param(at(3), PathMemory(3, MONDAY), Verdict(), id="as it was"),
        pytest.param(at(4), None, REFRESH, id="a newer one"),
        pytest.param(at(9), PathMemory(3, MONDAY), REFRESH, id="several newer ones"),
        pytest.param(at(1), PathMemory(3, MONDAY), Verdict(), id="a smaller one, seen for the first time"),
        pytest.param(at(1), PathMemory(1, TUESDAY, smaller=1), REFRESH, id="a smaller one, seen twice"),
        pytest.param(at(2), PathMemory(1, TUESDAY, smaller=1), Verdict(), id="another smaller one"),
        pytest.param(at(3, TUESDAY), PathMemory(3, MONDAY), REFRESH, id="the same number, made later"),
        pytest.param(at(3, ""), PathMemory(3, MONDAY), Verdict(), id="the same number, time unknown now"),
        pytest.param(at(3, TUESDAY), PathMemory(3, ""), Verdict(), id="the same number, time unknown before"),
        pytest.param(at(3, TUESDAY), PathMemory(2, MONDAY), Verdict(), id="refreshed since"),
        pytest.param(at(3, state=VersionState.DELETED), None, told(Hindrance.DELETED), id="deleted"),
        pytest.param(
            at(4, state=VersionState.DELETED),
            None,
            told(Hindrance.DELETED),
            id="newer, deleted",
        ),
        pytest.param(
            at(3, state=VersionState.DESTROYED),
            None,
            told(Hindrance.DESTROYED),
            id="destroyed",
        ),
        pytest.param(
            at(0, "", VersionState.NONE),
            None,
            told(Hindrance.DELETED),
            id="no version at all",
        ),
        pytest.param(
            SecretNotFound("secret/app", None, deleted=False),
            None,
            told(Cause.SECRET_NOT_FOUND),
            id="gone",
        ),
        pytest.param(
            VaultDenied("secret/metadata/app"),
            None,
            told(Cause.PERMISSION_DENIED),
            id="denied",
        ),
        pytest.param(VaultUnavailable("https://vault", "did not answer"), None, Verdict(), id="an outage"),
    ],
)
def test_the_table(answer: Answer | None, before: PathMemory | None, expected: Verdict | str) -> None:
    if expected == REFRESH:
        assert isinstance(answer, KvVersion)
        expected = Verdict((Difference(PATH, answer.current),))
    assert verdict(answer, before=before) == expected


@pytest.mark.parametrize(("same", "differs"), [(True, False), (False, True), (None, False)])
def test_without_versions_the_value_decides(same: bool | None, *, differs: bool) -> None:
    assert verdict(at(None), None, same=same) == (Verdict((Difference(PATH, None),)) if differs else Verdict())


def test_a_mount_that_got_versions_is_read_once_more() -> None:
    assert verdict(at(1), None) == Verdict((Difference(PATH, 1),))
    assert verdict(at(None), 3) == Verdict((Difference(PATH, None),))


def test_one_path_that_fails_keeps_no_other_from_being_refreshed() -> None:
    answers: Mapping[Asked, Answer] = {
        Asked("default", "secret/a"): VaultDenied("secret/metadata/a"),
        Asked("default", "secret/b"): at(2),
    }
    found = Comparison(answers).verdict((field("/data/a", a=1), field("/data/b", b=1)))
    assert found.differences == (Difference(Asked("default", "secret/b"), 2),)
    assert found.problem == Problem(str(Cause.PERMISSION_DENIED), "/data/a")


def test_a_path_in_many_fields_is_one_difference() -> None:
    found = Comparison({PATH: at(2)}).verdict((field("/data/a", app=1), field("/data/b", app=1)))
    assert found.differences == (Difference(PATH, 2),)


def test_what_the_next_round_knows() -> None:
    other = Asked("default", "secret/other")
    before = {PATH: PathMemory(3, MONDAY), other: PathMemory(7, MONDAY)}
    unavailable = VaultUnavailable("https://vault", "did not answer")
    assert remembered({PATH: at(4, TUESDAY), other: unavailable}, {PATH: 4, other: 7}, before) == {
        PATH: PathMemory(4, TUESDAY),
        other: PathMemory(7, MONDAY),
    }
    assert remembered({PATH: at(1, TUESDAY)}, {PATH: 4}, before)[PATH] == PathMemory(1, TUESDAY, smaller=1)
