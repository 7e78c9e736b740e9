"""What the loop remembers of a namespace between two rounds. All of it can be lost: the next round finds it out again.

Everything is bounded by what the namespace holds: `keep` drops what the last round no longer met.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from controller.following.comparison import Asked, Difference, PathMemory
from manifests.following.problem import Problem
from resolver.errors import ResolverError

_FIRST_SECONDS: Final = 60.0
# An API server that has just started refuses everybody for some seconds, until it knows the Roles.
_FIRST_OF_ROUNDS_SECONDS: Final = 5.0
_LONGEST_SECONDS: Final = 600.0


@dataclass(slots=True)
class Backoff:
    """When something that was refused is tried again: after 1, 2, 4 … 10 minutes. `why` is told meanwhile.

    `first_seconds` is the first of these pauses; the others follow from it.
    """

    why: ResolverError | Problem | None = None
    again_at: float = 0.0
    times: int = 0
    first_seconds: float = _FIRST_SECONDS

    def failed(self, why: ResolverError | Problem | None, now: float) -> None:
        """Wait longer than the last time."""
        self.why = why
        self.again_at = now + min(_LONGEST_SECONDS, self.first_seconds * 2.0**self.times)
        self.times = min(self.times + 1, 10)


@dataclass(slots=True)
class ObjectMemory:
    """What is remembered of one object.

    `compared_at` matters to objects with an interval of their own. `backoff` holds a refresh back that did not work.
    `given_up` has the differences that a refresh can never settle, since the object is immutable. `made_anew` has the
    paths that are another secret under the recorded number since the object was filled: nothing else tells, so it is
    kept until the object is refreshed. `digests` has a keyed digest of the values that a field without versions was
    found to hold, by JSON Pointer. `other_than` has those that are not Vault's, in the state of the object with this
    resourceVersion; None for a field whose text somebody edited.
    """

    compared_at: float = float("-inf")
    backoff: Backoff | None = None
    given_up: frozenset[Difference] = frozenset()
    made_anew: frozenset[Asked] = frozenset()
    digests: dict[str, bytes] = field(default_factory=dict)
    other_than: tuple[str, dict[str, bytes | None]] = field(default_factory=lambda: ("", {}))


@dataclass(slots=True)
class NamespaceMemory:
    """What is remembered of one namespace. Only the thread that is in its round uses it.

    `paths` has what was seen of each path, `denied` what was denied, `logins` the connections at which everything was,
    `asked_at` when each connection was asked last, and `read_at` when a path without versions was read there last.
    `changes` has the change counters of its Secrets and ConfigMaps, by name and uid; None before the first round.
    """

    paths: dict[Asked, PathMemory] = field(default_factory=dict)
    denied: dict[Asked, Backoff] = field(default_factory=dict)
    logins: dict[str, Backoff] = field(default_factory=dict)
    objects: dict[str, ObjectMemory] = field(default_factory=dict)
    changes: dict[tuple[str, str], int] | None = None
    asked_at: dict[str, float] = field(default_factory=dict)
    read_at: dict[str, float] = field(default_factory=dict)
    rounds: Backoff = field(default_factory=lambda: Backoff(first_seconds=_FIRST_OF_ROUNDS_SECONDS))
    baselines_at: float = float("-inf")
    baselines_failed: int = 0

    def of(self, uid: str) -> ObjectMemory:
        """Return what is remembered of the object with this uid."""
        return self.objects.setdefault(uid, ObjectMemory())

    def keep(self, paths: Collection[Asked], uids: Collection[str]) -> None:
        """Forget the paths and objects that are not among these."""
        connections = {asked.connection for asked in paths}
        self.paths = {asked: each for asked, each in self.paths.items() if asked in paths}
        self.denied = {asked: each for asked, each in self.denied.items() if asked in paths}
        self.logins = {name: each for name, each in self.logins.items() if name in connections}
        self.objects = {uid: each for uid, each in self.objects.items() if uid in uids}
