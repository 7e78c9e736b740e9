"""The first half of a round: list a namespace's Secrets, ask Vault about their paths, and compare."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from controller.following.comparison import Answer, Asked, Comparison, Verdict, remembered
from controller.following.memory import NamespaceMemory, ObjectMemory
from controller.following.questions import Inquiry
from controller.following.values import Values
from kube.metadata_pages import Oversized
from kube.objects import Metadata
from kube.tenant_clients import TenantApi
from manifests import annotations
from manifests.following.followed import FollowedObject, followed
from manifests.following.problem import Hindrance, Problem
from manifests.kinds.secret import SECRET
from manifests.provenance.keyring import KeyRing
from resolver.causes import Cause
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue

_CALL_SECONDS: Final = 10.0
# A round that comes a moment early must not pass over an object that is due with it.
_EARLY_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Due:
    """A Secret that follows Vault. `verdict` says how it differs from what Vault holds now."""

    metadata: Metadata
    followed: FollowedObject
    verdict: Verdict


class Survey:
    """What is in a namespace, and what differs from Vault.

    `secrets` are the managed Secrets as they were listed, and `changes` has their change counters by name and uid.
    `due` has those that are to be refreshed. `problems` has what is wrong for good, by uid; None if nothing is. An
    object about which Vault said nothing is not in it.
    """

    def __init__(self, tenant: TenantApi, memory: NamespaceMemory, keys: Callable[[], KeyRing | None]) -> None:
        self.secrets: list[Metadata] = []
        self.changes: dict[tuple[str, str], int] = {}
        self.due: list[Due] = []
        self.problems: dict[str, Problem | None] = {}
        self.paths: frozenset[Asked] = frozenset()
        self.tenant = tenant
        self._memory = memory
        self._keys = keys
        self._objects: list[tuple[Metadata, FollowedObject]] = []
        self._due_now: set[str] = set()
        self._answers: Mapping[Asked, Answer] = {}
        self._values: Mapping[Reference, SecretValue] = {}
        self._before = dict(memory.paths)

    @property
    def answers(self) -> Mapping[Asked, Answer]:
        """What Vault said about each path, as far as it said something."""
        return self._answers

    @property
    def objects(self) -> int:
        """How many objects follow Vault here."""
        return len(self._objects)

    def list(self, go_on: Callable[[], None]) -> None:
        """List the managed Secrets. Raises the errors of `kube`, or `Interrupted`."""
        selector = f"{annotations.MANAGED}=true"
        for found in self.tenant.secrets.list_metadata(self.tenant.namespace, selector, _CALL_SECONDS, go_on):
            if isinstance(found, Oversized) or found.is_going:
                continue
            self.secrets.append(found)
            what = followed(SECRET, found.annotations)
            self.changes[found.name.name, found.uid] = what.changes
            if what.fields:
                self._objects.append((found, what))
            else:
                # It follows no more, so whatever was wrong with it is over.
                self.problems[found.uid] = None
        self.paths = frozenset(asked for _, what in self._objects for asked, _, _ in _uses(what))

    def ask(self, inquiry: Inquiry, intervals: Mapping[str, float], now: float, go_on: Callable[[], None]) -> None:
        """Ask Vault about the paths of all objects that are due. Raises `Interrupted`.

        `intervals` has the seconds between two questions for each connection that is followed.
        """
        shortest = min(intervals.values(), default=0.0)
        due = {name for name, seconds in intervals.items() if self._is_connection_due(name, seconds, now)}
        for metadata, what in self._objects:
            if _is_due(what, self._memory.of(metadata.uid), shortest, now):
                self._due_now.add(metadata.uid)
        wanted = {
            asked: reference
            for metadata, what in self._objects
            if metadata.uid in self._due_now
            for asked, reference, _ in _uses(what)
            if asked.connection in due
        }
        self._answers = inquiry.versions(self.tenant.namespace, wanted, self._memory, go_on)
        unversioned = [
            reference
            for _, what in self._objects
            for field in what.fields
            if any(self._is_unversioned(one, version) for one, version in field.versions.items())
            for reference in field.references
        ]
        if unversioned:
            self._values = inquiry.values(self.tenant.namespace, unversioned, go_on)

    def compare(self, now: float) -> None:
        """Find what is to be refreshed, and what is wrong for good."""
        recorded: dict[Asked, int] = {}
        comparison = Comparison(self._answers, self._before)
        for metadata, what in self._objects:
            for asked, _, version in _uses(what):
                recorded[asked] = max(version or 0, recorded.get(asked, 0))
            memory = self._memory.of(metadata.uid)
            # Of those that are not due too: only this round sees it.
            memory.made_anew |= comparison.made_anew(what.fields)
            if metadata.uid not in self._due_now:
                continue
            verdict = self._verdict(metadata, what)
            standing = _standing(memory, verdict, what, now)
            if not memory.given_up.issuperset(verdict.differences) and not _is_held_back(memory, now):
                self.due.append(Due(metadata, what, verdict))
            problem = verdict.problem or standing or _misspelt(what)
            if problem is not None or all(asked in self._answers for asked, _, _ in _uses(what)):
                self.problems[metadata.uid] = problem
        self._memory.paths.update(remembered(self._answers, recorded, self._before))
        self._memory.keep(self.paths, {metadata.uid for metadata, _ in self._objects})

    def verdict(self, metadata: Metadata) -> Verdict:
        """Compare an object, in whatever state it is by now, with this round's answers."""
        return self._verdict(metadata, followed(SECRET, metadata.annotations))

    def _verdict(self, metadata: Metadata, what: FollowedObject) -> Verdict:
        values = Values(self.tenant, metadata, self._values, self._keys, self._memory)
        made_anew = self._memory.of(metadata.uid).made_anew
        return Comparison(self._answers, self._before, values.same).verdict(what.fields, made_anew)

    def _is_connection_due(self, name: str, seconds: float, now: float) -> bool:
        if now - self._memory.asked_at.get(name, float("-inf")) < seconds - _EARLY_SECONDS:
            return False
        self._memory.asked_at[name] = now
        return True

    def _is_unversioned(self, reference: Reference, recorded: int | None) -> bool:
        return recorded is None and getattr(self._answers.get(Asked.about(reference)), "current", 0) is None


def _uses(what: FollowedObject) -> Iterator[tuple[Asked, Reference, int | None]]:
    """Yield what an object needs to have answered, and the version that its record has."""
    for field in what.fields:
        for reference, version in field.versions.items():
            yield Asked.about(reference), reference, version


def _is_due(what: FollowedObject, memory: ObjectMemory, shortest: float, now: float) -> bool:
    """Whether an object's own interval, if it has one, has gone by."""
    own = what.interval_seconds
    if own is None or own <= shortest:
        return True
    if now - memory.compared_at < own - _EARLY_SECONDS:
        return False
    memory.compared_at = now
    return True


def _is_held_back(memory: ObjectMemory, now: float) -> bool:
    return memory.backoff is not None and now < memory.backoff.again_at


def _standing(memory: ObjectMemory, verdict: Verdict, what: FollowedObject, now: float) -> Problem | None:
    """Return the problem of an earlier refresh, as long as that is not to be tried again."""
    if not verdict.differences:
        memory.backoff = None
        return None
    if memory.given_up.issuperset(verdict.differences):
        return Problem(Hindrance.IMMUTABLE, what.fields[0].pointer)
    why = memory.backoff.why if memory.backoff is not None and _is_held_back(memory, now) else None
    return why if isinstance(why, Problem) else None


def _misspelt(what: FollowedObject) -> Problem | None:
    return Problem(str(Cause.MALFORMED_REFERENCE), f"annotation {annotations.FOLLOW}") if what.problem else None
