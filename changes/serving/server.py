"""The server of the page: gunicorn's master, its configuration, and the process that reads trails."""

import signal
from collections.abc import Callable, Iterable
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from changes.serving.reading import Reading
from changes.serving.settings import THREADS, ServingSettings
from changes.serving.worker import PageLog, PageWorker
from runtime.health_listener import listening

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_CONNECTIONS: Final = 200
_KEEPALIVE_SECONDS: Final = 15
# A token may name many groups.
_MOST_OF_A_FIELD_BYTES: Final = 20 * 1024
_UNUSED: Final = frozenset({signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU, signal.SIGWINCH})


class PageServer(BaseApplication):  # type: ignore[misc]
    """Serves what `build` returns. It is called in the worker, after the fork: there is one, with threads."""

    def __init__(
        self,
        settings: ServingSettings,
        build: "Callable[[], WSGIApplication]",
        read: Callable[[], None],
        when_listening: Callable[[], None] = lambda: None,
    ) -> None:
        """Bind the health listener. `read` reads once what is new; it runs in a process of its own.

        `when_listening` is called when the page can be asked for. Raises OSError if the health listener cannot
        be bound.
        """
        self.settings = settings
        self.reading = Reading(read, settings.every_seconds)
        health = settings.health_listen
        self.health_socket = None if health is None else listening(health.host, health.port)
        self._build = build
        self._when_listening = when_listening
        super().__init__()

    def load_config(self) -> None:
        """Configure gunicorn (its hook)."""
        settings = self.settings
        for name, value in {
            "bind": [str(settings.listen)],
            "workers": 1,
            "threads": THREADS,
            "worker_class": PageWorker,
            "worker_connections": _CONNECTIONS,
            "keepalive": _KEEPALIVE_SECONDS,
            "limit_request_field_size": _MOST_OF_A_FIELD_BYTES,
            "limit_request_fields": 64,
            "limit_request_line": 4094,
            "graceful_timeout": ceil(settings.grace_seconds),
            "certfile": None if settings.certificate is None else str(settings.certificate),
            "keyfile": None if settings.key is None else str(settings.key),
            # The control socket would be created in the home folder, which is read-only in a container.
            "control_socket_disable": True,
            # What a proxy says of addresses and of the scheme is not believed, and nothing here needs it.
            "forwarded_allow_ips": "",
            "loglevel": settings.log_level,
            "logger_class": PageLog,
            "when_ready": lambda _arbiter: self._when_listening(),
            "on_exit": lambda _arbiter: self.reading.stop(),
            "proc_name": "keyhole-page",
        }.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        """Run the master until a signal stops it (gunicorn's hook)."""
        _Master(self).run()

    def load(self) -> Any:
        """Build the application in the worker (gunicorn's hook)."""
        return self._build()


class _Master(Arbiter):  # type: ignore[misc]
    """Runs a `PageServer` until SIGTERM, SIGINT, SIGQUIT, or SIGHUP: when its terminal goes, so does the page."""

    def wait_for_signals(self, timeout: float = 1.0) -> Iterable[Any]:
        """Return the signals that came and count (gunicorn's hook, in each turn)."""
        self.app.reading.keep()
        came = [each for each in super().wait_for_signals(timeout) if each not in _UNUSED]
        return [signal.SIGTERM if each == signal.SIGHUP else each for each in came]
