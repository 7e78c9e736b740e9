import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.following import rolled
from manifests.following.rolled import Rolled, SecretState, mark_of

APP, DB = SecretState("app", "uid-1", 3), SecretState("db", "uid-2", 0)
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
        pytest.param([APP, DB, SecretState("more", "uid-3", 9)], False, id="there is another one"),
        pytest.param([SecretState("app", "uid-1", 4), DB], True, id="a value changed"),
        pytest.param([SecretState("app", "uid-1", 2), DB], True, id="the counter is another, and be it smaller"),
        pytest.param([SecretState("app", "uid-9", 3), DB], True, id="it was deleted and made anew"),
    ],
)
def test_moved(now: list[SecretState], has_moved: bool) -> None:
    found = rolled.moved(rolled.marks([APP, DB]), rolled.marks(now))
    assert found == ({mark_of("app")} if has_moved else set())


def test_a_baseline_leaves_what_is_known_as_it_was_so_that_a_change_is_still_seen() -> None:
    before, now = rolled.marks([APP]), rolled.marks([SecretState("app", "uid-1", 4), DB])
    found = rolled.baseline(before, now, {"app", "db", "not-there"})
    assert found == {mark_of("app"): before[mark_of("app")], mark_of("db"): now[mark_of("db")]}
    assert rolled.moved(found, now) == {mark_of("app")}
    assert rolled.baseline(before, now, {"db"}).keys() == {mark_of("db")}


def test_after_a_restart_everything_is_as_now_and_what_is_gone_keeps_its_mark() -> None:
    before, now = rolled.marks([APP, DB]), rolled.marks([SecretState("app", "uid-1", 4)])
    found = rolled.after_restart(before, now, {"app", "db"})
    assert found == {**now, mark_of("db"): before[mark_of("db")]}
