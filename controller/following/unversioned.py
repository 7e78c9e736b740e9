"""Reads the paths that have no versions, and remembers what was denied."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from controller.following.asking import Asking
from controller.following.comparison import Answer, Asked
from controller.following.memory import NamespaceMemory
from controller.telling.meters import Asked as Outcome
from resolver.budget import TooMuchWork, ValuesTooLarge
from resolver.errors import ResolverError, TemporaryError
from resolver.references.errors import FunctionError, MissingField
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from resolver.resolve import Resolved

_OF_A_REFERENCE: Final = (MissingField, FunctionError, TooMuchWork)
# No round asks twice in that time.
_LATELY_SECONDS: Final = 30.0
# One object has a megabyte at most.
_MOST_BYTES: Final = 4 * 1024 * 1024


class TooMuchAtOnce(Exception):
    """The values of these references have too many bytes to be held at the same time: ask for fewer."""


class UnversionedPaths:
    """Reads for one namespace after another. Threads may share it."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def values(
        self,
        namespace: str,
        references: Iterable[Reference],
        memory: NamespaceMemory,
        answers: dict[Asked, Answer],
        go_on: Callable[[], None],
    ) -> dict[Reference, SecretValue | None]:
        """Read paths that have no versions; return the values of references, or None for those that have none there.

        What is wrong with a path as a whole becomes its answer. References of which nothing is known now are missing.
        Raises `TooMuchAtOnce` for more than a few megabytes of values, or `Interrupted`.
        """
        found: dict[Reference, SecretValue | None] = {}
        by_path: dict[Asked, list[Reference]] = {}
        for reference in dict.fromkeys(references):
            by_path.setdefault(Asked.about(reference), []).append(reference)
        for asked, group in by_path.items():
            if self._may_read(asked, memory, answers):
                outcomes = self._outcomes(namespace, asked, group, memory, go_on)
                found.update(self._values(asked, outcomes, memory, answers))
                if sum(len(value.reveal()) for value in found.values() if value is not None) > _MOST_BYTES:
                    raise TooMuchAtOnce
        return found

    def _may_read(self, asked: Asked, memory: NamespaceMemory, answers: dict[Asked, Answer]) -> bool:
        now = self._asking.clock()
        for refused in (memory.denied.get(asked), memory.logins.get(asked.connection)):
            if refused is not None and now < refused.again_at:
                if isinstance(refused.why, ResolverError):
                    answers[asked] = refused.why
                return False
        return self._asking.outages.may_ask(asked.connection)

    def _outcomes(
        self,
        namespace: str,
        asked: Asked,
        references: Sequence[Reference],
        memory: NamespaceMemory,
        go_on: Callable[[], None],
    ) -> Mapping[Reference, Resolved | ResolverError]:
        is_denied = asked in memory.denied or asked.connection in memory.logins
        try:
            with self._asking.lent(asked.connection, namespace, go_on) as questions:
                return questions.values(references, was_denied=is_denied)
        except ResolverError as error:
            return dict.fromkeys(references, error)

    def _values(
        self,
        asked: Asked,
        outcomes: Mapping[Reference, Resolved | ResolverError],
        memory: NamespaceMemory,
        answers: dict[Asked, Answer],
    ) -> dict[Reference, SecretValue | None]:
        """Note how reading one path ended, and return what it gave."""
        errors = [each for each in outcomes.values() if isinstance(each, ResolverError)]
        if any(isinstance(each, ValuesTooLarge) for each in errors):
            raise TooMuchAtOnce
        passing = next((each for each in errors if isinstance(each, TemporaryError)), None)
        if passing is not None:
            self._asking.meters.asked(Outcome.FAILED)
            self._asking.after_failure(asked.connection, passing)
            return {}
        self._asking.outages.answered(asked.connection)
        lasting = next((each for each in errors if not isinstance(each, _OF_A_REFERENCE)), None)
        if lasting is not None:
            answers[asked] = lasting
            read_seconds_ago = self._asking.clock() - memory.read_at.get(asked.connection, float("-inf"))
            is_any_allowed = read_seconds_ago < _LATELY_SECONDS
            self._asking.after_refusal(asked, lasting, [asked], memory, answers, is_any_allowed=is_any_allowed)
            return {}
        self._asking.meters.asked(Outcome.ANSWERED)
        memory.read_at[asked.connection] = self._asking.clock()
        memory.denied.pop(asked, None)
        memory.logins.pop(asked.connection, None)
        return {key: each.value if isinstance(each, Resolved) else None for key, each in outcomes.items()}
