"""The gate: a bounded number of admissions runs at once, shared fairly among namespaces. The rest wait or get a 429.

A worker is one thread whose greenlets share the processor, so whoever begins a lot makes everybody wait. The rules of
who may run and who comes next are in `webhook.scheduling.fair_queue`. The waiting is here.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from gevent import get_hub
from gevent.event import Event

from resolver.causes import Cause
from resolver.deadline import Deadline
from resolver.vault.errors import VaultCrowded
from webhook.model import AdmissionRequest, Admits, Answer
from webhook.scheduling.fair_queue import FairQueue, Ticket

# Requests that were refused together should not come back together.
_RETRY_AFTER_SECONDS = (1, 2, 3)
# How long a refusal may stand back behind work.
_REFUSAL_SECONDS = 0.5
# Requests that came together should not give up together either: the last of them would be answered too late. Each has
# a moment of its own within the first of these times. The second, which follows, is for the answers.
_GIVING_UP_SECONDS, _GIVING_UP_PART = 1.0, 0.1
_ANSWERING_SECONDS, _ANSWERING_PART = 0.5, 0.05


class OverloadedError(Exception):
    """There is no ticket to be had. The message says why, and what may help."""


class Gate:
    """Hands out the tickets of one worker. Greenlets may share it. Make it after the fork."""

    def __init__(self, most_running: int, most_waiting: int) -> None:
        self._queue = FairQueue(most_running, most_waiting)
        self._turns: dict[Ticket, Event] = {}
        self._own: ContextVar[Ticket | None] = ContextVar("ticket", default=None)
        # First come, first served.
        self._refusals: dict[Event, None] = {}
        loop = get_hub().loop
        # The first is called once in each turn of the event loop, the second whenever the loop has nothing else to do.
        self._each_turn, self._idle = loop.check(), loop.idle()

    @property
    def running(self) -> int:
        """How many admissions run now."""
        return self._queue.running

    @property
    def waiting(self) -> int:
        """How many admissions wait for their turn now."""
        return self._queue.waiting

    @contextmanager
    def ticket(self, namespace: str, deadline: Deadline) -> Iterator[None]:
        """Wait for a ticket of the namespace, and hold it while the block runs.

        Raises `OverloadedError` if the namespace may have no other ticket: as soon as the worker has nothing else to
        do, and after half a second at most. Also raises it near the deadline if the turn has not come.
        """
        ticket = self._queue.arrive(namespace)
        if ticket is None:
            self._stand_back(deadline)
            raise OverloadedError(f"too many requests of namespace {namespace} are under way; a retry will work")
        token = self._own.set(ticket)
        try:
            if not self._gets_its_turn(ticket, deadline):
                raise OverloadedError("its turn did not come in time, so many requests are under way; a retry may work")
            yield
        finally:
            # Also if a time limit ended the greenlet while it waited, or just as its turn came.
            self._own.reset(token)
            self._queue.leave(ticket)
            self._watch()

    @contextmanager
    def asking(self, connection: str, deadline: Deadline) -> Iterator[None]:
        """Wait until the admission of this greenlet may ask a Vault, and let it ask while the block runs.

        Raises `VaultCrowded` if too many wait for this Vault already, or near the deadline. Work without a ticket, for
        which nobody has to wait, may ask at once.
        """
        ticket = self._own.get()
        if ticket is None:
            yield
            return
        if not self._queue.turn_to(ticket, connection):
            self._stand_back(deadline)
            raise VaultCrowded(connection)
        try:
            if not self._gets_its_turn(ticket, deadline):
                raise VaultCrowded(connection)
            yield
        finally:
            self._queue.turn_from(ticket)
            self._watch()

    def _gets_its_turn(self, ticket: Ticket, deadline: Deadline) -> bool:
        """Wait for the ticket's turn, if it has to. Returns whether there is time left to run."""
        if ticket.is_running:
            self._watch()
            return True
        turn = self._turns[ticket] = Event()
        self._watch()
        try:
            return bool(turn.wait(_patience_seconds(deadline))) and deadline.remaining_seconds() > 0
        finally:
            del self._turns[ticket]

    def _stand_back(self, deadline: Deadline) -> None:
        """Let work go first. Otherwise clients that retry at once would keep the worker busy with refusing them."""
        turn = Event()
        self._refusals[turn] = None
        self._watch()
        try:
            turn.wait(min(_REFUSAL_SECONDS, deadline.remaining_seconds()))
        finally:
            self._refusals.pop(turn, None)

    def _watch(self) -> None:
        """Have the event loop call back in each turn, but only while that matters: it would never sleep otherwise."""
        if not self._each_turn.active:
            self._each_turn.start(self._on_turn)
        if self._is_idleness_used and not self._idle.active:
            self._idle.start(self._on_idle)

    @property
    def _is_idleness_used(self) -> bool:
        return bool(self._refusals) or self._queue.may_begin

    def _on_turn(self) -> None:
        if not self._go_on(self._queue.begin()) and not self._queue.may_begin:
            self._each_turn.stop()

    def _on_idle(self) -> None:
        self._go_on(self._queue.begin_idle())
        refused = next(iter(self._refusals), None)
        if refused is not None:
            del self._refusals[refused]
            refused.set()
        if not self._is_idleness_used:
            self._idle.stop()

    def _go_on(self, ticket: Ticket | None) -> bool:
        if ticket is not None:
            self._turns[ticket].set()
        return ticket is not None


def _patience_seconds(deadline: Deadline) -> float:
    """Return how long to wait for a turn that would still be of use."""
    left = deadline.remaining_seconds()
    spread = min(_GIVING_UP_SECONDS, left * _GIVING_UP_PART)
    return left - min(_ANSWERING_SECONDS, left * _ANSWERING_PART) - random.uniform(0, spread)  # noqa: S311 - as above


class GatedAdmission:
    """Wraps an admission with the gate: at most `most_running` run, the rest wait or get a 429."""

    def __init__(self, admission: Admits, gate: Gate) -> None:
        self._admission = admission
        self._gate = gate

    def answer(self, request: AdmissionRequest, deadline: Deadline) -> Answer:
        """Return the answer to a request, within the deadline. Never raises."""
        try:
            with self._gate.ticket(request.namespace, deadline):
                return self._admission.answer(request, deadline)
        except OverloadedError as error:
            return overloaded(request.described, error)


def overloaded(described: str, error: OverloadedError) -> Answer:
    """Return the 429 for a request without a ticket. Kubernetes clients retry it by themselves."""
    wait = random.choice(_RETRY_AFTER_SECONDS)  # noqa: S311 - spreads retries, guards nothing
    message = f"{Cause.OVERLOADED}: {described}: {error}"
    return Answer(False, Cause.OVERLOADED.status, message, Cause.OVERLOADED, retry_after_seconds=wait)
