"""The laws of tickets: bounds that hold, a share for whoever comes, and a turn for everybody."""

from collections import defaultdict, deque
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from webhook.scheduling.fair_queue import FairQueue, Line, Ticket

MOST_RUNNING, MOST_WAITING = 6, 5
_NAMESPACES = st.sampled_from("abcdefgh")


class History(RuleBasedStateMachine):
    """Whatever comes, goes, asks and is begun, in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = FairQueue(MOST_RUNNING, MOST_WAITING)
        self.at_work: list[Ticket] = []
        self.queued: dict[Line, deque[Ticket]] = defaultdict(deque)
        self.begun_this_turn: set[str] = set()

    @property
    def waiting(self) -> list[Ticket]:
        return [ticket for queue in self.queued.values() for ticket in queue]

    @rule(namespace=_NAMESPACES)
    def arrive(self, namespace: str) -> None:
        line = (namespace, "")
        is_first = not self.queued[line] and not self._held(namespace) and namespace not in self.begun_this_turn
        may_wait = self._may_wait(line)
        ticket = self.queue.arrive(namespace)
        if is_first and len(self.at_work) < MOST_RUNNING:
            assert ticket is not None
            assert ticket.is_running
            self.at_work.append(ticket)
            self.begun_this_turn.add(namespace)
        elif may_wait:
            assert ticket is not None
            assert not ticket.is_running
            self.queued[line].append(ticket)
        else:
            assert ticket is None

    @precondition(lambda self: any(not ticket.vault for ticket in self.at_work))
    @rule(data=st.data(), vault=st.sampled_from("xy"))
    def ask(self, data: st.DataObject, vault: str) -> None:
        ticket = data.draw(st.sampled_from([ticket for ticket in self.at_work if not ticket.vault]))
        self.at_work.remove(ticket)
        is_next = self._may_ask(vault) and not any(waiting.vault == vault for waiting in self.waiting)
        may_wait = self._may_wait((ticket.namespace, vault))
        assert self.queue.turn_to(ticket, vault) == (is_next or may_wait)
        assert (ticket.is_running, ticket.is_waiting) == (is_next, may_wait and not is_next)
        if is_next:
            self.at_work.append(ticket)
        elif may_wait:
            self.queued[ticket.line].append(ticket)

    @precondition(lambda self: any(ticket.vault for ticket in self.at_work))
    @rule(data=st.data())
    def be_answered(self, data: st.DataObject) -> None:
        self.queue.turn_from(data.draw(st.sampled_from([ticket for ticket in self.at_work if ticket.vault])))

    @precondition(lambda self: self.at_work)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(self.at_work))
        self.at_work.remove(ticket)
        self.queue.leave(ticket)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        ticket = data.draw(st.sampled_from(self.waiting))
        self.queued[ticket.line].remove(ticket)
        end = data.draw(st.sampled_from([self.queue.leave, self.queue.turn_from]))
        end(ticket)
        assert not self.queue.turn_to(ticket, "x")
        self.queue.leave(ticket)

    @rule()
    def turn(self) -> None:
        self.begun_this_turn.clear()
        idle_handed = [line for line in self._lines_with_room() if not self._held(line[0])]
        begun = self.queue.begin()
        assert (begun is not None) == bool(idle_handed)
        self._began(begun)

    @rule()
    def be_idle(self) -> None:
        lines = [] if self.begun_this_turn else self._lines_with_room()
        fewest = min((self._held(namespace) for namespace, _ in lines), default=0)
        begun = self.queue.begin_idle()
        assert bool(lines) == (begun is not None)
        assert begun is None or self._held(begun.namespace) == fewest
        self._began(begun)

    @invariant()
    def the_bounds_hold(self) -> None:
        assert self.queue.running == len(self.at_work) <= MOST_RUNNING
        assert self.queue.waiting == len(self.waiting) <= MOST_WAITING
        assert all(ticket.is_running for ticket in self.at_work)
        assert not any(ticket.is_running for ticket in self.waiting)

    @invariant()
    def one_vault_holds_no_more_than_three_quarters(self) -> None:
        for vault in "xy":
            assert sum(ticket.vault == vault for ticket in self.at_work) <= ceil(MOST_RUNNING * 3 / 4)
            assert sum(ticket.vault == vault for ticket in self.waiting) <= ceil(MOST_WAITING * 3 / 4)

    @invariant()
    def it_tells_whether_anybody_may_begin(self) -> None:
        assert self.queue.may_begin == bool(self._lines_with_room())

    def teardown(self) -> None:
        """Nobody else comes: all who wait have their turn, and nothing is left."""
        for _ in range(MOST_RUNNING + MOST_WAITING):
            self._began(self.queue.begin())
            if self.at_work:
                self.queue.leave(self.at_work.pop(0))
        assert (self.queue.running, self.queue.waiting) == (0, 0)

    def _held(self, namespace: str) -> int:
        return sum(ticket.namespace == namespace for ticket in self.at_work)

    def _may_ask(self, vault: str) -> bool:
        return sum(ticket.vault == vault for ticket in self.at_work) < 3 * (MOST_RUNNING - len(self.at_work))

    def _may_wait(self, line: Line) -> bool:
        free = MOST_WAITING - len(self.waiting)
        to_ask = sum(ticket.vault == line[1] for ticket in self.waiting) if line[1] else 0
        return len(self.queued[line]) < free and (to_ask < 3 * free)

    def _lines_with_room(self) -> list[Line]:
        free = MOST_RUNNING - len(self.at_work)
        return [
            line
            for line, queue in self.queued.items()
            if queue and self._held(line[0]) < free and (not line[1] or self._may_ask(line[1]))
        ]

    def _began(self, begun: Ticket | None) -> None:
        if begun is not None:
            # Within a line, who came first.
            assert self.queued[begun.line].popleft() is begun
            self.at_work.append(begun)
            self.begun_this_turn.add(begun.namespace)


TestHistory = History.TestCase


@given(st.lists(st.lists(st.sampled_from("opqrstuvwxyz"), max_size=4), min_size=30, max_size=30))
def test_whoever_waits_has_a_turn_however_many_others_come(later: list[list[str]]) -> None:
    tickets = FairQueue(MOST_RUNNING, 100)
    running = deque(ticket for ticket in (tickets.arrive(f"early-{n}") for n in range(MOST_RUNNING)) if ticket)
    before = {"m", "n"}
    for namespace in before:
        tickets.arrive(namespace)
    ours = tickets.arrive("ours")
    assert ours is not None
    ended = 0
    for others in later:
        for namespace in others:
            tickets.arrive(namespace)
        tickets.leave(running.popleft())
        begun = tickets.begin()
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
        pytest.param(2, 1, id="of two tickets one"),
    ],
)
def test_what_a_namespace_may_hold(most: int, alone: int) -> None:
    tickets = FairQueue(most, most)
    for _ in range(2 * most):
        tickets.arrive("one")
        tickets.begin()
        tickets.begin_idle()
    assert tickets.running == tickets.waiting == alone
    assert tickets.arrive("one") is None
    other = tickets.arrive("other")
    assert other is not None
    assert other.is_running


def _idle_turns(tickets: FairQueue, count: int) -> list[str]:
    """Return the namespaces that are begun in so many turns of an idle process."""
    begun = [ticket for _ in range(count) for ticket in (tickets.begin(), tickets.begin_idle()) if ticket is not None]
    return [ticket.namespace for ticket in begun]


def test_the_namespace_with_the_fewest_at_work_is_next() -> None:
    tickets = FairQueue(16, 16)
    for namespace in ("one", "one", "one", "one", "two", "two", "two"):
        tickets.arrive(namespace)
    # The first of each was begun when it came.
    assert _idle_turns(tickets, 5) == ["one", "two", "one", "two", "one"]


def test_a_busy_process_begins_nothing_more_of_a_namespace_that_has_something_at_work() -> None:
    tickets = FairQueue(8, 8)
    first, second, third = (tickets.arrive("one") for _ in range(3))
    assert first is not None
    assert tickets.begin() is None
    tickets.leave(first)
    assert tickets.begin() is second
    assert tickets.begin() is None
    assert third is not None
    assert not third.is_running


def test_one_turn_begins_one() -> None:
    tickets = FairQueue(8, 8)
    for _ in range(3):
        tickets.arrive("one")
    assert tickets.begin_idle() is None
    assert tickets.begin() is None
    assert tickets.begin_idle() is not None
    assert tickets.begin_idle() is None


def test_whoever_needs_another_vault_has_places_beside_any_number_of_namespaces_at_one_that_stalls() -> None:
    tickets = FairQueue(16, 16)
    for number in range(200):
        ticket = tickets.arrive(f"stalled-{number}")
        if ticket is not None:
            tickets.turn_to(ticket, "stalls")
    assert (tickets.running, tickets.waiting) == (12, 12)
    for _ in range(3):
        tickets.begin()
        other = tickets.arrive("other")
        assert other is not None
        assert tickets.turn_to(other, "answers")
        assert other.is_running
        tickets.turn_from(other)
        tickets.leave(other)


def test_who_waits_for_a_vault_is_not_overtaken_by_who_comes_later() -> None:
    tickets = FairQueue(4, 8)
    asking = [tickets.arrive(f"early-{number}") for number in range(3)]
    assert all(ticket is not None and tickets.turn_to(ticket, "x") for ticket in asking)
    waiting = tickets.arrive("waits")
    assert waiting is not None
    assert tickets.turn_to(waiting, "x")
    assert waiting.is_waiting
    assert asking[0] is not None
    tickets.leave(asking[0])
    late = tickets.arrive("late")
    assert late is not None
    assert tickets.turn_to(late, "x")
    assert late.is_waiting
    assert tickets.begin() is waiting
