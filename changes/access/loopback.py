"""The door of a page on this machine alone: whoever follows a link that works once has a session.

Whoever runs the command has the trails, and sees what they hold. Decision 029 weighs this against a secret in every
address. Other programs and users of the machine reach the port too; they know neither link nor session.
"""

import hmac
import mmap
import secrets
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from werkzeug.exceptions import BadHost
from werkzeug.wrappers import Request, Response

from changes.access.viewer import NotLetIn, Viewer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_COOKIE: Final = "keyhole-page"
_PATH: Final = "/enter/"
_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_SECRET_BYTES: Final = 32
_HOURS: Final = 12
_USED: Final = 1
# A click in a chat would come from another site, and a redirect of it bring no strict cookie: the page goes on itself.
_WELCOME: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=/">'
    '<title>Keyhole</title><p><a href="/">What changed</a></p></html>\n'
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class LocalViewer:
    """Whoever followed the link."""

    name: str = "whoever followed the link"

    def visible(self, namespaces: Collection[str]) -> Collection[str] | None:  # noqa: ARG002 - that of a Viewer
        """Return None: they see all that was read."""
        return None


class LoopbackDoor:
    """One link and one session. Processes that are forked later share them, and that the link was used."""

    def __init__(self, secret: Callable[[int], str] = secrets.token_urlsafe) -> None:
        self._link = secret(_SECRET_BYTES)
        self._session = secret(_SECRET_BYTES)
        self._used = mmap.mmap(-1, 1)
        self._lock = threading.Lock()

    def link(self, host: str, port: int) -> str:
        """Return the link that works once, for whoever may see the page."""
        return f"http://{host}:{port}{_PATH}{self._link}"

    def viewer(self, request: Request) -> Viewer:
        """Return who sent a request. Raises `NotLetIn`."""
        if not _equal(request.cookies.get(_COOKIE, ""), self._session):
            raise NotLetIn(401, "follow the link that `keyhole page` has printed; it works once, in one browser")
        return LocalViewer()

    def guarded(self, application: "WSGIApplication") -> "WSGIApplication":
        """Return an application that asks this door, with the link in front of it."""

        def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            request = Request(environ)
            if not _is_this_machine(request):
                # A name of somebody else that leads here is how a strange page would read this one (DNS rebinding).
                return _text(421, "this page is for 127.0.0.1 and localhost")(environ, start_response)
            if request.path.startswith(_PATH):
                return self._enter(request)(environ, start_response)
            return application(environ, start_response)

        return answer

    def _enter(self, request: Request) -> Response:
        if request.method != "GET":
            return _text(405, "follow the link in a browser")
        if not _equal(request.path.removeprefix(_PATH), self._link):
            return _text(404, "there is no such link")
        with self._lock:
            if self._used[0] == _USED:
                return _text(410, "the link has been used: stop `keyhole page` and start it again for another one")
            self._used[0] = _USED
        answer = Response(_WELCOME, content_type="text/html; charset=utf-8", headers=_HEADERS)
        answer.set_cookie(_COOKIE, self._session, max_age=_HOURS * 3600, httponly=True, samesite="Strict")
        return answer


def _is_this_machine(request: Request) -> bool:
    try:
        host = request.host
    except BadHost:
        return False
    name, _, port = host.rpartition(":") if not host.endswith("]") and ":" in host else (host, "", "")
    return name.lower() in _HOSTS and (not port or port.isdecimal())


def _equal(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode(), secret.encode())


def _text(status: int, message: str) -> Response:
    phrase = HTTPStatus(status).phrase
    return Response(f"{phrase}: {message}\n", status, _HEADERS, content_type="text/plain; charset=utf-8")
