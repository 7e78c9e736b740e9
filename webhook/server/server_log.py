"""gunicorn's log, in Keyhole's form. Of a request that it cannot read, it names the kind of error and never the bytes.

gunicorn's own messages quote them. But a header may hold the caller's token, and what follows a body of the wrong
length is read as the next request's first line, and may hold values.
"""

import logging
from http import HTTPStatus
from typing import Any

from gunicorn.glogging import Logger
from gunicorn.http.errors import ParseException

from kube.errors import KubernetesUnavailable
from runtime.bugs import described
from runtime.logs import KindsOnly, frames

log = logging.getLogger("keyhole.server")


def status_of(error: BaseException, address: str) -> HTTPStatus:
    """Log why a request from an address failed, and return the status to answer it with."""
    if isinstance(error, ParseException | OSError):
        log.warning("a request from %s cannot be read: %s", address, type(error).__name__)
        return HTTPStatus.BAD_REQUEST
    log.error("a request from %s was broken off: %s at %s", address, type(error).__name__, frames(error))
    return HTTPStatus.INTERNAL_SERVER_ERROR


def tell_of_start(error: Exception, told: str) -> str:
    """Log why a worker cannot start, unless that is what was `told` last. Returns what the log says now."""
    # The text of a bug could hold anything. That of our own error is meant to be read.
    why = str(error) if isinstance(error, KubernetesUnavailable) else f"bug: {described(error)}"
    if why != told:
        log.error("a worker cannot start yet and tries again; the others go on: %s", why)
    return why


_KINDS_ONLY = KindsOnly()


class GunicornLog(Logger):  # type: ignore[misc]
    """gunicorn's logger without handlers of its own. What it logs goes to the root logger's handlers."""

    def setup(self, cfg: Any) -> None:
        """Set the configured level (gunicorn's hook). There is no access log, because the metrics count requests."""
        self.cfg = cfg
        self.loglevel = self.LOG_LEVELS.get(cfg.loglevel.lower(), logging.INFO)
        self.error_log.setLevel(self.loglevel)
        self.error_log.propagate = True
        self.error_log.addFilter(_KINDS_ONLY)
        self._access_log_enabled = False
