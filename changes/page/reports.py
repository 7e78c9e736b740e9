"""The last compliance report, as the Enforcer wrote it (`enforcer/telling/compliance.schema.json`), read once a change.

A property that this does not know is passed over: later versions of v1 may have more.
"""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec

from enforcer.telling.json_report import VERSION

MOST_BYTES: Final = 64 * 1024 * 1024


class Object(msgspec.Struct, frozen=True, gc=False):
    """What a finding is about."""

    group: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""


class AnsweredFor(msgspec.Struct, frozen=True, gc=False):
    """Who answers for a finding, up to and with which day, and why."""

    until: date
    owner: str = ""
    reason: str = ""
    ticket: str = ""


class Finding(msgspec.Struct, frozen=True, gc=False):
    """What is wrong with an object. `exception` says who answers for it; None if nobody does."""

    rule: str
    severity: str
    object: Object
    message: str
    pointer: str = ""
    file: str = ""
    line: int | None = None
    help: str = ""
    fingerprint: str = ""
    new: bool | None = None
    exception: AnsweredFor | None = None


class Unchecked(msgspec.Struct, frozen=True, gc=False):
    """What could not be looked at, and why."""

    object: Object
    reason: str


class Standard(msgspec.Struct, frozen=True, gc=False):
    """A standard, and what became of it. `severity` is None if it is off."""

    name: str
    title: str
    severity: str | None
    status: str
    held: int
    findings: tuple[Finding, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    excepted: tuple[Finding, ...] = ()


class StandardsException(AnsweredFor, frozen=True, gc=False):
    """An exception of the file of standards, with the objects that it covers."""

    standards: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    state: str = ""
    covers: int = 0


class Report(msgspec.Struct, frozen=True):
    """A run. `ended` is None if it has not ended."""

    version: str
    started: datetime
    ended: datetime | None
    cluster: str = ""
    standards: tuple[Standard, ...] = ()
    exceptions: tuple[StandardsException, ...] = ()


@dataclass(frozen=True)
class NoReport(Exception):
    """There is no report to show. `problem` says why, and what to do."""

    problem: str


class Reports:
    """Reads the report of a file, again when the file has become another one. Used by several threads."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._lock = Lock()
        self._which: object = None
        self._found: Report | NoReport = NoReport("No report was given to this page.")
        self._decoder = msgspec.json.Decoder(Report)

    def report(self) -> Report:
        """Return the report. Raises `NoReport`."""
        if self._file is None:
            raise NoReport("This page was not told where a report is. Give keyhole page the option --compliance.")
        with self._lock:
            try:
                status = self._file.stat()
            except OSError:
                raise NoReport("There is no report yet. It is there after the first run of keyhole enforce.") from None
            which = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
            if which != self._which:
                self._found, self._which = self._read(self._file), which
            if isinstance(self._found, NoReport):
                raise self._found
            return self._found

    def _read(self, file: Path) -> "Report | NoReport":
        try:
            with file.open("rb") as stream:
                text = stream.read(MOST_BYTES + 1)
            if len(text) > MOST_BYTES:
                return NoReport(f"The report is larger than {MOST_BYTES // 1024**2} MiB.")
            report = self._decoder.decode(text)
        except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
            return NoReport("The report cannot be read. The next run of keyhole enforce writes another one.")
        return report if report.version == VERSION else NoReport("The report has another version than this page reads.")
