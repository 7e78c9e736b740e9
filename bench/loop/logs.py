"""What the controller did, from the audit logs of the API server and of Vault: read once, as they grow."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed import Testbed
from testbed.keyhole.identities import CONTROLLER_USER

_RECONCILER = ":keyhole-reconciler"
_WRITING = frozenset({"create", "update", "patch", "delete", "deletecollection"})
# A TokenRequest stores nothing, and a Lease is how a controller leads.
_NO_WRITES = frozenset({("serviceaccounts", "token"), ("leases", "")})
_METADATA = "secret/metadata/"


class Tail:
    """The whole lines that are written to a log after this was made, each of them once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size

    def read(self) -> list[bytes]:
        """Return those that were written since the last time."""
        with self._path.open("rb") as log:
            log.seek(self._offset)
            content = log.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        return whole.splitlines()


@dataclass(frozen=True, slots=True)
class Write:
    """A request of the controller's accounts that writes, and when it was answered (seconds since the epoch)."""

    at_seconds: float
    verb: str
    resource: str
    namespace: str
    name: str
    code: int

    @property
    def is_refresh(self) -> bool:
        """Whether it changed a Secret of a tenant."""
        return (self.verb, self.resource) == ("patch", "secrets") and self.code == 200


class Writes:
    """The controller's writes to the API server from the moment this is made."""

    def __init__(self, bed: Testbed) -> None:
        self._tail = Tail(bed.kubernetes.audit_log)
        self.found: list[Write] = []

    def read(self) -> list[Write]:
        """Return all of them so far. An entry may come a moment after its answer."""
        # Most lines are of others, and long.
        mine = [line for line in self._tail.read() if b"keyhole" in line]
        self.found += [write for line in mine for write in writes_in(json.loads(line))]
        return self.found


def writes_in(entry: dict[str, Any]) -> Iterator[Write]:
    """Give the write that an entry of the API server's audit log tells of, if it is one of the controller's."""
    user, about = entry["user"].get("username", ""), entry.get("objectRef", {})
    resource = about.get("resource", ""), about.get("subresource", "")
    is_controller = user == CONTROLLER_USER or user.endswith(_RECONCILER)
    if is_controller and entry["verb"] in _WRITING and resource not in _NO_WRITES:
        code = int(entry.get("responseStatus", {}).get("code", 0))
        named = about.get("namespace", ""), about.get("name", "")
        yield Write(seconds_of(entry["stageTimestamp"]), entry["verb"], resource[0], *named, code)


@dataclass(frozen=True, slots=True)
class Question:
    """A request to Vault, and when it came (seconds since the epoch)."""

    at_seconds: float
    operation: str
    path: str

    @property
    def asked_version_of(self) -> str | None:
        """The path below the mount whose version was asked for; only the loop does."""
        is_question = self.operation == "read" and self.path.startswith(_METADATA)
        return self.path.removeprefix(_METADATA) if is_question else None

    @property
    def is_login(self) -> bool:
        """Whether it was a login."""
        return self.path.startswith("auth/") and self.path.endswith("/login")


class Questions:
    """What Vault was asked from the moment this is made, but for what the root token asked."""

    def __init__(self, bed: Testbed) -> None:
        self._tail = Tail(bed.vault.audit_log)
        self.found: list[Question] = []

    def read(self) -> list[Question]:
        """Return everything so far. Vault writes a request down before it answers it."""
        self.found += [question for line in self._tail.read() for question in questions_in(json.loads(line))]
        return self.found


def questions_in(entry: dict[str, Any]) -> Iterator[Question]:
    """Give the question that an entry of Vault's audit log tells of, if it is one."""
    if entry["type"] == "request" and entry.get("auth", {}).get("display_name") != "root":
        asked = entry["request"]
        yield Question(seconds_of(entry["time"]), asked["operation"], asked["path"])


def seconds_of(timestamp: str) -> float:
    """Return a time of either log in seconds since the epoch. Raises ValueError."""
    return dt.datetime.fromisoformat(timestamp).timestamp()
