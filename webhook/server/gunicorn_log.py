"""gunicorn's own lines, in the form of all others, and without the texts of exceptions, which quote requests."""

import logging
from typing import Any

from gunicorn.glogging import Logger

from webhook.server.server_log import KindsOnly

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
