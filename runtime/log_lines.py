r"""How log lines are written: for people (console) or as JSON. One event is one line, whatever it says.

Times are RFC 3339, in UTC, with milliseconds. Invisible characters are written as escapes (`\n`), so that a name or a
message cannot look like another line, nor move the reader's cursor. On the console, a message that holds `=` or a quote
is quoted, so that nothing in it looks like the facts that follow. For an exception, the line has its kind and where it
came from, but neither text nor traceback, because they may quote values.
"""

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from resolver.references.characters import quoted, visible
from runtime.bugs import described
from runtime.log_context import current

_PLAIN: Final = re.compile(r"[^\s\"=\\]+")
_PLAIN_MESSAGE: Final = re.compile(r"[^\"=]*")
_RESERVED: Final = frozenset({*RESERVED_ATTRS, "taskName"})


class LogFormat(StrEnum):
    """The values of `--log-format`."""

    CONSOLE = "console"
    JSON = "json"


def formatter(form: LogFormat) -> logging.Formatter:
    """Return the formatter for this format."""
    return JsonLines() if form is LogFormat.JSON else ConsoleLines()


class ConsoleLines(logging.Formatter):
    """Writes TIME LEVEL LOGGER MESSAGE, followed by facts as key=value."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its line break."""
        said = [_time(record), record.levelname, record.name, _unless(_PLAIN_MESSAGE, _message(record))]
        facts = [f"{name}={_unless(_PLAIN, str(fact))}" for name, fact in _facts(record).items()]
        return " ".join([*said, *facts])


class JsonLines(JsonFormatter):
    """Writes one JSON object in ASCII: `time`, `level`, `logger`, `message`, and further facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line without its line break."""
        said = {"time": _time(record), "level": record.levelname, "logger": record.name, "message": _message(record)}
        # They come first in the line, and no other fact may take their names.
        return str(self.serialize_log_record({**said, **_facts(record), **said}))


def _message(record: logging.LogRecord) -> str:
    message = record.getMessage()
    error = record.exc_info[1] if record.exc_info else None
    return f"{message}: {described(error)}" if error is not None else message


def _facts(record: logging.LogRecord) -> Mapping[str, Any]:
    """Return further facts: the admission that is under way, and the log record's own extras."""
    extras = {
        name: fact if isinstance(fact, int | float) else str(fact)
        for name, fact in record.__dict__.items()
        if name not in _RESERVED
    }
    return {"process": record.process, **current(), **extras}


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _unless(plain: re.Pattern[str], text: str) -> str:
    """Return a text on one line, quoted unless it is plain."""
    shown = visible(text)
    return shown if plain.fullmatch(shown) else quoted(text)
