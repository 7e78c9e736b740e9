"""Asks Vault what it holds now: one question for each path in use, as the namespace's own identity."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Final, TypeVar

from controller.following.asking import Asking
from controller.following.comparison import Answer, Asked
from controller.following.memory import Backoff, NamespaceMemory
from controller.following.pacing.budget import Budget
from controller.following.pacing.outage import Outages
from controller.following.unversioned import UnversionedPaths
from controller.telling.meters import Asked as Outcome
from controller.telling.meters import FollowMeters
from resolver.causes import Cause
from resolver.errors import ResolverError, TemporaryError
from resolver.references.grammar import Reference
from resolver.vault.kv_versions import KvVersion
from resolver.versions import Questions, Versions

_T = TypeVar("_T")
# The budget may make each of them wait, so a token is lent for few of them at a time.
_AT_ONCE: Final = 5
_UNVERSIONED: Final = KvVersion(current=None)


class Inquiry:
    """Asks for one namespace after another. Threads may share it.

    A Vault that does not answer gets no further question: its answers are missing from what `versions` returns. So are
    those of a path that was denied a while ago, apart from the refusal itself, until it is time to try again.
    """

    def __init__(
        self,
        versions: Versions,
        budget: Budget,
        outages: Outages,
        meters: FollowMeters,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._asking = Asking(versions, budget, outages, meters, clock)
        self.values = UnversionedPaths(self._asking).values
        self.probe = self._asking.probe
        self.has_come_back = self._asking.has_come_back

    def versions(
        self,
        namespace: str,
        wanted: Mapping[Asked, Reference],
        memory: NamespaceMemory,
        go_on: Callable[[], None],
        earlier: Mapping[Asked, Answer] = MappingProxyType({}),
    ) -> dict[Asked, Answer]:
        """Return what Vault says about each path, as far as it says something, beside `earlier`.

        `earlier` has what this round was told about other paths of the namespace. Raises `Interrupted` only.
        """
        answers = dict(earlier)
        for connection in sorted({asked.connection for asked in wanted}):
            of_connection = {asked: wanted[asked] for asked in wanted if asked.connection == connection}
            refused = memory.logins.get(connection)
            if refused is not None and self._asking.clock() < refused.again_at:
                answers.update(_told(refused, of_connection, memory))
            else:
                self._ask(connection, namespace, of_connection, memory, answers, go_on)
        return answers

    def _ask(  # noqa: PLR0917 - a question, and where its answer belongs
        self,
        connection: str,
        namespace: str,
        wanted: Mapping[Asked, Reference],
        memory: NamespaceMemory,
        answers: dict[Asked, Answer],
        go_on: Callable[[], None],
    ) -> None:
        of_connection = (each for asked, each in answers.items() if asked.connection == connection)
        so_far = _SoFar(wanted, memory, answers, is_any_allowed=any(map(_is_version, of_connection)))
        for chunk in _chunks(self._due(wanted, memory, answers)):
            if not self._asking.outages.may_ask(connection):
                return
            try:
                with self._asking.lent(connection, namespace, go_on) as questions:
                    for asked in chunk:
                        if not self._one(asked, questions, so_far):
                            return
            except ResolverError as error:
                # The connection is unknown, or cannot be used.
                answers.update(dict.fromkeys(wanted, error))
                return

    def _due(
        self, wanted: Mapping[Asked, Reference], memory: NamespaceMemory, answers: dict[Asked, Answer]
    ) -> Iterator[Asked]:
        """Yield what to ask: first what was never denied, so that a namespace that is denied everything is known early.

        What was denied a while ago keeps that answer.
        """
        now = self._asking.clock()
        later: list[Asked] = []
        for asked in sorted(wanted, key=lambda each: (each in memory.denied, each.path)):
            denied = memory.denied.get(asked)
            if denied is None or now >= denied.again_at:
                later.append(asked)
            elif isinstance(denied.why, ResolverError):
                answers[asked] = denied.why
        yield from later

    def _one(self, asked: Asked, questions: Questions, so_far: "_SoFar") -> bool:
        """Ask one question. Returns whether there is a point in asking the next one."""
        memory, answers = so_far.memory, so_far.answers
        is_denied = asked in memory.denied or asked.connection in memory.logins or so_far.is_all_denied
        try:
            answer = questions.version(so_far.wanted[asked], was_denied=is_denied)
        except TemporaryError as error:
            self._asking.meters.asked(Outcome.FAILED)
            return self._asking.after_failure(asked.connection, error)
        except ResolverError as error:
            answers[asked] = error
            self._asking.outages.answered(asked.connection)
            so_far.denied += error.cause is Cause.PERMISSION_DENIED
            return self._asking.after_refusal(
                *(asked, error, so_far.wanted, memory, answers),
                is_any_allowed=so_far.is_any_allowed,
                denied=so_far.denied,
            )
        answers[asked] = answer
        if not _is_version(answer):
            return True  # nothing was asked: `values` reads it
        self._asking.meters.asked(Outcome.ANSWERED)
        self._asking.outages.answered(asked.connection)
        so_far.is_any_allowed = True
        memory.denied.pop(asked, None)
        memory.logins.pop(asked.connection, None)
        return True


@dataclass(slots=True)
class _SoFar:
    """What a round has come to at one connection: its answers, whether any path was allowed, how many were denied."""

    wanted: Mapping[Asked, Reference]
    memory: NamespaceMemory
    answers: dict[Asked, Answer]
    is_any_allowed: bool
    denied: int = 0

    @property
    def is_all_denied(self) -> bool:
        return self.denied > 0 and not self.is_any_allowed


def _told(refused: Backoff, wanted: Mapping[Asked, Reference], memory: NamespaceMemory) -> dict[Asked, Answer]:
    """Return what is known of paths that are not asked about, because all that was asked last was refused."""
    if isinstance(refused.why, ResolverError):
        return dict.fromkeys(wanted, refused.why)
    known = {asked: memory.denied[asked].why for asked in wanted if asked in memory.denied}
    return {asked: why for asked, why in known.items() if isinstance(why, ResolverError)}


def _is_version(answer: Answer | None) -> bool:
    return isinstance(answer, KvVersion) and answer != _UNVERSIONED


def _chunks(items: Iterable[_T]) -> Iterator[Sequence[_T]]:
    """Yield the items by `_AT_ONCE`."""
    left = iter(items)
    while chunk := tuple(islice(left, _AT_ONCE)):
        yield chunk
