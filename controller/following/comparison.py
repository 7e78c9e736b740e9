"""Whether an object still holds what Vault holds. Pure.

| Vault's answer about a path                    | what happens                                            |
|------------------------------------------------|---------------------------------------------------------|
| another version than recorded                  | refresh                                                 |
| a smaller one                                  | refresh, once two rounds saw it: a standby may be late  |
| the same number, made at another time          | refresh: the path was deleted and made anew             |
| the current version is deleted or destroyed    | the value stays; a problem                              |
| there is no secret any more, or access denied  | the value stays; a problem                              |
| no answer                                      | the value stays; nothing is known                       |
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from manifests.following.followed import FollowedField
from manifests.following.problem import Hindrance, Problem
from resolver.errors import ResolverError, TemporaryError
from resolver.references.grammar import Reference
from resolver.vault.kv_versions import KvVersion, VersionState

Answer = KvVersion | ResolverError

_STATES: Final[Mapping[VersionState, str]] = {
    VersionState.DELETED: Hindrance.DELETED,
    VersionState.DESTROYED: Hindrance.DESTROYED,
    VersionState.NONE: Hindrance.DELETED,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to Vault: a path of a connection, whatever number of fields and objects use it."""

    connection: str
    path: str

    @classmethod
    def about(cls, reference: Reference) -> "Asked":
        """Return the question that a reference needs answered."""
        return cls(reference.connection, reference.path)


@dataclass(frozen=True, slots=True)
class Difference:
    """What has changed in Vault: the path, and the version that is current now; None on KV v1."""

    asked: Asked
    version: int | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the comparison of one object came to. Without a difference and a problem it holds what Vault holds."""

    differences: tuple[Difference, ...] = ()
    problem: Problem | None = None


@dataclass(slots=True)
class PathMemory:
    """What earlier rounds saw of one path. `created` tells a new secret with an old number from the old one."""

    version: int | None = None
    created: str = ""
    smaller: int | None = None
    """A version that was smaller than a recorded one when it was last seen."""


@dataclass(slots=True)
class Comparison:
    """Compares the objects of a namespace with Vault's answers.

    `answers` has those of this round. `before` has what earlier rounds saw, and is not changed. `same_value` says
    whether a field without versions still has the value that Vault has; None if that is not known.
    """

    answers: Mapping[Asked, Answer]
    before: Mapping[Asked, PathMemory] = field(default_factory=dict)
    same_value: Callable[[FollowedField], bool | None] = lambda _field: None

    def made_anew(self, fields: tuple[FollowedField, ...]) -> frozenset[Asked]:
        """Return the paths whose recorded version is another secret by now: the same number, made at another time.

        Only this round sees that: afterwards, what it saw is what was there before.
        """
        return frozenset(
            asked
            for each in fields
            for reference, recorded in each.versions.items()
            if self._is_made_anew(asked := Asked.about(reference), recorded, self.answers.get(asked))
        )

    def verdict(self, fields: tuple[FollowedField, ...], made_anew: Collection[Asked] = ()) -> Verdict:
        """Return what the comparison of one object's fields came to.

        `made_anew` has the paths that were made anew since the object was filled, as this and earlier rounds saw them.
        """
        differences: dict[Asked, Difference] = {}
        problem = None
        for each in fields:
            is_unversioned = False
            for reference, recorded in each.versions.items():
                asked = Asked.about(reference)
                answer = self.answers.get(asked)
                problem = problem or _problem(answer, each.pointer)
                if not isinstance(answer, KvVersion) or answer.state is not VersionState.READABLE:
                    continue
                if answer.current is None and recorded is None:
                    is_unversioned = True
                elif self._differs(asked, recorded, answer, made_anew):
                    differences[asked] = Difference(asked, answer.current)
            if is_unversioned and self.same_value(each) is False:
                asked = next(Asked.about(reference) for reference, version in each.versions.items() if version is None)
                differences[asked] = Difference(asked, None)
        return Verdict(tuple(differences.values()), problem)

    def _differs(self, asked: Asked, recorded: int | None, answer: KvVersion, made_anew: Collection[Asked]) -> bool:
        if recorded is None or answer.current is None:
            # The mount has become KV v2, or KV v1 again.
            return True
        if answer.current == recorded:
            return asked in made_anew
        seen = self.before.get(asked)
        return answer.current > recorded or (seen is not None and seen.smaller == answer.current)

    def _is_made_anew(self, asked: Asked, recorded: int | None, answer: Answer | None) -> bool:
        seen = self.before.get(asked)
        if seen is None or recorded is None or not isinstance(answer, KvVersion):
            return False
        is_known = seen.version == recorded == answer.current and "" not in {seen.created, answer.created}
        return is_known and seen.created != answer.created


def remembered(
    answers: Mapping[Asked, Answer], recorded: Mapping[Asked, int], before: Mapping[Asked, PathMemory]
) -> dict[Asked, PathMemory]:
    """Return what the next round has to know. `recorded` has the largest version recorded for each path.

    A path without a version in this round keeps what is known about it.
    """
    memory: dict[Asked, PathMemory] = {}
    for asked, answer in answers.items():
        if not isinstance(answer, KvVersion) or answer.current is None:
            if asked in before:
                memory[asked] = before[asked]
            continue
        smaller = answer.current if answer.current < recorded.get(asked, 0) else None
        memory[asked] = PathMemory(answer.current, answer.created, smaller)
    return memory


def _problem(answer: Answer | None, pointer: str) -> Problem | None:
    if isinstance(answer, ResolverError):
        return None if isinstance(answer, TemporaryError) else Problem(str(answer.cause), pointer)
    if isinstance(answer, KvVersion) and answer.state in _STATES:
        return Problem(_STATES[answer.state], pointer)
    return None
