"""How the server runs. Parsed once at the edge, and never changed after that."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """Where a listener binds."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server listens and stops. Times are in seconds.

    A server that stops keeps answering for `drain_seconds` and closes each connection after its answer, so that load
    balancers notice. After that, what is still in flight gets `grace_seconds`.
    """

    listen: Address
    health_listen: Address
    workers: int = 2
    drain_seconds: float = 3.0
    grace_seconds: float = 30.0
    log_level: str = "info"
