"""When a problem is written to an object, and when it is taken off."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from controller.telling.lasting import LastingProblems, Write
from manifests.following.problem import Problem, dump, parse

_START = datetime(2026, 1, 31, 12, tzinfo=UTC)
_DELETED = Problem("deleted", "/data/password")
_SINCE_START = Problem("deleted", "/data/password", "2026-01-31T12:00:00Z")


def lasting(**limits: int) -> LastingProblems:
    """Return one whose clock goes on by a minute with each look."""
    minutes: Iterator[int] = iter(range(1000))
    return LastingProblems(lambda: _START + timedelta(minutes=next(minutes)), **limits)


def test_a_problem_is_written_in_the_second_round_with_the_time_of_the_first() -> None:
    problems = lasting()
    assert problems.found("shop", "app", _DELETED, None) is Write.NOTHING
    assert problems.by_cause() == {}
    assert problems.found("shop", "app", _DELETED, None) == _SINCE_START
    assert problems.by_cause() == {"deleted": 1}


def test_what_stands_there_already_is_not_written_again() -> None:
    problems = lasting()
    text = dump(_SINCE_START)
    assert [problems.found("shop", "app", _DELETED, text) for _ in range(3)] == [Write.NOTHING] * 3
    assert problems.by_cause() == {"deleted": 1}


def test_a_problem_that_could_not_be_written_is_written_later_with_the_same_time() -> None:
    problems = lasting()
    written = [problems.found("shop", "app", _DELETED, None) for _ in range(4)]
    assert written == [Write.NOTHING, *[_SINCE_START] * 3]


def test_another_problem_takes_two_rounds_as_well() -> None:
    problems = lasting()
    text = dump(_SINCE_START)
    problems.found("shop", "app", _DELETED, text)
    denied = Problem("PermissionDenied", "/data/password")
    assert problems.found("shop", "app", denied, text) is Write.NOTHING
    assert problems.found("shop", "app", denied, text) == Problem(denied.cause, denied.field, "2026-01-31T12:00:00Z")


def test_a_problem_that_comes_and_goes_is_never_written() -> None:
    problems = lasting()
    for found in (_DELETED, None) * 3:
        assert problems.found("shop", "app", found, None) is Write.NOTHING


def test_what_is_over_is_removed_at_once_and_so_is_what_says_nothing() -> None:
    problems = lasting()
    for text in (dump(_SINCE_START), "", "nonsense"):
        assert problems.found("shop", "app", None, text) is Write.REMOVE
    assert problems.found("shop", "app", None, None) is Write.NOTHING


def test_an_annotation_that_somebody_wrote_otherwise_is_put_right() -> None:
    problems = lasting()
    text = dump(_SINCE_START).replace("{", '{"more":1,')
    assert problems.found("shop", "app", _DELETED, text) == _SINCE_START


def test_what_no_longer_exists_is_forgotten() -> None:
    problems = lasting()
    for namespace in ("shop", "other"):
        for name in ("app", "web"):
            for _ in range(2):
                problems.found(namespace, name, _DELETED, None)
    problems.retain("shop", ["web", "new"])
    assert problems.by_cause() == {"deleted": 3}
    problems.forget("other")
    problems.forget("other")
    problems.retain("gone", [])
    assert problems.by_cause() == {"deleted": 1}


def test_memory_is_bounded_and_room_comes_back() -> None:
    problems = lasting(most=2)
    for name in ("a", "b", "c"):
        for _ in range(2):
            problems.found("shop", name, _DELETED, None)
    assert problems.by_cause() == {"deleted": 2}
    problems.found("shop", "a", None, None)
    assert problems.found("shop", "c", _DELETED, None) is Write.NOTHING
    assert isinstance(problems.found("shop", "c", _DELETED, None), Problem)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([None, "deleted", "destroyed"]))))
def test_the_annotations_follow_what_is_found(rounds: list[tuple[str, str | None]]) -> None:
    """Whatever happened before: two equal rounds, and the annotation says so; one sound round, and it says nothing."""
    problems = lasting()
    annotations: dict[str, str | None] = {"a": None, "b": None}
    last: dict[str, list[str | None]] = {"a": [], "b": []}
    for name, cause in rounds:
        write = problems.found("shop", name, Problem(cause) if cause else None, annotations[name])
        if isinstance(write, Problem):
            annotations[name] = dump(write)
        elif write is Write.REMOVE:
            annotations[name] = None
        last[name].append(cause)
        told = parse(annotations[name])
        if cause is None:
            assert told is None
        elif last[name][-2:] == [cause, cause]:
            assert told is not None
            assert told.cause == cause
    lasting_causes = sum(1 for causes in last.values() if causes and causes[-1] and causes[-2:-1] == causes[-1:])
    assert sum(problems.by_cause().values()) >= lasting_causes
