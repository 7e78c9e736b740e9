"""What an administrator may set about the loop."""

from dataclasses import dataclass
from pathlib import Path

VAULT_REQUESTS_PER_SECOND = 50.0
PATCHES_PER_SECOND = 25.0


@dataclass(frozen=True, slots=True)
class FollowSettings:
    """Which connections are followed, and how fast.

    `vault_requests_per_second` is for each connection, `patches_per_second` for the cluster. `restarts` says whether
    workloads that ask for it are restarted.
    """

    connections: Path
    vault_requests_per_second: float = VAULT_REQUESTS_PER_SECOND
    patches_per_second: float = PATCHES_PER_SECOND
    restarts: bool = True
