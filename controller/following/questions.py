"""Asks Vault what it holds now: one question for each path in use, as the namespace's own identity."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Final, TypeVar

from controller.following.comparison import Answer, Asked
from controller.following.memory import Backoff, NamespaceMemory
from controller.following.pacing.budget import Budget
from controller.following.pacing.outage import Outages
from controller.telling.meters import Asked as Outcome
from controller.telling.meters import FollowMeters
from resolver.causes import Cause
from resolver.deadline import Deadline
from resolver.errors import ResolverError, TemporaryError
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from resolver.resolve import Resolved
from resolver.vault.errors import VaultRateLimited, VaultUnavailable
from resolver.vault.kv_versions import KvVersion
from resolver.versions import Questions, Versions

_T = TypeVar("_T")
# The budget may make each of them wait, so a token is lent for few of them at a time.
_AT_ONCE: Final = 20
_SECONDS: Final = 60.0
_PROBE_SECONDS: Final = 2.0
_OF_THE_LOGIN: Final = frozenset({Cause.IDENTITY_REFUSED, Cause.LOGIN_DENIED})


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
        self._versions = versions
        self._budget = budget
        self._outages = outages
        self._meters = meters
        self._clock = clock

    def versions(
        self, namespace: str, wanted: Mapping[Asked, Reference], memory: NamespaceMemory, go_on: Callable[[], None]
    ) -> dict[Asked, Answer]:
        """Return what Vault says about each path, as far as it says something. Raises `Interrupted` only."""
        answers: dict[Asked, Answer] = {}
        for connection in sorted({asked.connection for asked in wanted}):
            of_connection = {asked: wanted[asked] for asked in wanted if asked.connection == connection}
            refused = memory.logins.get(connection)
            if refused is not None and self._clock() < refused.again_at:
                answers.update(_told(refused, of_connection, memory))
            else:
                self._ask(connection, namespace, of_connection, memory, answers, go_on)
        return answers

    def values(
        self, namespace: str, references: Iterable[Reference], go_on: Callable[[], None]
    ) -> dict[Reference, SecretValue]:
        """Return the values of references as far as Vault gives them. Raises `Interrupted` only."""
        found: dict[Reference, SecretValue] = {}
        by_connection: dict[str, list[Reference]] = {}
        for reference in dict.fromkeys(references):
            by_connection.setdefault(reference.connection, []).append(reference)
        for connection, group in by_connection.items():
            # Those of one path together, so that it is read once.
            for chunk in _chunks(sorted(group, key=lambda each: each.path)):
                if not self._outages.may_ask(connection):
                    break
                outcomes = self._outcomes(connection, namespace, chunk, go_on)
                found.update({key: each.value for key, each in outcomes.items() if isinstance(each, Resolved)})
                if any(map(_is_outage, outcomes.values())):
                    self._examine(connection)
                elif any(isinstance(each, VaultRateLimited) for each in outcomes.values()):
                    self._budget.slower(connection)
                    break
                elif any(isinstance(each, Resolved) for each in outcomes.values()):
                    self._outages.answered(connection)
        return found

    def probe(self) -> list[str]:
        """Ask each Vault that is away and due for its health. Returns the connections that have just come back."""
        back = [
            connection
            for connection in self._outages.probe_due()
            if self._outages.probed(connection, is_well=self._is_well(connection))
        ]
        for connection in back:
            self._budget.ramp(connection)
        return back

    def _ask(  # noqa: PLR0917 - a question, and where its answer belongs
        self,
        connection: str,
        namespace: str,
        wanted: Mapping[Asked, Reference],
        memory: NamespaceMemory,
        answers: dict[Asked, Answer],
        go_on: Callable[[], None],
    ) -> None:
        for chunk in _chunks(self._due(wanted, memory, answers)):
            if not self._outages.may_ask(connection):
                return
            try:
                with self._asking(connection, namespace, go_on) as questions:
                    for asked in chunk:
                        if not self._one(asked, wanted, questions, memory, answers):
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
        now = self._clock()
        later: list[Asked] = []
        for asked in sorted(wanted, key=lambda each: (each in memory.denied, each.path)):
            denied = memory.denied.get(asked)
            if denied is None or now >= denied.again_at:
                later.append(asked)
            elif isinstance(denied.why, ResolverError):
                answers[asked] = denied.why
        yield from later

    def _one(
        self,
        asked: Asked,
        wanted: Mapping[Asked, Reference],
        questions: Questions,
        memory: NamespaceMemory,
        answers: dict[Asked, Answer],
    ) -> bool:
        """Ask one question. Returns whether there is a point in asking the next one."""
        is_denied = asked in memory.denied or asked.connection in memory.logins
        try:
            answers[asked] = questions.version(wanted[asked], was_denied=is_denied)
        except TemporaryError as error:
            self._meters.asked(Outcome.FAILED)
            return self._after_failure(asked.connection, error)
        except ResolverError as error:
            answers[asked] = error
            self._outages.answered(asked.connection)
            return self._after_refusal(asked, error, wanted, memory, answers)
        self._meters.asked(Outcome.ANSWERED)
        if answers[asked] != KvVersion(current=None):  # on KV v1 nothing was asked
            self._outages.answered(asked.connection)
        memory.denied.pop(asked, None)
        memory.logins.pop(asked.connection, None)
        return True

    def _after_failure(self, connection: str, error: TemporaryError) -> bool:
        if isinstance(error, VaultRateLimited):
            self._budget.slower(connection)
            return False
        return isinstance(error, VaultUnavailable) and self._examine(connection)

    def _after_refusal(
        self,
        asked: Asked,
        error: ResolverError,
        wanted: Mapping[Asked, Reference],
        memory: NamespaceMemory,
        answers: dict[Asked, Answer],
    ) -> bool:
        now = self._clock()
        if error.cause in _OF_THE_LOGIN:
            self._meters.asked(Outcome.DENIED)
            memory.logins.setdefault(asked.connection, Backoff()).failed(error, now)
            answers.update(dict.fromkeys(wanted, error))
            return False
        if error.cause is not Cause.PERMISSION_DENIED:
            self._meters.asked(Outcome.MISSING)
            return True
        self._meters.asked(Outcome.DENIED)
        memory.denied.setdefault(asked, Backoff()).failed(error, now)
        if any(isinstance(answers.get(other), KvVersion) for other in wanted):
            return True
        # Nothing was allowed so far. If the whole namespace is denied, finding that out must not cost a request a path.
        memory.logins.setdefault(asked.connection, Backoff()).failed(None, now)
        return False

    def _outcomes(
        self, connection: str, namespace: str, references: Sequence[Reference], go_on: Callable[[], None]
    ) -> Mapping[Reference, Resolved | ResolverError]:
        try:
            with self._asking(connection, namespace, go_on) as questions:
                return questions.values(references)
        except ResolverError as error:
            return dict.fromkeys(references, error)

    def _asking(self, connection: str, namespace: str, go_on: Callable[[], None]) -> AbstractContextManager[Questions]:
        def pay() -> None:
            self._budget.vault(connection, namespace, go_on)

        return self._versions.asking(connection, namespace, Deadline.after(_SECONDS), pay)

    def _examine(self, connection: str) -> bool:
        """Return whether Vault is well, although a question failed: then the failure belongs to its path."""
        self._outages.failed(connection)
        self.probe()
        return self._outages.may_ask(connection)

    def _is_well(self, connection: str) -> bool:
        return self._versions.is_well(connection, Deadline.after(_PROBE_SECONDS))


def _told(refused: Backoff, wanted: Mapping[Asked, Reference], memory: NamespaceMemory) -> dict[Asked, Answer]:
    """Return what is known of paths that are not asked about, because all that was asked last was refused."""
    if isinstance(refused.why, ResolverError):
        return dict.fromkeys(wanted, refused.why)
    known = {asked: memory.denied[asked].why for asked in wanted if asked in memory.denied}
    return {asked: why for asked, why in known.items() if isinstance(why, ResolverError)}


def _is_outage(outcome: Resolved | ResolverError) -> bool:
    return isinstance(outcome, VaultUnavailable) and not isinstance(outcome, VaultRateLimited)


def _chunks(items: Iterable[_T]) -> Iterator[Sequence[_T]]:
    """Yield the items by `_AT_ONCE`."""
    left = iter(items)
    while chunk := tuple(islice(left, _AT_ONCE)):
        yield chunk
