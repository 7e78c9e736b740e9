import io
import logging
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gunicorn.http.wsgi import Response

from webhook.callerauth.caller import ON_PROOF, Caller, CallerCheck, CallerRefused
from webhook.callerauth.modes import Anyone
from webhook.http.guard import Guard


class Body(io.BytesIO):
    """A request's body, and what the guard is told about it."""

    def __init__(self, size: int, problem: Exception | None = None) -> None:
        super().__init__(b"x" * size)
        self._problem = problem

    def read(self, size: int | None = -1, /) -> bytes:
        if self._problem:
            raise self._problem
        return super().read(size)


class Knows(Anyone):
    """Lets in who names the word."""

    proves = True

    def check(self, caller: Caller) -> None:
        assert caller.headers["wsgi.input"].tell() == 0, "the body was read before the caller was known"
        if caller.header("X-Word") != "sesame":
            raise CallerRefused("the word is missing")


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [])
    return [b"secret"]


class Asker:
    def __init__(
        self,
        check: CallerCheck | None = None,
        on_proof: Callable[[], None] | None = None,
        is_ready: Callable[[], bool] = lambda: True,
    ) -> None:
        self.guard = Guard(application, check or Knows(), needs=[is_ready])
        self._on_proof = {ON_PROOF: on_proof} if on_proof else {}
        self.statuses: list[str] = []

    def ask(self, body: Body | None = None, **headers: str) -> bytes:
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/mutate",
            "REMOTE_ADDR": "192.0.2.1",
            "wsgi.input": body or Body(0),
            **self._on_proof,
            **{f"HTTP_{name}": value for name, value in headers.items()},
        }
        return b"".join(self.guard(environ, lambda status, _headers: self.statuses.append(status)))


def test_who_is_known_is_let_through() -> None:
    asker = Asker()
    assert asker.ask(X_WORD="sesame") == b"secret"
    assert asker.statuses == ["200 OK"]


@pytest.mark.parametrize("is_ready", [True, False])
def test_a_connection_is_closed_after_its_answer_while_the_replica_is_not_ready(is_ready: bool) -> None:
    """A balancer gives new connections to replicas that are ready; a warm one would stay here."""
    asker = Asker(is_ready=lambda: is_ready)
    request = SimpleNamespace(version=(1, 1), method="POST")
    response = Response(request, SimpleNamespace(), SimpleNamespace(is_ssl=False))
    environ = {"wsgi.input": Body(0), "HTTP_X_WORD": "sesame"}
    assert b"".join(asker.guard(environ, response.start_response)) == b"secret"
    assert response.must_close is not is_ready


def test_who_is_not_known_gets_401_before_the_body_is_read() -> None:
    asker = Asker()
    assert b"secret" not in asker.ask(X_WORD="open")
    assert asker.statuses == ["401 Unauthorized"]


def test_the_body_of_who_is_refused_is_discarded_up_to_a_limit() -> None:
    small, large = Body(100_000), Body(2 * 1024 * 1024)
    asker = Asker()
    asker.ask(small)
    asker.ask(large)
    assert (small.tell(), large.tell()) == (100_000, 1024 * 1024)
    assert asker.statuses == ["401 Unauthorized"] * 2


def test_a_body_that_drips_holds_up_the_answer_for_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.http.guard._DISCARD_SECONDS", 0.05)

    class Dripping(Body):
        def read(self, size: int | None = -1, /) -> bytes:
            gevent.sleep(0.01)
            return b"x"

    asker = Asker()
    assert asker.ask(Dripping(0))
    assert asker.statuses == ["401 Unauthorized"]


def test_who_is_known_has_proved_it_before_the_body_is_read() -> None:
    proved: list[str] = []
    asker = Asker(on_proof=lambda: proved.append("proved"))
    asker.ask(X_WORD="wrong")
    assert proved == []
    asker.ask(X_WORD="sesame")
    assert proved == ["proved"]


def test_where_everybody_may_ask_a_head_proves_nothing() -> None:
    proved: list[str] = []
    asker = Asker(Anyone(), on_proof=lambda: proved.append("proved"))
    assert asker.ask() == b"secret"
    assert proved == []


def test_a_body_that_cannot_be_read_changes_no_answer() -> None:
    asker = Asker()
    assert asker.ask(Body(0, ConnectionResetError()))
    assert asker.statuses == ["401 Unauthorized"]


def test_each_refusal_is_counted_and_nothing_else() -> None:
    asker, refused = Asker(), []
    asker.guard._on_refused = lambda: refused.append(1)
    asker.ask(X_WORD="wrong")
    asker.ask(X_WORD="wrong")
    asker.ask(X_WORD="sesame")
    assert len(refused) == sum(status.startswith("401") for status in asker.statuses) == 2


def test_a_flood_fills_no_log_and_no_word_of_it_stands_there(caplog: pytest.LogCaptureFixture) -> None:
    asker = Asker()
    with caplog.at_level(logging.WARNING):
        for _ in range(1000):
            asker.ask(X_WORD="hunter2")
    (record,) = caplog.records
    assert "192.0.2.1: the word is missing" in record.getMessage()
    assert "hunter2" not in record.getMessage()
