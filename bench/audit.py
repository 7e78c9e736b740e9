"""What Vault was asked, counted in its own audit log."""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Asked:
    """Requests that Vault noted: all of them, and the logins among them."""

    requests: int
    logins: int


class AuditCount:
    """Counts what is added to an audit log (of Vault's device `file`) from the moment this is made."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offset_bytes = log.stat().st_size

    def so_far(self) -> Asked:
        """Return what was added. Vault writes a request down before it answers it."""
        with self._log.open("rb") as log:
            log.seek(self._offset_bytes)
            content = log.read()
        entries = [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]
        paths = [entry["request"]["path"] for entry in entries if entry["type"] == "request"]
        return Asked(len(paths), sum(path.startswith("auth/") and path.endswith("/login") for path in paths))
