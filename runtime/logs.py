"""Sends logs to stderr, one line for each event (`runtime.log_lines`), and redirects whatever else writes there."""

import logging
import sys
import threading
from types import TracebackType
from typing import Any

from runtime.bugs import frames
from runtime.log_lines import LogFormat, formatter

__all__ = ["KindsOnly", "configure", "frames", "tell_of_greenlets"]

log = logging.getLogger("keyhole.server")


def configure(level: str, form: LogFormat = LogFormat.CONSOLE) -> None:
    """Send the log to stderr. What libraries log at debug level holds paths, but no values and no tokens."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(form))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    # urllib3 warns about each broken connection and quotes the URL. The answer says what broke.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    logging.captureWarnings(capture=True)
    sys.excepthook = _tell
    threading.excepthook = lambda end: _tell(end.exc_type, end.exc_value, end.exc_traceback)


def tell_of_greenlets(hub: Any) -> None:
    """Have gevent's hub log greenlets that die in the same way. It would write their tracebacks to stderr."""
    hub.print_exception = lambda _context, kind, error, traceback: _tell(kind, error, traceback)


def _tell(kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
    if kind is not None and issubclass(kind, KeyboardInterrupt):
        return
    where = frames(error.with_traceback(traceback)) if error is not None else ""
    log.critical("bug: %s at %s", kind.__name__ if kind else "an exception", where)


class KindsOnly(logging.Filter):
    """Passes every log record on with the kinds of exceptions instead of their texts. The formatter does tracebacks."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the log record and return True."""
        if isinstance(record.args, tuple):
            record.args = tuple(_kind(each) for each in record.args)
        return True


def _kind(argument: object) -> object:
    return type(argument).__name__ if isinstance(argument, BaseException) else argument
