"""What has stood for long enough."""

from certs.stability_window import StabilityWindow


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_stood_without_a_break_has_settled_and_the_rest_begins_anew() -> None:
    clock = _Clock()
    settling = StabilityWindow(10.0, clock)
    assert settling.look({"a"}) == set()
    clock.now += 6
    assert settling.look({"a", "b"}) == set()
    clock.now += 4
    assert settling.look({"a", "b"}) == {"a"}
    assert settling.look({"b"}) == set()
    clock.now += 6
    assert settling.look({"a", "b"}) == {"b"}


def test_who_did_not_look_for_long_knows_of_nothing_in_between() -> None:
    clock = _Clock()
    settling = StabilityWindow(1.0, clock)
    settling.look({"a"})
    clock.now += 31
    assert settling.look({"a"}) == set()
    clock.now += 1
    assert settling.look({"a"}) == {"a"}


def test_without_a_time_to_wait_all_has_settled_at_once() -> None:
    assert StabilityWindow(0.0, _Clock()).look({"a"}) == {"a"}
