"""Whose turn it is: what is urgent first, namespaces one after another, and never more at once than is allowed."""

from controller.following.pacing.pace import Pace
from controller.variables.turns import Turns, Urgency
from tests.clock import Clock


def turns(clock: Clock, *, most_of_one: int = 10, per_second: float = 1000) -> Turns:
    return Turns(Pace(per_second, clock), most_of_one, clock)


def taken(of: Turns, clock: Clock, count: int) -> list[tuple[str, str] | None]:
    found = []
    for _ in range(count):
        clock.now += 0.01
        found.append(of.take())
    return found


def test_namespaces_take_turns() -> None:
    clock = Clock()
    of = turns(clock)
    for name in ("a", "b", "c"):
        of.put("large", name, clock.now, Urgency.POD_WAITS)
    of.put("small", "x", clock.now, Urgency.POD_WAITS)
    assert taken(of, clock, 5) == [("large", "a"), ("small", "x"), ("large", "b"), ("large", "c"), None]


def test_pods_that_wait_go_before_looks() -> None:
    clock = Clock()
    of = turns(clock)
    of.put("shop", "look", clock.now, Urgency.LOOK)
    of.put("shop", "make", clock.now, Urgency.POD_WAITS)
    assert taken(of, clock, 2) == [("shop", "make"), ("shop", "look")]


def test_nothing_is_given_out_before_its_time() -> None:
    clock = Clock()
    of = turns(clock)
    of.put("shop", "later", clock.now + 0.5, Urgency.LOOK)
    assert of.take() is None
    assert 0.4 < of.wait_seconds() <= 0.5
    clock.now += 0.5
    assert of.take() == ("shop", "later")
    assert of.take() is None


def test_a_name_that_is_due_twice_is_given_out_once_at_the_earlier_time() -> None:
    clock = Clock()
    of = turns(clock)
    of.put("shop", "one", clock.now + 10, Urgency.LOOK)
    of.put("shop", "one", clock.now, Urgency.POD_WAITS)
    of.put("shop", "one", clock.now + 20, Urgency.LOOK)
    assert taken(of, clock, 2) == [("shop", "one"), None]
    clock.now += 30
    assert of.take() is None


def test_one_that_waits_for_its_turn_may_become_urgent() -> None:
    clock = Clock()
    of = turns(clock)
    for name in ("a", "b"):
        of.put("shop", name, clock.now, Urgency.LOOK)
    assert of.take() == ("shop", "a")
    of.put("shop", "b", clock.now, Urgency.POD_WAITS)
    of.put("other", "c", clock.now, Urgency.LOOK)
    assert taken(of, clock, 3) == [("shop", "b"), ("other", "c"), None]


def test_a_namespace_has_only_so_many_under_way() -> None:
    clock = Clock()
    of = turns(clock, most_of_one=2)
    for number in range(4):
        of.put("large", str(number), clock.now, Urgency.POD_WAITS)
    of.put("small", "x", clock.now, Urgency.LOOK)
    assert taken(of, clock, 4) == [("large", "0"), ("large", "1"), ("small", "x"), None]
    of.done("large")
    assert taken(of, clock, 2) == [("large", "2"), None]


def test_there_are_only_so_many_a_second() -> None:
    clock = Clock()
    of = turns(clock, per_second=10)
    for number in range(30):
        of.put(str(number), "x", clock.now, Urgency.POD_WAITS)
    given_out = 0
    for _ in range(200):
        clock.now += 0.005
        given_out += of.take() is not None
    assert 8 <= given_out <= 11
    assert of.wait_seconds() > 0


def test_a_namespace_that_is_forgotten_has_no_turn_any_more() -> None:
    clock = Clock()
    of = turns(clock)
    of.put("gone", "a", clock.now, Urgency.POD_WAITS)
    of.put("gone", "b", clock.now + 1, Urgency.POD_WAITS)
    of.put("stays", "c", clock.now, Urgency.LOOK)
    of.forget("gone")
    clock.now += 5
    assert taken(of, clock, 2) == [("stays", "c"), None]
