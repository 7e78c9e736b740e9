"""The laws of places: bounds that hold, a share for whoever comes, and a turn for everybody."""

from collections import defaultdict, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from webhook.places import Place, Places

MOST_RUNNING, MOST_WAITING = 6, 5
_NAMESPACES = st.sampled_from("abcdefgh")


class History(RuleBasedStateMachine):
    """Whatever comes, goes and is begun, in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.places = Places(MOST_RUNNING, MOST_WAITING)
        self.at_work: list[Place] = []
        self.queued: dict[str, deque[Place]] = defaultdict(deque)
        self.begun_this_turn: set[str] = set()

    @property
    def waiting(self) -> list[Place]:
        return [place for queue in self.queued.values() for place in queue]

    @rule(namespace=_NAMESPACES)
    def arrive(self, namespace: str) -> None:
        waiting = len(self.queued[namespace])
        is_first = not waiting and not self._held(namespace) and namespace not in self.begun_this_turn
        free_to_wait = MOST_WAITING - len(self.waiting)
        place = self.places.arrive(namespace)
        if is_first and len(self.at_work) < MOST_RUNNING:
            assert place is not None
            assert place.is_running
            self.at_work.append(place)
            self.begun_this_turn.add(namespace)
        elif waiting < free_to_wait:
            assert place is not None
            assert not place.is_running
            self.queued[namespace].append(place)
        else:
            assert place is None

    @precondition(lambda self: self.at_work)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from(self.at_work))
        self.at_work.remove(place)
        self.places.leave(place)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from(self.waiting))
        self.queued[place.namespace].remove(place)
        self.places.leave(place)

    @rule()
    def turn(self) -> None:
        self.begun_this_turn.clear()
        idle_handed = [namespace for namespace, queue in self.queued.items() if queue and not self._held(namespace)]
        begun = self.places.begin()
        assert (begun is not None) == (bool(idle_handed) and len(self.at_work) < MOST_RUNNING)
        self._began(begun)

    @rule()
    def be_idle(self) -> None:
        may_begin = self.places.may_begin and not self.begun_this_turn
        fewest = min((self._held(namespace) for namespace, queue in self.queued.items() if queue), default=0)
        begun = self.places.begin_idle()
        assert may_begin == (begun is not None)
        assert begun is None or self._held(begun.namespace) == fewest
        self._began(begun)

    @invariant()
    def the_bounds_hold(self) -> None:
        assert self.places.running == len(self.at_work) <= MOST_RUNNING
        assert self.places.waiting == len(self.waiting) <= MOST_WAITING
        assert all(place.is_running for place in self.at_work)
        assert not any(place.is_running for place in self.waiting)

    @invariant()
    def while_a_place_is_free_whoever_has_nothing_may_begin(self) -> None:
        if len(self.at_work) < MOST_RUNNING and any(q and not self._held(n) for n, q in self.queued.items()):
            assert self.places.may_begin

    def teardown(self) -> None:
        """Nobody else comes: all who wait have their turn, and nothing is left."""
        for _ in range(MOST_RUNNING + MOST_WAITING):
            self._began(self.places.begin())
            if self.at_work:
                self.places.leave(self.at_work.pop(0))
        assert (self.places.running, self.places.waiting) == (0, 0)

    def _held(self, namespace: str) -> int:
        return sum(place.namespace == namespace for place in self.at_work)

    def _began(self, begun: Place | None) -> None:
        if begun is not None:
            # Within a namespace, who came first.
            assert self.queued[begun.namespace].popleft() is begun
            self.at_work.append(begun)
            self.begun_this_turn.add(begun.namespace)


TestHistory = History.TestCase


@given(st.lists(st.lists(st.sampled_from("opqrstuvwxyz"), max_size=4), min_size=30, max_size=30))
def test_whoever_waits_has_a_turn_however_many_others_come(later: list[list[str]]) -> None:
    places = Places(MOST_RUNNING, 100)
    running = deque(place for place in (places.arrive(f"early-{n}") for n in range(MOST_RUNNING)) if place)
    before = {"m", "n"}
    for namespace in before:
        places.arrive(namespace)
    ours = places.arrive("ours")
    assert ours is not None
    ended = 0
    for others in later:
        for namespace in others:
            places.arrive(namespace)
        places.leave(running.popleft())
        begun = places.begin()
        assert begun is not None
        running.append(begun)
        ended += 1
        if ours.is_running:
            break
    assert ours.is_running
    assert ended <= len(before) + 1


@pytest.mark.parametrize(
    ("most", "alone"),
    [
        pytest.param(64, 32, id="one alone gets half"),
        pytest.param(3, 2, id="rounded up"),
        pytest.param(2, 1, id="of two places one"),
    ],
)
def test_what_a_namespace_may_hold(most: int, alone: int) -> None:
    places = Places(most, most)
    for _ in range(2 * most):
        places.arrive("one")
        places.begin()
        places.begin_idle()
    assert places.running == places.waiting == alone
    assert places.arrive("one") is None
    other = places.arrive("other")
    assert other is not None
    assert other.is_running


def _idle_turns(places: Places, count: int) -> list[str]:
    """Return the namespaces that are begun in so many turns of an idle process."""
    begun = [place for _ in range(count) for place in (places.begin(), places.begin_idle()) if place is not None]
    return [place.namespace for place in begun]


def test_the_namespace_with_the_fewest_at_work_is_next() -> None:
    places = Places(16, 16)
    for namespace in ("one", "one", "one", "one", "two", "two", "two"):
        places.arrive(namespace)
    # The first of each was begun when it came.
    assert _idle_turns(places, 5) == ["one", "two", "one", "two", "one"]


def test_a_busy_process_begins_nothing_more_of_a_namespace_that_has_something_at_work() -> None:
    places = Places(8, 8)
    first, second, third = (places.arrive("one") for _ in range(3))
    assert first is not None
    assert places.begin() is None
    places.leave(first)
    assert places.begin() is second
    assert places.begin() is None
    assert third is not None
    assert not third.is_running


def test_one_turn_begins_one() -> None:
    places = Places(8, 8)
    for _ in range(3):
        places.arrive("one")
    assert places.begin_idle() is None
    assert places.begin() is None
    assert places.begin_idle() is not None
    assert places.begin_idle() is None
