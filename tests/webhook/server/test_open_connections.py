"""Which connections of a worker may stay: strangers compete with strangers, and what proved itself with its like."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import gevent
import gevent.socket
import pytest
from gevent.event import Event

from webhook.server.open_connections import OpenConnections, received

_LONG_SECONDS = 600.0
# Longer than any of these takes; the tests wait for events, and this is how they fail.
_TEST_SECONDS = 30.0


@dataclass
class Served:
    """One connection and the greenlet that serves it until a request comes; a busy one looks only when told to."""

    connections: OpenConnections
    address: str = "a"
    is_proved: bool = False
    is_busy: bool = False
    waits: Event = field(default_factory=Event)
    turn: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.ours, self.theirs = gevent.socket.socketpair()
        self.greenlet = gevent.spawn(self._serve)
        assert self.waits.wait(_TEST_SECONDS)

    def _serve(self) -> str:
        outcome = "timed out"
        with self.connections.open(self.ours, self.address):
            if self.is_proved:
                self.connections.prove()
            with self.connections.waiting(_LONG_SECONDS) as client:
                self.waits.set()
                if self.is_busy:
                    self.turn.wait()
                outcome = "ended" if received(client, lambda: bytes(client.recv(1))) == b"" else "asked"
        return outcome

    def ask(self) -> None:
        self.theirs.sendall(b"x")

    def outcome(self) -> Any:
        return self.greenlet.get(timeout=_TEST_SECONDS)


Serve = Callable[..., Served]


@pytest.fixture
def connections() -> OpenConnections:
    return OpenConnections(most_strangers=2, most_proved=2)


@pytest.fixture
def serve(connections: OpenConnections) -> Iterator[Serve]:
    with contextlib.ExitStack() as stack:

        def serve(address: str = "a", **how: bool) -> Served:
            served = Served(connections, address, **how)
            for end in (served.ours, served.theirs):
                stack.enter_context(end)
            stack.callback(served.greenlet.kill)
            return served

        yield serve


def test_a_stranger_displaces_the_oldest_stranger(serve: Serve) -> None:
    first, second, third = serve(), serve(), serve()
    assert first.outcome() == "ended"
    for one in (second, third):
        one.ask()
        assert one.outcome() == "asked"


def test_strangers_displace_nobody_who_proved_himself(serve: Serve) -> None:
    proved = serve(is_proved=True)
    for _ in range(10):
        serve()
    proved.ask()
    assert proved.outcome() == "asked"


def test_who_holds_the_most_places_makes_room(serve: Serve) -> None:
    other = serve("b")
    crowd = [serve("a") for _ in range(5)]
    assert [each.outcome() for each in crowd[:4]] == ["ended"] * 4
    other.ask()
    assert other.outcome() == "asked"


def test_of_too_many_that_proved_themselves_the_longest_idle_goes(serve: Serve) -> None:
    first, second, third = (serve(is_proved=True) for _ in range(3))
    assert first.outcome() == "ended"
    for one in (second, third):
        one.ask()
        assert one.outcome() == "asked"


def test_but_not_one_whose_request_has_come_and_was_not_read_yet(serve: Serve) -> None:
    first, second = serve(is_proved=True, is_busy=True), serve(is_proved=True)
    first.ask()
    serve(is_proved=True)
    assert second.outcome() == "ended"
    first.turn.set()
    assert first.outcome() == "asked"


def test_others_may_come_and_go_while_an_idle_one_is_looked_for(serve: Serve) -> None:
    first, second = serve(is_proved=True, is_busy=True), serve(is_proved=True)
    for one in (first, second):
        one.ask()
    third = serve(is_proved=True)
    first.turn.set()
    third.ask()
    assert [one.outcome() for one in (first, second, third)] == ["asked"] * 3


def test_a_stranger_waits_for_its_head_for_seconds_and_what_is_proved_for_long(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.server.open_connections.FIRST_HEAD_SECONDS", 0.05)
    proved = serve(is_proved=True)
    assert serve().outcome() == "timed out"
    assert not proved.greenlet.ready()


def test_who_was_told_to_go_proves_nothing_any_more(connections: OpenConnections) -> None:
    ours, theirs = gevent.socket.socketpair()
    with ours, theirs, connections.open(ours, "a"):
        newcomers = [gevent.socket.socketpair() for _ in range(2)]
        with contextlib.ExitStack() as stack:

            def stay(client: Any) -> None:
                with connections.open(client, "a"):
                    gevent.sleep(_LONG_SECONDS)

            for near, far in newcomers:
                stack.enter_context(near)
                stack.enter_context(far)
                stack.callback(gevent.spawn(stay, near).kill)
            gevent.sleep()
            connections.prove()
            assert len(connections._proved) == 0
            assert theirs.recv(1) == b""


def test_nothing_is_remembered_of_a_connection_that_ended(connections: OpenConnections) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with connections.open(ours, "a"):
            connections.prove()
        assert (connections._sockets, connections._proved, len(connections._strangers)) == ({}, set(), 0)


def _seen(served: Served) -> str:
    """Return what became of a connection that may have been told to close."""
    try:
        return str(served.outcome())
    except StopIteration:
        return "closed"


def test_when_all_come_to_an_end_what_is_silent_is_closed(connections: OpenConnections, serve: Serve) -> None:
    silent = serve()
    connections.end_waiting()
    assert _seen(silent) == "closed"


def test_a_request_that_comes_between_the_order_to_close_and_the_close_is_read(
    connections: OpenConnections, serve: Serve
) -> None:
    late, silent = serve(), serve("b")
    connections.end_waiting()
    late.ask()  # nothing else has run since
    assert [_seen(one) for one in (late, silent)] == ["asked", "closed"]


def test_one_that_begins_to_wait_after_that_has_a_moment_and_no_more(
    connections: OpenConnections, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.server.open_connections._LAST_SECONDS", 0.05)
    connections.end_waiting()
    asking, silent = serve(), serve("b")
    asking.ask()
    assert [_seen(one) for one in (asking, silent)] == ["asked", "closed"]


def test_what_comes_after_the_last_look_is_counted(connections: OpenConnections) -> None:
    ours, theirs = gevent.socket.socketpair()

    def serve(request: bytes) -> None:
        with connections.open(ours, "a"):
            try:
                with connections.waiting(_LONG_SECONDS) as client:
                    received(client, lambda: bytes(client.recv(1)))
            except StopIteration:
                theirs.sendall(request)
                connections.note_close(ours)

    with ours, theirs:
        for request, counted in ((b"", 0), (b"x", 1)):
            greenlet = gevent.spawn(serve, request)
            gevent.sleep()
            connections.end_waiting()
            greenlet.get(timeout=_TEST_SECONDS)
            assert connections.cut_off == counted


def test_one_that_sends_only_a_part_is_closed_after_a_moment(
    connections: OpenConnections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook.server.open_connections._LAST_SECONDS", 0.05)
    ours, theirs = gevent.socket.socketpair()

    def serve() -> str:
        with connections.open(ours, "a"), connections.waiting(_LONG_SECONDS) as client:
            while received(client, lambda: bytes(client.recv(1))):
                pass
        return "ended"

    with ours, theirs:
        greenlet = gevent.spawn(serve)
        gevent.sleep()
        connections.end_waiting()
        theirs.sendall(b"PO")
        with pytest.raises(StopIteration):
            greenlet.get(timeout=_TEST_SECONDS)
