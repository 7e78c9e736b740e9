"""The gunicorn worker: gevent, with time limits on what a client may occupy, a health listener and a graceful stop.

A stalled client costs a greenlet of a few kilobytes here. With threads it would cost one of a few places.
`docs/decisions/004-gevent-workers.md` has the measurements behind this choice.
"""

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from math import ceil
from typing import Any, cast

import gevent
from gevent.server import StreamServer
from gunicorn.util import write_error
from gunicorn.workers.ggevent import GeventWorker

from metrics.meters import CONTENT_TYPE
from runtime.bugs import described
from runtime.health_listener import HealthListener
from runtime.health_pages import Pages
from runtime.logs import tell_of_greenlets
from webhook.callerauth.caller import ON_PROOF
from webhook.http.guard import Guard
from webhook.server.master import UNUSED
from webhook.server.open_connections import OpenConnections
from webhook.server.server_log import status_of, tell_of_start
from webhook.server.tls import shake_hands

# The API server waits at most 30 s for an answer. After that, nobody needs what the request still does.
_REQUEST_SECONDS = 35.0
_PIECE_BYTES = 64 * 1024
# How often a worker retries its start, and how often it checks whether it is ready.
_ATTEMPT_SECONDS = 2
_LOOK_SECONDS = 0.5


class AdmissionServer(StreamServer):  # type: ignore[misc]
    """gevent's server, except that it accepts connections only while it may. It keeps serving those it has."""

    may_accept: Callable[[], bool] = staticmethod(lambda: True)

    def start_accepting(self) -> None:
        """Start accepting, or go on after there were too many connections (gevent's hook)."""
        if self.may_accept():
            super().start_accepting()

    def follow(self) -> None:
        """Start or stop accepting, as `may_accept` says now."""
        if not self.started:
            return
        if not self.may_accept():
            self.stop_accepting()
        elif not self.full():
            self.start_accepting()


class AdmissionWorker(GeventWorker):  # type: ignore[misc]
    """Serves admissions. `self.app` is the `webhook.server.server.Server` that the master forked."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connections = OpenConnections()
        self.stopping = False
        self.place = 0
        self._servers: list[AdmissionServer] = []
        self._is_known: Callable[[Any], bool] = lambda _connection: False

    def init_signals(self) -> None:
        """Handle the signals that stop a worker, and ignore those that would kill it (gunicorn's hook)."""
        super().init_signals()
        for unused in UNUSED:
            signal.signal(unused, signal.SIG_IGN)

    def load_wsgi(self) -> None:
        """Build the application, which says when a connection has proved itself (gunicorn's hook).

        If that fails, it is tried again: a worker that exited here would take the whole server down.
        """
        told = ""
        while True:
            try:
                super().load_wsgi()
                break
            except Exception as error:  # noqa: BLE001 - of whatever kind: the other workers go on
                told = tell_of_start(error, told)
            self._rest()
        guard = cast(Guard, self.wsgi)
        self._is_known = guard.knows

        def proving(environ: dict[str, Any], start_response: Any) -> Any:
            environ[ON_PROOF] = self.connections.prove
            return guard(environ, start_response)

        self.wsgi: Callable[..., Any] = proving

    def _rest(self) -> None:
        """Wait a little before the next attempt to start. Exits if the server stops meanwhile."""
        for _ in range(_ATTEMPT_SECONDS):
            self.notify()
            gevent.sleep(1.0)
            if self.stopping:
                sys.exit(0)

    def server_class(self, listener: Any, *, spawn: Any, ssl_context: Any, **_unused: Any) -> StreamServer:
        """Return the server for a listener, which accepts only while it may (gunicorn's hook)."""
        server = AdmissionServer(listener, partial(self.handle, listener), spawn=spawn, ssl_context=ssl_context)
        if self.cfg.workers > 1:
            server.max_accept = 1
        server.may_accept = self._may_accept
        self._servers.append(server)
        return server

    def _may_accept(self) -> bool:
        is_ready = self.app.tell_ready_in_worker(is_stopping=self.stopping)
        return is_ready or not self.app.is_another_ready_in_worker()

    def _leave_or_take(self) -> None:
        """Leave new connections to other workers while those are ready and this one is not."""
        while self.alive:
            try:
                for server in self._servers:
                    server.follow()
            except Exception as error:  # noqa: BLE001 - a bug must not end the looking
                self.log.error("bug while checking a worker's readiness: %s", described(error))  # noqa: TRY400
            gevent.sleep(_LOOK_SECONDS)

    def handle(self, listener: Any, client: Any, address: Any) -> None:
        """Serve one connection, including its handshake (gunicorn's hook)."""
        with self.connections.open(client, str(address[0])):
            if not shake_hands(client):
                self.app.handshake_failed_in_worker()
                return
            if self._is_known(client):
                self.connections.prove()
            client.on_close = self.connections.note_close
            super().handle(listener, client, address)

    @contextlib.contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Limit the wait for the next request and its head (gunicorn's hook)."""
        with self.connections.waiting(self.cfg.keepalive) as client:
            client.begin_head()
            yield

    def handle_request(self, listener_name: Any, request: Any, client: Any, *args: Any) -> Any:
        """Limit one request, including its body (gunicorn's hook)."""
        client.end_head()
        with gevent.Timeout(_REQUEST_SECONDS, False), self.connections.answering(request):
            super().handle_request(listener_name, request, client, *args)
            _read_rest(request.body)
            return True
        raise StopIteration  # tells gunicorn to close the connection: the rest of the body may still come

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:  # noqa: ARG002
        """Answer a request that cannot be read, without quoting any of it (gunicorn's hook)."""
        status = status_of(exc, addr[0])
        with contextlib.suppress(OSError):
            write_error(client, int(status), status.phrase, "")

    def run(self) -> None:
        """Serve until told to stop (gunicorn's hook)."""
        tell_of_greenlets(gevent.get_hub())
        pages = Pages(lambda: True, self._is_ready, self.app.metrics_in_worker, CONTENT_TYPE)
        health = HealthListener(self.app.health_socket, pages)
        health.start()
        gevent.spawn(self._leave_or_take)
        try:
            super().run()
        finally:
            if self.connections.cut_off:
                self.log.warning("%d requests came as their connections were closed", self.connections.cut_off)
            health.close()
            self.app.close_in_worker()

    def _is_ready(self) -> bool:
        """Return whether this worker or another one can serve: one that cannot leaves everything to those that can."""
        is_ready = self.app.tell_ready_in_worker(is_stopping=self.stopping)
        return not self.stopping and (is_ready or self.app.is_another_ready_in_worker())

    def handle_exit(self, sig: int, frame: object) -> None:
        """Begin to stop (SIGTERM): for a while, give each connection one more answer; then accept nothing."""
        if self.stopping:
            return
        self.stopping = True
        # gunicorn counts it from the end of the draining.
        self.cfg.set("graceful_timeout", ceil(self.app.settings.grace_seconds))
        self.connections.close_after_answers()
        gevent.spawn_later(self.app.settings.drain_seconds, self._end, sig, frame)

    def _end(self, sig: int, frame: object) -> None:
        super().handle_exit(sig, frame)
        self.connections.end_waiting()


def _read_rest(body: Any) -> None:
    """Read what the application left of a body. gunicorn would count that toward the next request's head."""
    try:
        while body.read(_PIECE_BYTES):
            pass
    except Exception:  # noqa: BLE001 - a body that cannot be read: where the next request begins is unknown
        raise StopIteration from None
