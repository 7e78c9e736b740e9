"""What is asked of Vault once more, after what pause, and when not. Nobody sleeps: pauses are recorded."""

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import pytest

from resolver.connections.model import Authentication, Connection, Retries
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded
from resolver.vault import responses
from resolver.vault.breaker import FAILURES_IN_A_ROW, OPEN_SECONDS, Breaker, State
from resolver.vault.client import VaultClient
from resolver.vault.errors import VaultUnavailable
from resolver.vault.exchange_errors import AnswerTooLarge, ClosedUnanswered, TooLate, Unanswered
from resolver.vault.http import MAX_BODY_BYTES, VaultAnswer
from tests.resolver.fake_server import HEALTH, Handler, answering, http, wait_for_examination, well

OK = http("200 OK", b"{}")
SEALED = http("503 Service Unavailable", json.dumps({"errors": ["Vault is sealed"]}).encode())
OVERLOADED = http("502 Bad Gateway", json.dumps({"errors": ["upstream rate limited"]}).encode())
BALANCER = http("503 Service Unavailable", b"<html>no server is available</html>")
LIMITED = http("429 Too Many Requests", b'{"errors": []}', "Retry-After: 2")
AT_ONCE = Retries(first_pause_seconds=0.001)


class Pauses:
    """What was waited for; `then` happens in each pause."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.then: Callable[[], object] = lambda: None

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        self.then()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    pauses = Pauses()
    monkeypatch.setattr("resolver.vault.client.time.sleep", pauses)
    return pauses


@contextmanager
def asking(
    handler: Handler, settings: Retries = AT_ONCE, timeout_seconds: float = 5.0
) -> Iterator[tuple[VaultClient, list[bytes]]]:
    """Give a client of a server of the handler's, and the requests that this gets."""
    with (
        answering(handler) as (address, asked),
        closing(client_of(address, settings, timeout_seconds)) as vault,
    ):
        yield vault, asked


def client_of(address: str, settings: Retries = AT_ONCE, timeout_seconds: float = 5.0) -> VaultClient:
    auth = Authentication(method="jwt", role="r")
    return VaultClient(Connection(address=address, auth=auth, retries=settings, timeout_seconds=timeout_seconds))


def saying(*answers: bytes) -> Callable[[socket.socket, bytes], None]:
    """Answer with one after the other, and with the last of them for ever; an empty one hangs up."""
    left = list(answers)

    def handler(client: socket.socket, _: bytes) -> None:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if answer:
            client.sendall(answer)
        else:
            client.shutdown(socket.SHUT_RDWR)

    return handler


def read(vault: VaultClient, seconds: float = 5.0) -> int:
    answer: VaultAnswer = vault.adapter(Deadline.after(seconds)).get(url="/v1/x")
    return answer.status


def write(vault: VaultClient, *, may_repeat: bool) -> int:
    answer: VaultAnswer = vault.adapter(Deadline.after(5), may_repeat=may_repeat).post(url="/v1/x", json={"a": 1})
    return answer.status


@pytest.mark.parametrize(
    "passing",
    [
        pytest.param(http("502 Bad Gateway"), id="502 of a balancer"),
        pytest.param(BALANCER, id="503 of a balancer"),
        pytest.param(http("504 Gateway Timeout"), id="504 of a balancer"),
        pytest.param(http("412 Precondition Failed", b'{"errors": []}'), id="412, not replicated yet"),
    ],
)
def test_what_passes_is_asked_again(pauses: Pauses, passing: bytes) -> None:
    with asking(saying(passing, passing, OK)) as (vault, asked):
        assert read(vault) == 200
    assert len(asked) == 3
    assert len(pauses.seconds) == 2


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        pytest.param(SEALED, 503, id="503 of Vault, which is sealed"),
        pytest.param(OVERLOADED, 502, id="502 of Vault itself"),
        pytest.param(http("500 Internal Server Error"), 500, id="500"),
        pytest.param(http("472 Secondary", b"{}"), 472, id="472, a recovery secondary"),
        pytest.param(http("473 Standby", b"{}"), 473, id="473, a performance standby"),
        pytest.param(http("403 Forbidden", b"{}"), 403, id="403"),
        pytest.param(http("404 Not Found", b"{}"), 404, id="404"),
        pytest.param(http("307 Temporary Redirect"), 307, id="a redirect"),
        pytest.param(http("429 Too Many Requests", b"{}"), 429, id="429 without a hint of when to come back"),
        pytest.param(http("429 Slow", b"{}", "Retry-After: 17"), 429, id="429 with a hint beyond the deadline"),
        pytest.param(http("429 Slow", b"{}", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT"), 429, id="429 with a date"),
    ],
)
def test_what_does_not_pass_is_asked_once(pauses: Pauses, answer: bytes, status: int) -> None:
    with asking(saying(answer, OK)) as (vault, asked):
        assert read(vault) == status
    assert len(asked) == 1
    assert pauses.seconds == []


def test_a_rate_limit_is_waited_for_as_long_as_vault_says(pauses: Pauses) -> None:
    with asking(saying(LIMITED, OK)) as (vault, _):
        assert read(vault) == 200
    (seconds,) = pauses.seconds
    assert 2 <= seconds <= 2.001


def test_a_server_that_comes_up_in_the_pause_is_found(pauses: Pauses) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))  # and does not listen: connections are refused
        pauses.then = listener.listen
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with (
            closing(client_of(address, timeout_seconds=0.2)) as vault,
            pytest.raises(VaultUnavailable, match="in time"),  # it listens, and never answers
        ):
            read(vault)
    assert len(pauses.seconds) == 1


def test_one_that_hangs_up_is_given_the_replacement_and_the_repetitions(pauses: Pauses) -> None:
    with asking(saying(b"", b"", b"", OK)) as (vault, asked):
        assert read(vault) == 200
    assert len(asked) == 4
    assert len(pauses.seconds) == 2  # the first one is replaced at once: it may have been idle


@pytest.mark.parametrize(("may_repeat", "asked_times"), [(True, 3), (False, 1)])
def test_what_is_no_read_is_repeated_only_where_its_caller_says_so(
    pauses: Pauses, *, may_repeat: bool, asked_times: int
) -> None:
    with asking(saying(BALANCER)) as (vault, asked):
        assert write(vault, may_repeat=may_repeat) == 503
    assert len(asked) == asked_times
    assert len(pauses.seconds) == asked_times - 1


@pytest.mark.parametrize("attempts", [0, 1, 5])
def test_there_are_as_many_repetitions_as_configured(pauses: Pauses, attempts: int) -> None:
    with asking(saying(BALANCER), Retries(attempts=attempts)) as (vault, asked):
        assert read(vault) == 503
    assert len(asked) == attempts + 1
    assert len(pauses.seconds) == attempts


def test_an_answer_that_began_is_not_asked_for_again(pauses: Pauses) -> None:
    half = http("200 OK", b"12345678")[:-4]

    def breaking(client: socket.socket, _: bytes) -> None:
        client.sendall(half)
        client.shutdown(socket.SHUT_RDWR)

    with asking(breaking) as (vault, asked), pytest.raises(VaultUnavailable, match="broke the connection"):
        read(vault)
    assert len(asked) == 1
    assert pauses.seconds == []


def test_silence_is_not_repeated(pauses: Pauses) -> None:
    with (
        asking(lambda *_: None, timeout_seconds=0.2) as (vault, asked),
        pytest.raises(VaultUnavailable, match="in time"),
    ):
        read(vault)
    assert len(asked) == 1
    assert pauses.seconds == []


def test_no_pause_goes_beyond_the_deadline(pauses: Pauses) -> None:
    # Every pause drawn is one that would leave no time for an answer.
    settings = Retries(attempts=5, first_pause_seconds=5, longest_pause_seconds=5)
    with asking(saying(BALANCER), settings) as (vault, asked):
        with pytest.raises((VaultUnavailable, DeadlineExceeded)):
            read(vault, seconds=0)
        assert asked == []
        assert read(vault, seconds=0.1) == 503
    assert len(asked) == 1
    assert pauses.seconds == []


class TestBreaker:
    def test_repetitions_count_as_one_request(self, pauses: Pauses) -> None:
        with asking(saying(BALANCER)) as (vault, asked):
            for _ in range(FAILURES_IN_A_ROW):
                assert vault.breaker.state is State.CLOSED
                read(vault)
            wait_for_examination()
            assert vault.breaker.state is State.OPEN
        assert len(asked) == 3 * FAILURES_IN_A_ROW + 1
        assert len(pauses.seconds) == 2 * FAILURES_IN_A_ROW

    def test_nothing_is_repeated_once_it_is_open(self, pauses: Pauses) -> None:
        with asking(saying(BALANCER)) as (vault, asked):

            def others_fail() -> None:
                shut(vault.breaker)

            pauses.then = others_fail
            assert read(vault) == 503
        assert len(asked) == 1

    def test_the_one_request_that_tries_is_not_repeated(self, pauses: Pauses) -> None:
        now = [100.0]
        with asking(saying(BALANCER)) as (vault, asked):
            vault.breaker = Breaker(lambda: now[0])
            shut(vault.breaker)
            now[0] += OPEN_SECONDS
            assert read(vault) == 503
            wait_for_examination()
            with pytest.raises(VaultUnavailable, match="is not asked now"):
                read(vault)
        assert [head.startswith(HEALTH) for head in asked] == [False, True]
        assert pauses.seconds == []

    def test_a_tenant_whose_own_time_is_over_shuts_nobody_out(self) -> None:
        with asking(saying_nothing_until_asked_often(2 * FAILURES_IN_A_ROW)) as (vault, _):
            for _ in range(2 * FAILURES_IN_A_ROW):
                with pytest.raises(VaultUnavailable, match="in time"):
                    read(vault, seconds=0.05)
            assert read(vault) == 200

    def test_a_server_that_had_its_time_and_is_silent_is_left_alone(self) -> None:
        with asking(lambda *_: None, timeout_seconds=0.05) as (vault, asked):
            for _ in range(FAILURES_IN_A_ROW):
                with pytest.raises(VaultUnavailable, match="in time"):
                    read(vault)
            wait_for_examination()
            with pytest.raises(VaultUnavailable, match="is not asked now"):
                read(vault)
        assert len(asked) == FAILURES_IN_A_ROW + 1

    def test_a_path_that_is_never_answered_shuts_a_server_that_is_well_to_nobody(self) -> None:
        with asking(well(lambda *_: None), timeout_seconds=0.05) as (vault, _):
            for _ in range(3 * FAILURES_IN_A_ROW):
                with pytest.raises(VaultUnavailable, match="in time"):
                    read(vault)
                wait_for_examination()
            assert vault.breaker.state is State.CLOSED

    def test_a_tenant_whose_secret_is_too_large_shuts_nobody_out(self) -> None:
        with asking(saying(http("200 OK", b"x" * (MAX_BODY_BYTES + 1)))) as (vault, _):
            for _ in range(FAILURES_IN_A_ROW):
                with pytest.raises(VaultUnavailable, match="2 MiB"):
                    read(vault)
            assert vault.breaker.state is State.CLOSED


def shut(breaker: Breaker) -> None:
    """Have a breaker open, as a server does that fails and is not well."""
    for _ in range(FAILURES_IN_A_ROW):
        if breaker.failed():
            breaker.examined(is_well=False)


def saying_nothing_until_asked_often(times: int) -> Callable[[socket.socket, bytes], None]:
    asked: list[None] = []

    def handler(client: socket.socket, _: bytes) -> None:
        asked.append(None)
        if len(asked) > times:
            client.sendall(OK)

    return handler


def longest(outcome: VaultAnswer | VaultUnavailable, count: int, settings: Retries) -> Sequence[float | None]:
    return [responses.pause_seconds(outcome, number, settings, lambda _, high: high) for number in range(count)]


def test_pauses_double_up_to_the_longest() -> None:
    settings = Retries(first_pause_seconds=0.05, longest_pause_seconds=0.3)
    assert longest(Unanswered("v", "refuses"), 5, settings) == [0.05, 0.1, 0.2, 0.3, 0.3]


def test_pauses_are_drawn_from_nothing_to_the_longest() -> None:
    drawn: list[tuple[float, float]] = []
    outcome = VaultAnswer(412, {}, b"")

    def uniform(low: float, high: float) -> float:
        drawn.append((low, high))
        return low

    responses.pause_seconds(outcome, 1, Retries(), uniform)
    assert drawn == [(0, 0.1)]
    assert len({responses.pause_seconds(outcome, 1, Retries()) for _ in range(20)}) > 1


@pytest.mark.parametrize(
    ("error", "repeated"),
    [
        pytest.param(Unanswered("v", "h"), True, id="refused"),
        pytest.param(ClosedUnanswered("v", "h"), True, id="closed before an answer"),
        pytest.param(TooLate("v", 1.0), False, id="too late"),
        pytest.param(AnswerTooLarge("v", "h"), False, id="too large"),
        pytest.param(VaultUnavailable("v", "h"), False, id="anything else"),
    ],
)
def test_of_errors_only_a_server_that_did_not_answer_is_asked_again(error: VaultUnavailable, *, repeated: bool) -> None:
    assert (responses.pause_seconds(error, 0, Retries()) is not None) == repeated
