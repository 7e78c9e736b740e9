"""The gunicorn worker: gevent, with time limits on what a client may hold, a health listener and a gentle stop.

A greenlet costs a stalled client kilobytes where a thread costs it one of a few places: `ARCHITECTURE.md` has the
measurement by which the class was chosen.
"""

from typing import Any

import gevent
from gevent.pywsgi import WSGIServer
from gunicorn.workers.ggevent import GeventWorker

from webhook.health import health_app

# The API server waits at most 30 s for an answer; past that, whatever the request still does is for nobody.
_REQUEST_SECONDS = 35.0


class _Idle:
    """The wait for a connection's next request: bounded, and known to the worker, which may end it."""

    def __init__(self, worker: "AdmissionWorker", seconds: float) -> None:
        self._worker = worker
        self._timeout = gevent.Timeout(seconds, False)
        self._greenlet = gevent.getcurrent()

    def __enter__(self) -> None:
        self._worker.idle.add(self._greenlet)
        self._timeout.start()

    def __exit__(self, kind: object, error: object, traceback: object) -> bool:
        self._timeout.close()
        self._worker.idle.discard(self._greenlet)
        return error is self._timeout


class AdmissionWorker(GeventWorker):  # type: ignore[misc]
    """Serves admissions; `self.app` is the `webhook.server.Server` that the master forked."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.idle: set[Any] = set()
        self.stopping = False

    def timeout_ctx(self) -> _Idle:
        """Bound the wait for the next request (gunicorn's hook)."""
        return _Idle(self, self.cfg.keepalive)

    def handle_request(self, *args: Any) -> Any:
        """Bound one request, its body included (gunicorn's hook)."""
        with gevent.Timeout(_REQUEST_SECONDS, False):
            return super().handle_request(*args)
        raise StopIteration  # gunicorn's sign to close the connection: the rest of the body may still come

    def run(self) -> None:
        """Serve until told to stop (gunicorn's hook)."""
        health = WSGIServer(self.app.health_socket, health_app(self._is_ready), log=None, error_log=None)
        health.start()
        try:
            super().run()
        finally:
            health.stop(timeout=0)
            self.app.close_in_worker()

    def _is_ready(self) -> bool:
        return not self.stopping and bool(self.app.is_ready_in_worker())

    def handle_exit(self, sig: int, frame: object) -> None:
        """Begin to stop: answer on for a while, one answer a connection, then take no more (SIGTERM)."""
        if self.stopping:
            return
        self.stopping = True
        # gunicorn closes a connection after its answer when there is no keep-alive.
        self.cfg.set("keepalive", 0)
        gevent.spawn_later(self.app.settings.drain_seconds, self._end, sig, frame)

    def _end(self, sig: int, frame: object) -> None:
        super().handle_exit(sig, frame)
        for greenlet in list(self.idle):
            greenlet.kill(StopIteration, block=False)
