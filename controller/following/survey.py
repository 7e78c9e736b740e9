"""The first half of a round: list a namespace's managed objects, ask Vault about their paths, and compare."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from controller.following.comparison import Answer, Asked, Comparison, Verdict, remembered
from controller.following.listing import managed_objects, without_fields
from controller.following.memory import NamespaceMemory, ObjectMemory
from controller.following.questions import Inquiry
from controller.following.unlisted import Unlisted
from controller.following.unversioned import TooMuchAtOnce
from controller.following.values import Values
from controller.managed import Managed
from kube.tenant_clients import TenantApi
from manifests import annotations
from manifests.following.followed import FollowedField, FollowedObject, followed
from manifests.following.problem import Hindrance, Problem
from manifests.following.workload import is_used_by_pods
from manifests.kinds.codec import Codec
from manifests.provenance.keyring import KeyRing
from resolver.causes import Cause
from resolver.references.grammar import Reference

# The values of so many objects are held at the same time.
_AT_ONCE: Final = 200
MOST_REFERENCES: Final = 20_000
"""How many references of a namespace are followed. Anybody can write a record, with a thousand paths in each."""
MOST_QUESTIONS: Final = 100
"""How many paths one turn of a round asks about. Then other namespaces have their turns."""
# A round that comes a moment early must not pass over an object that is due with it.
_EARLY_SECONDS: Final = 2.0

_Unversioned: TypeAlias = tuple[Managed, Sequence[FollowedField]]


@dataclass(frozen=True, slots=True)
class Due:
    """An object that follows Vault. `verdict` says how it differs from what Vault holds now."""

    managed: Managed
    followed: FollowedObject
    verdict: Verdict


class Survey:
    """What is in a namespace, and what differs from Vault.

    `listed` are the managed objects as they were listed. `changes` has the change counters of those that pods can use,
    by name and uid. `due` has those that are to be refreshed. `problems` has what is wrong for good, by uid; None if
    nothing is. An object about which Vault said nothing is not in it. `left_out` counts the objects with more than is
    followed.
    """

    def __init__(self, tenant: TenantApi, memory: NamespaceMemory, keys: Callable[[], KeyRing | None]) -> None:
        self.listed: list[Managed] = []
        self.changes: dict[tuple[str, str], int] = {}
        self.due: list[Due] = []
        self.problems: dict[str, Problem | None] = {}
        self.paths: frozenset[Asked] = frozenset()
        self.left_out = 0
        self._tenant = tenant
        self._memory = memory
        self._keys = keys
        self._objects: list[tuple[Managed, FollowedObject]] = []
        self._due_now: set[str] = set()
        self._wanted: list[tuple[Asked, Reference]] = []
        self._answers: dict[Asked, Answer] = {}
        self._unversioned: deque[_Unversioned] | None = None
        # Whether fields without versions have Vault's value: by object, field and the MAC that was compared.
        self._same: dict[tuple[str, str, str], bool | None] = {}
        self._before = dict(memory.paths)

    @property
    def answers(self) -> Mapping[Asked, Answer]:
        """What Vault said about each path, as far as it said something."""
        return self._answers

    @property
    def objects(self) -> int:
        """How many objects follow Vault here."""
        return len(self._objects)

    def list(self, kinds: Iterable[Codec], unlisted: Unlisted, go_on: Callable[[], None]) -> None:
        """List the managed objects of all kinds. Raises the errors of `kube`, or `Interrupted`."""
        left = MOST_REFERENCES
        for found in managed_objects(self._tenant, kinds, unlisted, go_on):
            metadata = found.metadata
            # Reading a forged record takes a third of a second: no more than that beyond what is followed.
            what = followed(found.codec, metadata.annotations if left >= 0 else {})
            left -= sum(len(field.references) for field in what.fields)
            if left < 0:
                self.left_out += 1
                self.listed.append(replace(found, metadata=replace(metadata, annotations={})))
                continue
            if is_used_by_pods(found.codec):
                self.changes[found.name.name, metadata.uid] = what.changes
            self.listed.append(without_fields(found, what.changes))
            if what.fields:
                self._objects.append((replace(found, version=what.version), what))
            else:
                # It follows no more, so whatever was wrong with it is over.
                self.problems[metadata.uid] = None
        self.paths = frozenset(asked for _, what in self._objects for asked, _, _ in _uses(what))

    def plan(self, intervals: Mapping[str, float], now: float) -> None:
        """Note which paths Vault is to be asked about: those of all objects that are due.

        `intervals` has the seconds between two questions for each connection that is followed.
        """
        shortest = min(intervals.values(), default=0.0)
        asked_at = self._memory.asked_at
        due = {name for name, seconds in intervals.items() if _has_passed(asked_at.get(name), seconds, now)}
        for managed, what in self._objects:
            if _is_due(what, self._memory.of(managed.metadata.uid), shortest, now):
                self._due_now.add(managed.metadata.uid)
        wanted = {
            asked: reference
            for managed, what in self._objects
            if managed.metadata.uid in self._due_now
            for asked, reference, _ in _uses(what)
            if asked.connection in due
        }
        # First what was never denied: that a namespace is denied everything is then known early.
        order = sorted(wanted, key=lambda asked: (asked.connection, asked in self._memory.denied, asked.path))
        self._wanted = [(asked, wanted[asked]) for asked in reversed(order)]

    def ask_some(self, inquiry: Inquiry, go_on: Callable[[], None]) -> bool:
        """Ask Vault about `MOST_QUESTIONS` paths at most. Returns whether none is left. Raises `Interrupted`."""
        if self._wanted:
            some = dict(self._wanted.pop() for _ in range(min(MOST_QUESTIONS, len(self._wanted))))
            self._answers = inquiry.versions(self._tenant.namespace, some, self._memory, go_on, self._answers)
        if self._wanted:
            return False
        if self._unversioned is None:
            found = ((one, [each for each in what.fields if self._is_unversioned(each)]) for one, what in self._objects)
            # Those that need the same paths together, so that few are read twice.
            self._unversioned = deque(
                sorted((each for each in found if each[1]), key=lambda each: _first_path(each[1]))
            )
        self._compare_some(self._unversioned, inquiry, go_on)
        return not self._unversioned

    def _compare_some(self, left: deque[_Unversioned], inquiry: Inquiry, go_on: Callable[[], None]) -> None:
        """Take some of these objects, and compare their fields with Vault's values. Raises `Interrupted`."""
        some: list[_Unversioned] = []
        paths: set[Asked] = set()
        while left and len(some) < _AT_ONCE and len(paths) < MOST_QUESTIONS:
            some.append(left.popleft())
            paths.update(Asked.about(reference) for each in some[-1][1] for reference in each.references)
        if some:
            self._compare_values(some, inquiry, go_on)

    def compare(self, now: float, go_on: Callable[[], None]) -> None:
        """Find what is to be refreshed, and what is wrong for good. Raises `Interrupted`."""
        recorded: dict[Asked, int] = {}
        comparison = Comparison(self._answers, self._before)
        for managed, what in self._objects:
            for asked, _, version in _uses(what):
                recorded[asked] = max(version or 0, recorded.get(asked, 0))
            uid = managed.metadata.uid
            memory = self._memory.of(uid)
            # Of those that are not due too: only this round sees it.
            memory.made_anew |= comparison.made_anew(what.fields)
            if uid not in self._due_now:
                continue
            go_on()
            verdict = self._verdict(uid, what)
            is_known = all(asked in self._answers for asked, _, _ in _uses(what))
            if is_known and not verdict.differences:
                memory.backoff = None
                # Whatever is not as it should be is looked at again in the next round, however long the interval is.
                memory.compared_at = now
            standing = _standing(memory, verdict, what, now)
            if not memory.given_up.issuperset(verdict.differences) and not _is_held_back(memory, now):
                self.due.append(Due(managed, what, verdict))
            problem = verdict.problem or standing or _misspelt(what)
            if problem is not None or is_known:
                self.problems[uid] = problem
        self._memory.asked_at.update(dict.fromkeys({asked.connection for asked in self._answers}, now))
        self._memory.paths.update(remembered(self._answers, recorded, self._before))
        self._memory.keep(self.paths, {managed.metadata.uid for managed, _ in self._objects})

    def verdict(self, managed: Managed) -> Verdict:
        """Compare an object, in whatever state it is by now, with this round's answers."""
        return self._verdict(managed.metadata.uid, followed(managed.codec, managed.metadata.annotations))

    def _verdict(self, uid: str, what: FollowedObject) -> Verdict:
        def same(wanted: FollowedField) -> bool | None:
            return self._same.get((uid, wanted.pointer, wanted.entry.mac))

        made_anew = self._memory.of(uid).made_anew
        return Comparison(self._answers, self._before, same).verdict(what.fields, made_anew)

    def _compare_values(self, some: Sequence[_Unversioned], inquiry: Inquiry, go_on: Callable[[], None]) -> None:
        """Read values for some fields, compare them, and keep none. Raises `Interrupted`."""
        references = [reference for _, fields in some for each in fields for reference in each.references]
        try:
            found = inquiry.values(self._tenant.namespace, references, self._memory, self._answers, go_on)
        except TooMuchAtOnce:
            half = len(some) // 2
            # An object that has too much by itself could not be filled either.
            for part in (some[:half], some[half:]) if half else ():
                self._compare_values(part, inquiry, go_on)
            return
        for managed, fields in some:
            values = Values(self._tenant, managed, found, self._keys, self._memory)
            for each in fields:
                self._same[managed.metadata.uid, each.pointer, each.entry.mac] = values.same(each)

    def _is_unversioned(self, wanted: FollowedField) -> bool:
        return any(
            recorded is None and getattr(self._answers.get(Asked.about(reference)), "current", 0) is None
            for reference, recorded in wanted.versions.items()
        )


def _uses(what: FollowedObject) -> Iterator[tuple[Asked, Reference, int | None]]:
    """Yield what an object needs to have answered, and the version that its record has."""
    for field in what.fields:
        for reference, version in field.versions.items():
            yield Asked.about(reference), reference, version


def _first_path(fields: Sequence[FollowedField]) -> str:
    return min(str(Asked.about(reference)) for each in fields for reference in each.references)


def _is_due(what: FollowedObject, memory: ObjectMemory, shortest: float, now: float) -> bool:
    """Whether an object's own interval, if it has one, has gone by."""
    own = what.interval_seconds
    return own is None or own <= shortest or _has_passed(memory.compared_at, own, now)


def _has_passed(since: float | None, seconds: float, now: float) -> bool:
    return since is None or now - since >= seconds - _EARLY_SECONDS


def _is_held_back(memory: ObjectMemory, now: float) -> bool:
    return memory.backoff is not None and now < memory.backoff.again_at


def _standing(memory: ObjectMemory, verdict: Verdict, what: FollowedObject, now: float) -> Problem | None:
    """Return the problem of an earlier refresh, as long as that is not to be tried again."""
    if not verdict.differences:
        return None
    if memory.given_up.issuperset(verdict.differences):
        return Problem(Hindrance.IMMUTABLE, what.fields[0].pointer)
    why = memory.backoff.why if memory.backoff is not None and _is_held_back(memory, now) else None
    return why if isinstance(why, Problem) else None


def _misspelt(what: FollowedObject) -> Problem | None:
    return Problem(str(Cause.MALFORMED_REFERENCE), f"annotation {annotations.FOLLOW}") if what.problem else None
