"""The gate: bounds, turns, refusals, and tickets that always come back."""

import contextlib
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus

import gevent
import pytest
from gevent.event import Event
from hypothesis import given
from hypothesis import strategies as st

from resolver.deadline import Deadline
from resolver.vault.errors import VaultCrowded
from tests.manifests.secrets import secret
from tests.webhook.reviews import parsed
from webhook.model import AdmissionRequest, Answer
from webhook.scheduling.gate import Gate, GatedAdmission, OverloadedError

_SOON = 30.0


class _Work:
    """Admissions that are at work until they are told to end."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.end = Event()
        self.began: list[str] = []
        self.refused: list[str] = []

    def spawn(self, namespace: str, seconds: float = _SOON) -> gevent.Greenlet:
        greenlet = gevent.spawn(self._run, namespace, seconds)
        gevent.sleep(0)
        return greenlet

    def _run(self, namespace: str, seconds: float) -> None:
        try:
            with self.gate.ticket(namespace, Deadline.after(seconds)):
                self.began.append(namespace)
                self.end.wait()
        except OverloadedError:
            self.refused.append(namespace)


def _is_empty(gate: Gate) -> bool:
    return (gate.running, gate.waiting) == (0, 0)


def _until(condition: Callable[[], bool]) -> None:
    """Let the event loop go on until the condition holds; fail when it does not in half a minute."""
    end = time.monotonic() + _SOON
    while not condition():
        assert time.monotonic() < end, "it never came to this"
        gevent.sleep(0.001)


def test_past_the_queue_a_refusal_comes_at_once_and_others_have_their_places() -> None:
    gate = Gate(4, 4)
    work = _Work(gate)
    for _ in range(10):
        work.spawn("many")
    # Of four tickets each, one namespace alone gets half.
    _until(lambda: gate.running == 2)
    _until(lambda: gate.running + gate.waiting + len(work.refused) == 10)
    accepted = gate.running + gate.waiting
    assert 2 < accepted <= 4
    work.spawn("other")
    _until(lambda: work.began[-1] == "other")
    work.end.set()
    _until(lambda: _is_empty(gate))
    assert sorted(work.began) == ["many"] * accepted + ["other"]


def test_a_second_one_of_a_namespace_is_begun_once_nothing_else_is_to_be_done() -> None:
    gate = Gate(64, 64)
    work = _Work(gate)
    busy = [True]

    def spin() -> None:
        while busy:
            gevent.sleep(0)

    spinning = gevent.spawn(spin)
    for _ in range(5):
        work.spawn("many")
    for _ in range(100):
        gevent.sleep(0)
    assert (gate.running, gate.waiting) == (1, 4)
    busy.clear()
    spinning.join()
    _until(lambda: (gate.running, gate.waiting) == (5, 0))
    work.end.set()


def test_at_its_deadline_who_waits_is_refused_and_never_worked_for() -> None:
    gate = Gate(2, 8)
    work = _Work(gate)
    work.spawn("one")
    late = work.spawn("one", 0.02)
    late.join()
    assert work.refused == ["one"]
    assert (gate.running, gate.waiting) == (1, 0)
    work.end.set()
    gevent.sleep(0)
    assert work.began == ["one"]


def test_who_came_together_gives_up_one_after_another_before_the_deadline() -> None:
    gate = Gate(2, 64)
    work = _Work(gate)
    work.spawn("one")
    deadline, left_seconds = Deadline.after(2), []

    def wait() -> None:
        try:
            with gate.ticket("one", deadline):
                raise AssertionError("nobody gave back a place")
        except OverloadedError:
            left_seconds.append(deadline.remaining_seconds())

    gevent.joinall([gevent.spawn(wait) for _ in range(16)], timeout=_SOON)
    assert len(left_seconds) == 16
    assert max(left_seconds) > 0
    assert len(set(left_seconds)) > 1
    work.end.set()


def test_a_place_comes_back_when_its_greenlet_is_ended_just_as_its_turn_comes() -> None:
    gate = Gate(4, 8)
    work = _Work(gate)
    first, second = work.spawn("one"), work.spawn("one")
    assert (gate.running, gate.waiting) == (1, 1)
    first.kill(block=False)
    for _ in range(1000):
        if gate.running == 1 and not gate.waiting:
            break
        gevent.sleep(0)
    # The second is at work, and has not run since.
    second.kill(block=False)
    gevent.joinall([first, second])
    assert _is_empty(gate)
    work.spawn("one")
    _until(lambda: gate.running == 1)
    work.end.set()


def _ask(gate: Gate, namespace: str, vault: str, seconds: float, until: Event) -> str:
    """Be at work, and ask a Vault that answers at a moment; return how it ended."""
    try:
        with gate.ticket(namespace, Deadline.after(seconds)), gate.asking(vault, Deadline.after(seconds)):
            until.wait()
    except VaultCrowded:
        return "crowded"
    return "answered"


def test_who_finds_no_room_at_a_vault_holds_no_place_and_goes_on_when_there_is_room() -> None:
    gate, answers, at_once = Gate(4, 8), Event(), Event()
    at_once.set()
    stalled = [gevent.spawn(_ask, gate, f"stalled-{number}", "stalls", _SOON, answers) for number in range(6)]
    _until(lambda: (gate.running, gate.waiting) == (3, 3))
    assert _ask(gate, "beside", "answers", _SOON, at_once) == "answered"
    answers.set()
    gevent.joinall(stalled, timeout=_SOON)
    assert [one.value for one in stalled] == ["answered"] * 6
    assert _is_empty(gate)


def test_at_its_deadline_who_waits_for_a_vault_is_told_so_and_keeps_no_place() -> None:
    gate, answers = Gate(4, 8), Event()
    stalled = [gevent.spawn(_ask, gate, f"stalled-{number}", "stalls", _SOON, answers) for number in range(3)]
    _until(lambda: gate.running == 3)
    late = gevent.spawn(_ask, gate, "late", "stalls", 0.02, answers)
    assert late.get(timeout=_SOON) == "crowded"
    assert (gate.running, gate.waiting) == (3, 0)
    answers.set()
    gevent.joinall(stalled)
    assert _is_empty(gate)


def test_past_its_part_of_the_queue_a_vault_has_nobody_wait_and_others_still_may() -> None:
    gate, answers = Gate(4, 4), Event()
    stalled = [gevent.spawn(_ask, gate, f"stalled-{number}", "stalls", _SOON, answers) for number in range(12)]
    _until(lambda: sum(one.dead for one in stalled) == 6)
    assert {one.value for one in stalled if one.dead} == {"crowded"}
    assert (gate.running, gate.waiting) == (3, 3)
    work = _Work(gate)
    for _ in range(2):
        work.spawn("beside")
    assert (gate.running, gate.waiting) == (4, 4)
    work.end.set()
    answers.set()
    gevent.joinall(stalled)


_CLIENT = st.tuples(
    st.sampled_from("abc"), st.sampled_from(["", "x", "y"]), st.integers(0, 3), st.integers(0, 3), st.booleans()
)


@given(st.lists(_CLIENT, max_size=30))
def test_whatever_comes_and_is_killed_the_bound_holds_and_every_place_comes_back(
    clients: Sequence[tuple[str, str, int, int, bool]],
) -> None:
    gate = Gate(4, 8)
    most = [0]
    done = []

    def ask(namespace: str, vault: str, before: int, during: int) -> None:
        for _ in range(before):
            gevent.sleep(0)
        soon = Deadline.after(_SOON)
        try:
            with gate.ticket(namespace, soon), gate.asking(vault, soon) if vault else contextlib.nullcontext():
                most[0] = max(most[0], gate.running)
                for _ in range(during):
                    gevent.sleep(0)
        except (OverloadedError, VaultCrowded):
            pass
        done.append(namespace)

    asking = [(gevent.spawn(ask, *client), is_killed) for *client, is_killed in clients]
    for step, (greenlet, is_killed) in enumerate(asking):
        if is_killed:
            if step % 2:
                gevent.sleep(0)
            greenlet.kill(block=False)
    gevent.joinall([greenlet for greenlet, _ in asking], timeout=_SOON)
    assert _is_empty(gate)
    assert most[0] <= 4
    assert len(done) >= sum(not is_killed for _, is_killed in asking)


class _Slow:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.go_on = Event()

    def answer(self, admission: AdmissionRequest, deadline: Deadline) -> Answer:
        self.go_on.wait(deadline.remaining_seconds())
        return Answer(allowed=True)


def test_a_refusal_is_a_429_that_says_when_to_come_again() -> None:
    slow = _Slow()
    gated = GatedAdmission(slow, Gate(2, 2))
    request = parsed(secret())
    answers = [gevent.spawn(gated.answer, request, Deadline.after(_SOON)) for _ in range(3)]
    refused = answers[2].get(timeout=_SOON)
    assert not refused.allowed
    assert refused.status is HTTPStatus.TOO_MANY_REQUESTS
    assert refused.cause == "Overloaded"
    assert refused.message.startswith("Overloaded: Secret team-a/app: ")
    assert refused.retry_after_seconds in {1, 2, 3}
    slow.go_on.set()
    assert [greenlet.get(timeout=_SOON).allowed for greenlet in answers[:2]] == [True, True]


@pytest.mark.parametrize("namespace", ["", "team-a"])
def test_one_that_fits_is_answered_as_without_a_gate(namespace: str) -> None:
    slow = _Slow()
    slow.go_on.set()
    gate = Gate(2, 2)
    assert GatedAdmission(slow, gate).answer(parsed(secret(), namespace=namespace), Deadline.after(_SOON)).allowed
    assert _is_empty(gate)


class _Crowd:
    """Clients of one worker that send again and again. Work is counted in pieces that the worker does in one go.

    Three of them make an admission: reading it, working on it, and finishing it once Vault has answered.
    """

    SIZE = 32

    def __init__(self, *, vault_seconds: float | None, gate: Gate | None = None) -> None:
        self.pieces = 0
        self.answered = 0
        self.refused = 0
        self.over = False
        self._gate = gate or Gate(64, 64)
        self._vault_seconds = vault_seconds

    def admit(self, namespace: str) -> None:
        self._work()
        with self._gate.ticket(namespace, Deadline.after(_SOON)):
            self._work()
            if self._vault_seconds is not None:
                gevent.sleep(self._vault_seconds)
            self._work()

    def go_on(self) -> None:
        while not self.over:
            gevent.sleep(0.0005)
            try:
                self.admit("many")
                self.answered += 1
            except OverloadedError:
                self.refused += 1

    def _work(self) -> None:
        self.pieces += 1
        end = time.process_time() + 0.0002
        while time.process_time() < end:
            pass


@contextlib.contextmanager
def _crowded(crowd: _Crowd) -> Iterator[None]:
    clients = [gevent.spawn(crowd.go_on) for _ in range(crowd.SIZE)]
    gevent.sleep(0.05)
    try:
        yield
    finally:
        crowd.over = True
        gevent.joinall(clients)


@pytest.mark.parametrize(
    "most",
    [
        pytest.param(64, id="when all of it waits for its turn"),
        # Were it refused before all else is done, the worker would do little besides: 46, and one answer in a hundred.
        pytest.param(8, id="when most of it is refused and comes again at once"),
    ],
)
def test_beside_a_crowd_an_admission_waits_for_few_pieces_of_the_crowds_work(most: int) -> None:
    crowd = _Crowd(vault_seconds=0.001, gate=Gate(most, most))
    waited = []
    with _crowded(crowd):
        for _ in range(40):
            gevent.sleep(0.003)
            before = crowd.pieces
            crowd.admit("one")
            waited.append(crowd.pieces - before - 3)
    # Without the gate it is a piece or two of each client: 49, and 61 at most.
    assert statistics.median(waited) <= 10
    assert (crowd.refused > 0) == (most < crowd.SIZE)
    assert crowd.answered > crowd.refused / 10


def test_a_crowd_that_needs_nothing_of_vault_lets_the_worker_see_what_else_has_come() -> None:
    crowd = _Crowd(vault_seconds=None)
    at_each_look = []
    look = gevent.get_hub().loop.check()
    look.start(lambda: at_each_look.append(crowd.pieces))
    with _crowded(crowd):
        gevent.sleep(0.2)
        busy = [later - sooner for sooner, later in itertools.pairwise(at_each_look) if later != sooner]
    look.stop()
    # Without the gate it is all three pieces of each client: 96.
    assert statistics.median(busy) <= 10
