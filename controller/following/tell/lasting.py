"""Which objects have a problem that lasts, and which annotation they are to have. Pure, apart from its clock.

A problem lasts once two rounds in a row have found the same cause at the same field, or once an object says so already.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Final

from manifests.following.problem import Problem, dump, parse

# A problem takes about 400 bytes here. Whatever goes beyond is not told of until others are over.
MOST_PROBLEMS: Final = 50_000
_ROUNDS: Final = 2


class Write(Enum):
    """What is to happen to the annotation when it is not to be set."""

    NOTHING = "nothing"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class _Seen:
    problem: Problem
    rounds: int


class LastingProblems:
    """Remembers what each round found. Not for several threads at once. `now` returns the time of day, in UTC."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC), most: int = MOST_PROBLEMS) -> None:
        self._now = now
        self._most = most
        self._total = 0
        self._namespaces: dict[str, dict[str, _Seen]] = {}

    def found(self, namespace: str, name: str, found: Problem | None, annotation: str | None) -> Problem | Write:
        """Take note of what a round found about an object that has this annotation, and return what to write to it."""
        if found is None:
            self._drop(namespace, name)
            return Write.NOTHING if annotation is None else Write.REMOVE
        seen = self._seen(namespace, name, found, parse(annotation))
        self._keep(namespace, name, seen)
        if seen.rounds < _ROUNDS or annotation == dump(seen.problem):
            return Write.NOTHING
        return seen.problem

    def retain(self, namespace: str, names: Collection[str]) -> None:
        """Forget the objects of a namespace that no longer exist."""
        kept = frozenset(names)
        for name in [name for name in self._namespaces.get(namespace, ()) if name not in kept]:
            self._drop(namespace, name)

    def forget(self, namespace: str) -> None:
        """Forget a namespace."""
        self._total -= len(self._namespaces.pop(namespace, ()))

    def by_cause(self) -> Mapping[str, int]:
        """Return how many objects have a lasting problem, by cause."""
        return Counter(
            seen.problem.cause
            for objects in self._namespaces.values()
            for seen in objects.values()
            if seen.rounds >= _ROUNDS
        )

    def _seen(self, namespace: str, name: str, found: Problem, told: Problem | None) -> _Seen:
        before = self._namespaces.get(namespace, {}).get(name)
        if told is not None and told.since and _is_same(told, found):
            # Another leader has counted the rounds.
            return _Seen(told, _ROUNDS)
        if before is not None and _is_same(before.problem, found):
            return replace(before, rounds=before.rounds + 1)
        since = found.since or self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
        return _Seen(replace(found, since=since), 1)

    def _keep(self, namespace: str, name: str, seen: _Seen) -> None:
        objects = self._namespaces.setdefault(namespace, {})
        if name not in objects:
            if self._total >= self._most:
                return
            self._total += 1
        objects[name] = seen

    def _drop(self, namespace: str, name: str) -> None:
        objects = self._namespaces.get(namespace, {})
        if objects.pop(name, None) is not None:
            self._total -= 1
        if not objects:
            self._namespaces.pop(namespace, None)


def _is_same(one: Problem, other: Problem) -> bool:
    return (one.cause, one.field) == (other.cause, other.field)
