"""The guard in front of the application: only the head of a request is looked at until the caller has proved itself."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import gevent
from gunicorn.http.wsgi import Response

from webhook.callerauth.caller import ON_PROOF, Caller, CallerCheck, CallerRefused, PeerCertificate
from webhook.server.tls import BoundedContext

log = logging.getLogger("keyhole.caller")

_BODY = b"Keyhole answers the Kubernetes API server only, and this request does not prove to come from it\n"
_HEADERS = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(_BODY)))]
# Strangers can fill the log no faster than this.
_TELL_EVERY_SECONDS = 10.0
# A connection that is closed before its body was read is reset, and the 401 is lost: whoever set this up would not see
# the cause. Reading the body is a courtesy, so a stranger gets no more of it than a usual object takes.
_MOST_DISCARDED_BYTES = 1024 * 1024
_DISCARD_SECONDS = 2.0
_PIECE_BYTES = 64 * 1024


class Guard:
    """A WSGI application in front of another one. It lets only the API server through; everybody else gets a 401."""

    def __init__(
        self,
        app: Callable[..., Iterable[bytes]],
        check: CallerCheck,
        on_refused: Callable[[], None] = lambda: None,
        needs: Sequence[Callable[[], bool]] = (),
    ) -> None:
        """Guard `app`. `on_refused` is called for each request that is not let through.

        Each of `needs` returns whether something is there without which no request can be answered.
        """
        self._needs = needs
        self._app = app
        self._check = check
        self._on_refused = on_refused
        self._refused = 0
        self._tell_at = 0.0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        try:
            self._check.check(_caller(environ))
        except CallerRefused as refused:
            self._on_refused()
            self._tell(refused, str(environ.get("REMOTE_ADDR", "")))
            _discard(environ.get("wsgi.input"))
            _close_after(start_response)
            start_response("401 Unauthorized", _HEADERS)
            return [_BODY]
        if self._check.proves:
            environ.get(ON_PROOF, _nothing)()
        if not self.is_ready():
            # Load balancers give new connections to replicas that are ready. An open one would stay with this replica.
            _close_after(start_response)
        return self._app(environ, start_response)

    def is_ready(self) -> bool:
        """Return whether the API server would be let in and could be answered."""
        return self._check.is_ready() and all(is_there() for is_there in self._needs)

    def knows(self, connection: Any) -> bool:
        """Return whether a connection proved in its handshake to be the API server's."""
        certificate = _certificate_of(connection)
        return certificate is not None and self._check.knows(certificate)

    def _tell(self, refused: CallerRefused, address: str) -> None:
        self._refused += 1
        now = time.monotonic()
        if now < self._tell_at:
            return
        self._tell_at = now + _TELL_EVERY_SECONDS
        log.warning(
            "refused %s requests that no API server sent; the last from %s: %s", self._refused, address, refused
        )
        self._refused = 0


def _discard(body: Any) -> None:
    left = _MOST_DISCARDED_BYTES
    # The answer is no, whatever is wrong with the body and however slowly it comes.
    with gevent.Timeout(_DISCARD_SECONDS, False), contextlib.suppress(Exception):
        while left > 0 and (piece := body.read(min(left, _PIECE_BYTES))):
            left -= len(piece)


def _nothing() -> None:
    return


def _close_after(start_response: Callable[..., Any]) -> None:
    """Have gunicorn close the connection after this answer. WSGI itself has no way to say so.

    A connection that was made with a CA that has been withdrawn is so made again.
    """
    response = getattr(start_response, "__self__", None)
    if isinstance(response, Response):
        response.force_close()


def _caller(environ: dict[str, Any]) -> Caller:
    certificate = _certificate_of(environ.get("gunicorn.socket"))
    return Caller(str(environ.get("REQUEST_METHOD")), str(environ.get("PATH_INFO")), environ, certificate)


def _certificate_of(connection: Any) -> PeerCertificate | None:
    """Return the certificate that was verified in the connection's handshake; None if none was asked for."""
    context = getattr(connection, "context", None)
    if not isinstance(context, BoundedContext) or context.authorities is None:
        return None
    told = connection.getpeercert()
    return PeerCertificate.parse(told, context.authorities) if told else None
