"""How the page is served. Parsed once at the edge, and never changed after that."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

THREADS: Final = 32


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a listener binds."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host in {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingSettings:
    """Where the page is served, over TLS if there is a certificate. Each time is in seconds.

    The trails are read anew `every_seconds`. A server that stops gives requests that are at work `grace_seconds`.
    """

    listen: Listener
    health_listen: Listener | None = None
    certificate: Path | None = None
    key: Path | None = None
    every_seconds: float = 30.0
    grace_seconds: float = 10.0
    log_level: str = "info"
