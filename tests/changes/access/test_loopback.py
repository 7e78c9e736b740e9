"""The link that works once, the session behind it, and the names under which the page is asked for."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Request, Response

from changes.access.loopback import LoopbackDoor
from changes.access.viewer import NotLetIn


def page(door: LoopbackDoor) -> Any:
    """Return an application that shows something to those whom the door lets in."""

    def answer(environ: Any, start_response: Any) -> Iterable[bytes]:
        try:
            name = door.viewer(Request(environ)).name
        except NotLetIn as error:
            return Response(error.message, error.status)(environ, start_response)
        return Response(f"hello {name}")(environ, start_response)

    return door.guarded(answer)


class Browser:
    """Asks a page by a name, with cookies."""

    def __init__(self, door: LoopbackDoor, host: str = "127.0.0.1:8090") -> None:
        self.client = Client(page(door))
        self.host = host

    def get(self, path: str = "/", method: str = "GET", host: str | None = None, **headers: str) -> TestResponse:
        environ = {"HTTP_HOST": host or self.host}
        return self.client.open(path, method=method, environ_overrides=environ, headers=headers)


@pytest.fixture
def door() -> LoopbackDoor:
    return LoopbackDoor()


def entrance(door: LoopbackDoor) -> str:
    return urlsplit(door.link("127.0.0.1", 8090)).path


def test_the_link_gives_a_session(door: LoopbackDoor) -> None:
    browser = Browser(door)
    assert browser.get().status_code == 401
    welcome = browser.get(entrance(door))
    assert welcome.status_code == 200
    assert browser.get().text == "hello whoever followed the link"
    cookie = welcome.headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=Strict", "Path=/"):
        assert part in cookie
    assert welcome.headers["Referrer-Policy"] == "no-referrer"
    assert welcome.headers["Cache-Control"] == "no-store"


def test_the_link_works_once(door: LoopbackDoor) -> None:
    assert Browser(door).get(entrance(door)).status_code == 200
    second = Browser(door)
    again = second.get(entrance(door))
    assert again.status_code == 410
    assert "Set-Cookie" not in again.headers
    assert second.get().status_code == 401


def test_a_look_ahead_does_not_use_it_up(door: LoopbackDoor) -> None:
    browser = Browser(door)
    for method in ("HEAD", "POST", "OPTIONS"):
        assert browser.get(entrance(door), method).status_code == 405
    assert browser.get(entrance(door)).status_code == 200


@pytest.mark.parametrize("change", [lambda link: link[:-1], "{}x".format, lambda link: link[:7], str.upper])
def test_no_other_link_opens_it(door: LoopbackDoor, change: Any) -> None:
    browser = Browser(door)
    found = browser.get(change(entrance(door)))
    assert found.status_code in {401, 404}
    assert "Set-Cookie" not in found.headers
    assert browser.get(entrance(door)).status_code == 200


@pytest.mark.parametrize("cookie", ["", "x", "keyhole-page=", "keyhole-page=you", "keyhole-page=\xff"])
def test_no_other_cookie_is_a_session(door: LoopbackDoor, cookie: str) -> None:
    assert Browser(door).get("/", Cookie=cookie).status_code == 401


def test_each_start_has_its_own_link_and_session(door: LoopbackDoor) -> None:
    browser = Browser(door)
    browser.get(entrance(door))
    after = LoopbackDoor()
    browser.client.application = page(after)
    assert browser.get().status_code == 401
    assert browser.get(entrance(door)).status_code == 404
    assert entrance(door) not in entrance(after)


@pytest.mark.parametrize("host", ["127.0.0.1:8090", "localhost:1234", "LOCALHOST", "[::1]:8090", "[::1]", "127.0.0.1"])
def test_it_answers_to_the_names_of_this_machine(door: LoopbackDoor, host: str) -> None:
    assert Browser(door, host).get(entrance(door)).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8090",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1:8090.evil.example",
        "localhost:8090@evil.example",
        "evil.example#localhost",
        "127.0.0.2",
        "0.0.0.0:8090",
        "10.0.0.1",
        " localhost",
        "localhost, evil.example",
    ],
)
def test_a_name_of_somebody_else_gets_no_answer(door: LoopbackDoor, host: str) -> None:
    """A strange page whose name leads here is of the same origin as this one, to a browser (DNS rebinding)."""
    browser = Browser(door)
    browser.get(entrance(door))
    for path in ("/", entrance(door)):
        found = browser.get(path, host=host)
        assert found.status_code == 421
        assert "hello" not in found.text
        assert "Set-Cookie" not in found.headers
