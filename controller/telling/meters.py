"""What the loop reports of itself. No namespace ever stands in a label."""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum

from manifests.following.problem import Hindrance
from metrics.controller_catalogue import (
    FOLLOW_ASKED,
    FOLLOW_AWAY,
    FOLLOW_LAG,
    FOLLOW_NAMESPACES,
    FOLLOW_OBJECTS,
    FOLLOW_PATHS,
    FOLLOW_PROBLEMS,
    FOLLOW_REFRESHES,
    FOLLOW_RESTARTS,
)
from metrics.meters import OTHER, Meters
from metrics.vault_meter import VaultMeter, vault_meters
from resolver.causes import Cause

_CAUSES = frozenset({*map(str, Cause), *map(str, Hindrance)})


class Asked(StrEnum):
    """How a question about one path in Vault ended."""

    ANSWERED = "answered"
    DENIED = "denied"
    MISSING = "missing"
    """Nothing at the path, or its newest version is deleted or destroyed."""
    FAILED = "failed"


class Refresh(StrEnum):
    """How the refresh of one object ended."""

    REFRESHED = "refreshed"
    KEPT = "kept"
    """The webhook kept a value that it could not verify."""
    CONFLICT = "conflict"
    """Somebody else was faster."""
    UNSEEN = "unseen"
    """No webhook saw it."""
    IMMUTABLE = "immutable"
    FAILED = "failed"
    """The API server refused it or did not answer."""


class Restart(StrEnum):
    """What happened to one workload."""

    RESTARTED = "restarted"
    HELD = "held"
    BASELINE = "baseline"
    """Its state was noted for the first time, without a restart."""
    FAILED = "failed"


class FollowMeters:
    """Counts what the loop does. Threads may share it."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self._connections: set[str] = set()
        self._causes: set[str] = set()
        # Start at zero: Prometheus does not see the first increase of a counter that did not exist before.
        for metric, outcomes in ((FOLLOW_ASKED, Asked), (FOLLOW_REFRESHES, Refresh), (FOLLOW_RESTARTS, Restart)):
            for outcome in outcomes:
                meters.add(metric, str(outcome), amount=0)
        self.stopped()

    @property
    def vault(self) -> Callable[[str], VaultMeter]:
        """What gives the observer of the requests to each connection's Vault."""
        return vault_meters(self._meters)

    def asked(self, outcome: Asked) -> None:
        """Count a question to Vault about one path."""
        self._meters.add(FOLLOW_ASKED, outcome.value)

    def refreshed(self, outcome: Refresh) -> None:
        """Count an attempt to have one object refreshed."""
        self._meters.add(FOLLOW_REFRESHES, outcome.value)

    def restarted(self, outcome: Restart) -> None:
        """Count what happened to one workload."""
        self._meters.add(FOLLOW_RESTARTS, outcome.value)

    def state(self, objects: int, paths: int, namespaces: int, lag_seconds: float, away: Collection[str]) -> None:
        """Report what is followed, how late the latest namespace is, and which connections do not answer.

        One thread at a time may call this or `stopped`.
        """
        self._meters.set(FOLLOW_OBJECTS, objects)
        self._meters.set(FOLLOW_PATHS, paths)
        self._meters.set(FOLLOW_NAMESPACES, namespaces)
        self._meters.set(FOLLOW_LAG, lag_seconds)
        self._connections |= set(away)
        for connection in self._connections:
            self._meters.set(FOLLOW_AWAY, float(connection in away), connection)

    def problems(self, by_cause: Mapping[str, int]) -> None:
        """Report how many objects have a lasting problem, by the word of its cause. One thread at a time may call."""
        counted = dict.fromkeys(self._causes, 0)
        for cause, count in by_cause.items():
            word = cause if cause in _CAUSES else OTHER
            counted[word] = counted.get(word, 0) + count
        self._causes = set(counted)
        for word, count in counted.items():
            self._meters.set(FOLLOW_PROBLEMS, count, word)

    def stopped(self) -> None:
        """Report that this process follows nothing, because it does not lead."""
        self.state(0, 0, 0, 0.0, ())
        self.problems({})
