"""What the sound lines of a trail say of objects and references: who, and when last. In bounded memory."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from audit.line import Event, Line
from enforcer.facts.trail import Admitted, Used

MOST_ADMITTED: Final = 50_000
MOST_USED: Final = 50_000
# Objects that stand in several lines, whose first has been read and whose last has not.
_MOST_OPEN: Final = 256
# Of a value that is kept, too, the record names the reference.
_FILLED: Final = frozenset({"resolved", "kept"})
_Key = tuple[str, ...]


class Records:
    """Takes the lines of a trail in any order, and keeps what is last."""

    def __init__(self, most_admitted: int = MOST_ADMITTED, most_used: int = MOST_USED) -> None:
        self._admitted: dict[_Key, datetime] = {}
        self._used: dict[_Key, datetime] = {}
        self._open: dict[str, tuple[str, datetime]] = {}
        self._most = {id(self._admitted): most_admitted, id(self._used): most_used}
        self.hosts: dict[str, str] = {}
        """The host of each chain whose first line was read."""
        self.since: datetime | None = None
        self.until: datetime | None = None
        self.left_out = 0

    def take(self, line: Line) -> None:
        """Take a line whose MAC is right."""
        try:
            record = json.loads(line.record)
        except (ValueError, RecursionError):
            return
        if not isinstance(record, dict):
            return
        if line.event is Event.BEGIN:
            self.hosts[line.head.chain] = _text(record, "host")
        elif line.event is Event.ADMISSION:
            self._admission(record)

    @property
    def admitted(self) -> Iterator[Admitted]:
        """Who had which object admitted and stored, by name."""
        for (group, kind, namespace, name, requester), last in sorted(self._admitted.items()):
            yield Admitted(group=group, kind=kind, namespace=namespace, name=name, requester=requester, last=last)

    @property
    def used(self) -> Iterator[Used]:
        """Which references gave values, by namespace."""
        for (namespace, reference), last in sorted(self._used.items()):
            yield Used(namespace=namespace, reference=reference, last=last)

    def _admission(self, record: Mapping[str, Any]) -> None:
        uid = _text(record, "uid")
        outcome, about = _map(record, "outcome"), _map(record, "object")
        if about:
            time = _time(_text(record, "time"))
            # What was refused, or only tried, is stored nowhere.
            if time is None or outcome.get("allowed") is not True or record.get("dry_run") is not False:
                return
            self.since = time if self.since is None else min(self.since, time)
            self.until = time if self.until is None else max(self.until, time)
            parts = [_text(about, part) for part in ("group", "kind", "namespace", "name")]
            self._keep(self._admitted, (*parts, _text(_map(record, "requester"), "username")), time)
            opened = _text(about, "namespace"), time
            if record.get("part") == 1 and len(self._open) < _MOST_OPEN:
                self._open[uid] = opened
        elif uid in self._open:
            opened = self._open.pop(uid) if record.get("part") == record.get("parts") else self._open[uid]
        else:
            return
        namespace, time = opened
        for reference in _references(record):
            self._keep(self._used, (namespace, reference), time)

    def _keep(self, known: dict[_Key, datetime], key: _Key, time: datetime) -> None:
        before = known.get(key)
        if before is not None:
            known[key] = max(before, time)
        elif len(known) < self._most[id(known)]:
            known[key] = time
        else:
            self.left_out += 1


def _references(record: Mapping[str, Any]) -> Iterator[str]:
    for field in _maps(record, "fields"):
        if field.get("done") in _FILLED:
            yield from (text for each in _maps(field, "references") if (text := _text(each, "text")))


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _text(record: Mapping[str, Any], name: str) -> str:
    found = record.get(name)
    return found if isinstance(found, str) else ""


def _map(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = record.get(name)
    return found if isinstance(found, dict) else {}


def _maps(record: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    found = record.get(name)
    yield from (each for each in found if isinstance(each, dict)) if isinstance(found, list) else ()
