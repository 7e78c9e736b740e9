"""The server process: gunicorn's master, its configuration, and the listeners that the workers share.

Import this only after gevent has patched the standard library, which `keyhole serve` does first. Then the sockets of
hvac, of the kubernetes client and of gunicorn wait without blocking their worker.
"""

import gc
import resource
from collections.abc import Callable
from math import ceil
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.config import Config

from metrics.folder import MetricsFolder
from metrics.meters import Meters
from runtime.health_listener import listening
from webhook.assembly import Service
from webhook.server.master import Master
from webhook.server.open_connections import MOST_CONNECTIONS
from webhook.server.ready_workers import ReadyWorkers
from webhook.server.server_log import GunicornLog
from webhook.server.settings import ServerSettings
from webhook.server.tls import ServingTls
from webhook.server.worker import AdmissionWorker

# The API server keeps idle connections for 90 s and never retries a POST. A shorter keep-alive would reset some.
_KEEPALIVE_SECONDS = 120
# One for each client, and as many again for Vault, the API server and files.
_DESCRIPTORS = 2 * MOST_CONNECTIONS
# What a worker needs after its last answer: it notices within a second, and then has Vault revoke its tokens.
_LEAVING_SECONDS = 5.0


class _TlsConfig(Config):  # type: ignore[misc]
    """gunicorn's settings for TLS without a file: the certificate may appear, and change, while the server runs."""

    is_ssl = True


class Server(BaseApplication):  # type: ignore[misc]
    """Serves what `build` returns. It is called in each worker, after the fork."""

    def __init__(
        self,
        settings: ServerSettings,
        build: Callable[[Meters], Service],
        before_replacing: Callable[[], None] = lambda: None,
        in_master: Callable[[], None] = lambda: None,
    ) -> None:
        """Bind the health listener and create the folder for the metrics.

        `before_replacing` is called in the master before it forks a worker in place of one that ended, `in_master`
        about once a second. Neither may raise. Raises OSError if the listener cannot be bound, or
        `metrics.folder.MetricsFolderError`.
        """
        self.settings = settings
        self.health_socket = listening(settings.health_listen.host, settings.health_listen.port)
        self._build = build
        self._before_replacing = before_replacing
        self.in_master = in_master
        self._ready_workers = ReadyWorkers()
        self._folder = MetricsFolder()
        self._place = 0
        self._service: Service | None = None
        super().__init__()

    def load_default_config(self) -> None:
        """Start from gunicorn's defaults (gunicorn's hook)."""
        self.cfg = _TlsConfig(self.usage, prog=self.prog)

    def load_config(self) -> None:
        """Configure gunicorn (its hook)."""
        settings = self.settings
        for name, value in {
            "bind": [str(settings.listen)],
            "workers": settings.workers,
            "worker_class": AdmissionWorker,
            "ssl_context": lambda _config, _default: self._tls_in_worker(),
            "keepalive": _KEEPALIVE_SECONDS,
            "worker_connections": MOST_CONNECTIONS,
            "graceful_timeout": ceil(settings.drain_seconds + settings.grace_seconds + _LEAVING_SECONDS),
            # The control socket would be created in the home folder, which is read-only in a container.
            "control_socket_disable": True,
            # There is no proxy in front whose headers about addresses and paths could be trusted.
            "forwarded_allow_ips": "",
            "loglevel": settings.log_level,
            "logger_class": GunicornLog,
            "pre_fork": lambda _arbiter, worker: self._prepare(worker),
            "child_exit": lambda _arbiter, worker: self._free_place(worker.place),
            "on_exit": lambda _arbiter: self._folder.remove(),
            "when_ready": _keep_shared,
            "proc_name": "keyhole",
        }.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        """Run the master until a signal stops it (gunicorn's hook)."""
        _allow_descriptors()
        Master(self).run()

    def load(self) -> Any:
        """Build the application in the worker (gunicorn's hook)."""
        self._service = self._build(Meters.shared(self._folder.path, self._place))
        return self._service.app

    def _prepare(self, worker: AdmissionWorker) -> None:
        """Give the worker that is about to be forked its place, which it inherits with the memory."""
        if worker.age > self.settings.workers:
            self._before_replacing()
        self._place = worker.place = self._folder.take_place()

    def _free_place(self, place: int) -> None:
        self._ready_workers.tell(place, is_ready=False)
        self._folder.free_place(place)

    def _tls_in_worker(self) -> ServingTls:
        service = self._service
        if service is None:
            raise RuntimeError("a worker takes connections only after it has built its service")
        return ServingTls(service.certificate.current, lambda: service.caller.authorities, service.on_handshake_failure)

    def handshake_failed_in_worker(self) -> None:
        """Count a handshake that failed."""
        if self._service is not None:
            self._service.on_handshake_failure()

    def tell_ready_in_worker(self, *, is_stopping: bool) -> bool:
        """Return whether this worker could serve the API server now, and tell the others, unless it is stopping."""
        is_ready = self._service is not None and self._service.app.is_ready()
        self._ready_workers.tell(self._place, is_ready=is_ready and not is_stopping)
        return is_ready

    def is_another_ready_in_worker(self) -> bool:
        """Return whether another worker could serve the API server."""
        return self._ready_workers.is_another(self._place)

    def metrics_in_worker(self) -> bytes:
        """Return the metrics of all workers; empty while there is no service yet."""
        return self._service.metrics() if self._service is not None else b""

    def close_in_worker(self) -> None:
        """Give back everything that the worker holds. Its Vault tokens are revoked."""
        if self._service is not None:
            self._service.close()


def _allow_descriptors() -> None:
    """Raise the limit of open files where it is only 1,024. Workers inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _DESCRIPTORS:
        most = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _keep_shared(_arbiter: object) -> None:
    """Keep the garbage collector away from what was made before the fork. Otherwise each worker ends up with a copy."""
    gc.collect()
    gc.freeze()
