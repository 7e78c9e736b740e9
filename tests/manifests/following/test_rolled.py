import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.following import rolled
from manifests.following.rolled import Rolled, State, mark_of
from manifests.following.workload import Used


def secret(name: str) -> Used:
    return Used("Secret", name)


APP, DB = State(secret("app"), "uid-1", 3), State(secret("db"), "uid-2", 0)
NAMES = st.text("abcdef0123456789", min_size=8, max_size=8)


@given(st.dictionaries(NAMES, NAMES, min_size=1, max_size=5), st.booleans())
def test_what_is_written_is_what_is_read(marks: dict[str, str], was_ready: bool) -> None:
    assert rolled.parse(rolled.dump(Rolled(marks, was_ready))) == Rolled(marks, was_ready)


@given(st.text(max_size=60) | st.from_regex(r"[0-9a-f:,~]{0,40}"))
def test_any_text_has_an_answer(text: str) -> None:
    found = rolled.parse(text)
    assert found is None or found.marks


def test_equal_states_give_equal_texts_in_whatever_order() -> None:
    texts = {rolled.dump(Rolled(rolled.marks(order))) for order in ([APP, DB], [DB, APP])}
    assert len(texts) == 1
    assert rolled.dump(Rolled({})) == ""


@pytest.mark.parametrize(
    ("now", "has_moved"),
    [
        pytest.param([APP, DB], False, id="the same"),
        pytest.param([DB], False, id="one is not there for now"),
        pytest.param([APP, DB, State(secret("more"), "uid-3", 9)], False, id="there is another one"),
        pytest.param([State(secret("app"), "uid-1", 4), DB], True, id="a value changed"),
        pytest.param([State(secret("app"), "uid-1", 2), DB], True, id="the counter is another, and be it smaller"),
        pytest.param([State(secret("app"), "uid-9", 3), DB], True, id="it was deleted and made anew"),
    ],
)
def test_moved(now: list[State], has_moved: bool) -> None:
    found = rolled.moved(rolled.marks([APP, DB]), rolled.marks(now))
    assert found == ({mark_of(secret("app"))} if has_moved else set())


def test_a_baseline_leaves_what_is_known_as_it_was_so_that_a_change_is_still_seen() -> None:
    before, now = rolled.marks([APP]), rolled.marks([State(secret("app"), "uid-1", 4), DB])
    found = rolled.baseline(before, now, {secret("app"), secret("db"), secret("not-there")})
    assert found == {
        mark_of(secret("app")): before[mark_of(secret("app"))],
        mark_of(secret("db")): now[mark_of(secret("db"))],
    }
    assert rolled.moved(found, now) == {mark_of(secret("app"))}
    assert rolled.baseline(before, now, {secret("db")}).keys() == {mark_of(secret("db"))}


def test_after_a_restart_everything_is_as_now_and_what_is_gone_keeps_its_mark() -> None:
    before, now = rolled.marks([APP, DB]), rolled.marks([State(secret("app"), "uid-1", 4)])
    found = rolled.after_restart(before, now, {secret("app"), secret("db")})
    assert found == {**now, mark_of(secret("db")): before[mark_of(secret("db"))]}


def test_marks_of_secrets_are_what_they_were_before_there_were_other_kinds() -> None:
    """Another mark would be an unknown one, and the first change after an upgrade would restart nothing."""
    assert rolled.dump(Rolled(rolled.marks([APP, DB]))) == "7bdc25d1:e373127c,a172cedc:a244580c"


def test_a_config_map_is_no_secret_of_its_name_and_nothing_restarts_when_it_is_first_seen() -> None:
    settings = State(Used("ConfigMap", "app"), "uid-5", 1)
    before, now = rolled.marks([APP]), rolled.marks([APP, settings])
    assert len(now) == 2
    used = {APP.used, settings.used}
    assert rolled.moved(before, now) == set()
    noted = rolled.baseline(before, now, used)
    assert noted == now
    assert rolled.moved(noted, rolled.marks([APP, State(settings.used, "uid-5", 2)])) == {mark_of(settings.used)}
    assert rolled.moved(noted, rolled.marks([State(APP.used, "uid-1", 4), settings])) == {mark_of(APP.used)}
