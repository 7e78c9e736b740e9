"""Who asks waits for its turn: namespaces by turns, the more important first, and nobody who has been called off."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from controller.errors import Interrupted
from controller.following.pacing.budget import Budget, Priority
from tests.clock import Clock

_SECONDS = 60.0


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the threads ask soon whether to go on, so that nobody waits long until all of them wait."""
    monkeypatch.setattr("controller.following.pacing.budget._LONGEST_WAIT_SECONDS", 0.02)


class _GoOn:
    def __init__(self) -> None:
        self.asked, self.is_called_off = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.asked.set()
        if self.is_called_off.is_set():
            raise Interrupted


class Crowd:
    """Threads that want one patch or one request each, and tell when they may."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._granted: queue.Queue[tuple[str, threading.Event]] = queue.Queue()
        self._threads: list[threading.Thread] = []

    def patch(self, namespace: str, priority: Priority = Priority.REFRESH) -> threading.Event:
        """Start one that wants to patch, and wait until it waits. Who sets the event calls it off."""

        def wanted(go_on: _GoOn) -> None:
            with self._budget.patch(namespace, go_on, priority=priority):
                self._hold(namespace)

        return self._start(wanted)

    def ask(self, connection: str, namespace: str) -> threading.Event:
        """Start one that wants to ask Vault, and wait until it waits."""

        def wanted(go_on: _GoOn) -> None:
            self._budget.vault(connection, namespace, go_on)
            self._hold(f"{connection} {namespace}")

        return self._start(wanted)

    def next(self) -> str:
        """Wait until the next one may work, let it end, and return its name."""
        name, ends = self._granted.get(timeout=_SECONDS)
        ends.set()
        return name

    def join(self) -> None:
        for thread in self._threads:
            thread.join(_SECONDS)
            assert not thread.is_alive()
        assert self._granted.empty()

    def _hold(self, name: str) -> None:
        ends = threading.Event()
        self._granted.put((name, ends))
        assert ends.wait(_SECONDS)

    def _start(self, wanted: Callable[[_GoOn], None]) -> threading.Event:
        go_on = _GoOn()

        def run() -> None:
            try:
                wanted(go_on)
            except Interrupted:
                self._granted.put(("called off", threading.Event()))

        self._threads.append(threading.Thread(target=run, daemon=True))
        self._threads[-1].start()
        assert go_on.asked.wait(_SECONDS), "it does not wait"
        return go_on.is_called_off


@contextmanager
def _occupied(budget: Budget, places: int = 1) -> Iterator[None]:
    """Take places, so that nobody else gets one until the block ends."""
    if places == 0:
        yield
        return
    with budget.patch("occupied", _never, priority=Priority.REFRESH), _occupied(budget, places - 1):
        yield


def _never() -> None:
    raise AssertionError("nobody had to wait")


def _quick(in_flight: int = 1) -> Budget:
    """A budget in which only the places are scarce."""
    return Budget(patches_per_second=100_000, patches_in_flight=in_flight)


def test_namespaces_take_turns_however_many_requests_one_of_them_has() -> None:
    budget = _quick()
    crowd = Crowd(budget)
    with _occupied(budget):
        for namespace in ("a", "a", "a", "a", "b", "c", "b"):
            crowd.patch(namespace)
    assert [crowd.next() for _ in range(7)] == ["a", "b", "c", "a", "b", "a", "a"]
    crowd.join()


def test_refreshes_go_before_problems_and_these_before_records_that_are_signed_again() -> None:
    budget = _quick()
    crowd = Crowd(budget)
    with _occupied(budget):
        for priority in (Priority.RESIGN, Priority.PROBLEM, Priority.REFRESH, Priority.RESIGN, Priority.REFRESH):
            crowd.patch(f"{priority.name} {len(priority.name)}", priority)
    assert [crowd.next().partition(" ")[0] for _ in range(5)] == ["REFRESH"] * 2 + ["PROBLEM"] + ["RESIGN"] * 2
    crowd.join()


def test_whoever_comes_later_and_is_more_important_goes_first() -> None:
    budget = _quick()
    crowd = Crowd(budget)
    with _occupied(budget):
        crowd.patch("resigned", Priority.RESIGN)
        crowd.patch("refreshed")
    assert [crowd.next(), crowd.next()] == ["refreshed", "resigned"]
    crowd.join()


def test_refreshes_without_end_leave_one_in_ten_to_the_others() -> None:
    # Thousands of Secrets on a path that changes again and again must not stop a rotation of the record key.
    budget = _quick()
    crowd = Crowd(budget)
    with _occupied(budget):
        for _ in range(25):
            crowd.patch("refreshed")
        for _ in range(3):
            crowd.patch("resigned", Priority.RESIGN)
    found = [crowd.next() for _ in range(28)]
    assert [index for index, name in enumerate(found) if name == "resigned"] == [9, 19, 27]
    crowd.join()


def test_so_many_patches_are_in_flight_and_no_more() -> None:
    budget = _quick(in_flight=4)
    crowd = Crowd(budget)
    with _occupied(budget, 3):
        with _occupied(budget):
            crowd.patch("fifth")
            crowd.patch("sixth")
        # One place is free: the sixth gets it when the fifth has ended.
        assert [crowd.next(), crowd.next()] == ["fifth", "sixth"]
    crowd.join()


def test_a_patch_that_fails_gives_its_place_back() -> None:
    budget = _quick()
    for _ in range(3):
        with pytest.raises(KeyError), budget.patch("shop", _never, priority=Priority.REFRESH):
            raise KeyError


@pytest.mark.parametrize("which", [0, 1, 2])
def test_who_is_called_off_takes_nothing_and_holds_up_nobody(which: int) -> None:
    budget = _quick()
    crowd = Crowd(budget)
    names = ["a", "b", "c"]
    with _occupied(budget):
        called_off = [crowd.patch(name) for name in names]
        called_off[which].set()
        assert crowd.next() == "called off"
    names.pop(which)
    assert [crowd.next(), crowd.next()] == names
    crowd.join()


def test_requests_to_vault_take_turns_at_the_pace_of_the_budget() -> None:
    clock = Clock()
    budget = Budget(vault_per_second=20, clock=clock)
    crowd = Crowd(budget)
    budget.vault("main", "occupied", _never)
    for namespace in ("a", "a", "b", "a", "b"):
        crowd.ask("main", namespace)
    order = []
    for _ in range(5):
        assert crowd._granted.empty(), "the clock stands still"
        clock.now += 0.05
        order.append(crowd.next())
    assert order == ["main a", "main b", "main a", "main b", "main a"]
    crowd.join()


def test_connections_have_budgets_of_their_own() -> None:
    clock = Clock()
    budget = Budget(vault_per_second=10, clock=clock)
    crowd = Crowd(budget)
    for connection in ("one", "two"):
        budget.vault(connection, "shop", _never)
    crowd.ask("one", "shop")
    budget.slower("two")
    budget.ramp("two")
    clock.now += 0.1
    assert crowd.next() == "one shop"
    crowd.join()


def test_a_vault_that_refused_or_was_away_is_asked_less() -> None:
    for change, granted in ((Budget.slower, 5), (Budget.ramp, 1)):
        clock = Clock()
        budget = Budget(vault_per_second=10, clock=clock)
        change(budget, "main")
        assert _granted_in_a_second(budget, clock) == granted


def _granted_in_a_second(budget: Budget, clock: Clock) -> int:
    """Return how many requests there are in one second, asked for in each twentieth of it."""

    def give_up() -> None:
        raise Interrupted

    granted = 0
    for _ in range(20):
        try:
            budget.vault("main", "shop", give_up)
            granted += 1
        except Interrupted:
            pass
        clock.now += 0.05
    return granted


def test_whoever_need_not_wait_is_not_asked_whether_to_go_on() -> None:
    budget = Budget()
    budget.vault("main", "shop", _never)
    with budget.patch("shop", _never, priority=Priority.RESIGN):
        pass
