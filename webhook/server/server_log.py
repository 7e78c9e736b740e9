"""What gunicorn logs of requests that it cannot read: the kind of error, never the bytes.

Its own messages quote them: a header may hold the caller's token, and what follows a body of the wrong length is read
as the next request's first line, and holds values.
"""

import logging
from http import HTTPStatus
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.http.errors import ParseException

from kube.errors import KubernetesUnavailable
from runtime.bugs import described
from runtime.logs import frames

log = logging.getLogger("keyhole.server")


def status_of(error: BaseException, address: str) -> HTTPStatus:
    """Log what ended a request from an address, and return the status that it is answered with."""
    if isinstance(error, ParseException | OSError):
        log.warning("a request from %s cannot be read: %s", address, type(error).__name__)
        return HTTPStatus.BAD_REQUEST
    log.error("a request from %s was broken off: %s at %s", address, type(error).__name__, frames(error))
    return HTTPStatus.INTERNAL_SERVER_ERROR


def tell_of_start(error: Exception, told: str) -> str:
    """Log why a worker cannot start, unless it was `told` already; return what stands in the log."""
    # A bug's text could hold anything; that of our own error is written to be read.
    why = str(error) if isinstance(error, KubernetesUnavailable) else f"bug: {described(error)}"
    if why != told:
        log.error("a worker cannot start yet and tries again; the others go on: %s", why)
    return why


class KindsOnly(logging.Filter):
    """Lets every record pass, with the kinds of exceptions in place of their texts; tracebacks are the formatter's."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; return True."""
        if isinstance(record.args, tuple):
            record.args = tuple(_kind(each) for each in record.args)
        return True


def _kind(argument: object) -> object:
    return type(argument).__name__ if isinstance(argument, BaseException) else argument


_KINDS_ONLY = KindsOnly()


class GunicornLog(Logger):  # type: ignore[misc]
    """gunicorn's logger without handlers of its own: its records go on to the root's."""

    def setup(self, cfg: Any) -> None:
        """Take the level of the configuration (gunicorn's hook). There is no access log: the metrics count."""
        self.cfg = cfg
        self.loglevel = self.LOG_LEVELS.get(cfg.loglevel.lower(), logging.INFO)
        self.error_log.setLevel(self.loglevel)
        self.error_log.propagate = True
        self.error_log.addFilter(_KINDS_ONLY)
        self._access_log_enabled = False
