"""How large a measurement of the loop is. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Scenario(StrEnum):
    """What is measured of a controller that follows Vault; it starts afresh in each."""

    QUIET = "quiet"
    BURST = "burst"
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Settings:
    """The objects and paths are spread evenly over the namespaces.

    In a burst the paths of a quarter of the namespaces change at once, and before that one path that `shared` objects
    of a further namespace use. The budgets are the controller's.
    """

    namespaces: int
    objects: int
    paths: int
    interval_seconds: float
    quiet_seconds: float
    away_seconds: float
    shared: int = 100
    vault_requests_per_second: int = 50
    patches_per_second: int = 25

    @property
    def objects_each(self) -> int:
        """In one namespace."""
        return max(1, self.objects // self.namespaces)

    @property
    def paths_each(self) -> int:
        """In one namespace; an object needs one path, so there are never more than objects."""
        return min(self.objects_each, max(1, self.paths // self.namespaces))

    @property
    def names(self) -> list[str]:
        """The namespaces."""
        return [f"loop-{number:04}" for number in range(self.namespaces)]

    @property
    def burst_names(self) -> list[str]:
        """The namespaces whose paths change at once."""
        return self.names[: max(1, self.namespaces // 4)]

    @property
    def burst_paths(self) -> list[str]:
        """Those paths."""
        return [path_of(name, number) for name in self.burst_names for number in range(self.paths_each)]

    @property
    def all_paths(self) -> list[str]:
        """Every path of the namespaces, below the mount."""
        return [path_of(name, number) for name in self.names for number in range(self.paths_each)]


SMALL = Settings(20, 400, 40, interval_seconds=10, quiet_seconds=30, away_seconds=15)
# What the limits are for.
FULL = Settings(1_000, 20_000, 2_000, interval_seconds=60, quiet_seconds=600, away_seconds=600)

SHARED_NAMESPACE, SHARED_PATH = "loop-shared", "loop/loop-shared/0"
BESIDE_NAMESPACE, BESIDE_PATH = "loop-beside", "loop/loop-beside/0"


def path_of(namespace: str, number: int) -> str:
    """Return the path of that number of a namespace, below the mount."""
    return f"loop/{namespace}/{number}"
