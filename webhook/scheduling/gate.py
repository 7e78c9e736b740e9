"""The gate before the work: a bounded number of admissions, fair between namespaces, and 429 at once past that.

A worker is one thread whose greenlets share the processor, so whoever begins much makes everybody wait. Who may begin,
and who comes next, is `webhook.scheduling.fair_queue`; here is the waiting.
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

# Those who were refused together are not to come back together.
_RETRY_AFTER_SECONDS = (1, 2, 3)
# The longest that a refusal stands back behind work.
_REFUSAL_SECONDS = 0.5


class OverloadedError(Exception):
    """There is no place; the message says why, and what may help."""


class Gate:
    """The places of one worker. Greenlets may share it; it is made after the fork.

    `running` and `waiting` are how many admissions are at work and in the queue now.
    """

    def __init__(self, most_running: int, most_waiting: int) -> None:
        self._places = FairQueue(most_running, most_waiting)
        self._turns: dict[Ticket, Event] = {}
        self._own: ContextVar[Ticket | None] = ContextVar("place", default=None)
        # Who came first is first.
        self._refusals: dict[Event, None] = {}
        loop = get_hub().loop
        # Called once in each turn of the event loop; and whenever it finds nothing else to do.
        self._each_turn, self._idle = loop.check(), loop.idle()

    @property
    def running(self) -> int:
        """How many are at work."""
        return self._places.running

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return self._places.waiting

    @contextmanager
    def place(self, namespace: str, deadline: Deadline) -> Iterator[None]:
        """Be at work for a namespace while the block runs, when it is its turn.

        Raises `OverloadedError` when the namespace has no place left, as soon as the worker has nothing else to do or
        after half a second; or at the deadline, when its turn did not come.
        """
        place = self._places.arrive(namespace)
        if place is None:
            self._stand_back(deadline)
            raise OverloadedError(f"too many requests of namespace {namespace} are under way; a retry will work")
        token = self._own.set(place)
        try:
            if not self._comes_to_work(place, deadline):
                raise OverloadedError("its turn did not come in time, so many requests are under way; a retry may work")
            yield
        finally:
            # Also when a time limit ended the greenlet while it waited, or just as its turn came.
            self._own.reset(token)
            self._places.leave(place)
            self._watch()

    @contextmanager
    def asking(self, connection: str, deadline: Deadline) -> Iterator[None]:
        """Let the admission that is at work here ask a Vault while the block runs, when it is its turn.

        Raises `VaultCrowded` when there is no room for another that waits for this Vault, or at the deadline. What has
        no place, since nobody has to wait for it, asks at once.
        """
        place = self._own.get()
        if place is None:
            yield
            return
        if not self._places.turn_to(place, connection):
            self._stand_back(deadline)
            raise VaultCrowded(connection)
        try:
            if not self._comes_to_work(place, deadline):
                raise VaultCrowded(connection)
            yield
        finally:
            self._places.turn_from(place)
            self._watch()

    def _comes_to_work(self, place: Ticket, deadline: Deadline) -> bool:
        """Wait for the place's turn, if it has to; return whether there is time left to work."""
        if place.is_running:
            self._watch()
            return True
        turn = self._turns[place] = Event()
        self._watch()
        try:
            return bool(turn.wait(deadline.remaining_seconds())) and deadline.remaining_seconds() > 0
        finally:
            del self._turns[place]

    def _stand_back(self, deadline: Deadline) -> None:
        """Let work go first: clients that come again at once would have the worker do nothing but refuse them."""
        turn = Event()
        self._refusals[turn] = None
        self._watch()
        try:
            turn.wait(min(_REFUSAL_SECONDS, deadline.remaining_seconds()))
        finally:
            self._refusals.pop(turn, None)

    def _watch(self) -> None:
        """Have the event loop tell of its turns as long as that matters; an idle one would not sleep meanwhile."""
        if not self._each_turn.active:
            self._each_turn.start(self._on_turn)
        if self._is_idleness_used and not self._idle.active:
            self._idle.start(self._on_idle)

    @property
    def _is_idleness_used(self) -> bool:
        return bool(self._refusals) or self._places.may_begin

    def _on_turn(self) -> None:
        if not self._go_on(self._places.begin()) and not self._places.may_begin:
            self._each_turn.stop()

    def _on_idle(self) -> None:
        self._go_on(self._places.begin_idle())
        refused = next(iter(self._refusals), None)
        if refused is not None:
            del self._refusals[refused]
            refused.set()
        if not self._is_idleness_used:
            self._idle.stop()

    def _go_on(self, place: Ticket | None) -> bool:
        if place is not None:
            self._turns[place].set()
        return place is not None


class GatedAdmission:
    """Wraps an admission with the gate: at most `most_running` run, the rest wait or get a 429."""

    def __init__(self, admission: Admits, gate: Gate) -> None:
        self._admission = admission
        self._gate = gate

    def answer(self, request: AdmissionRequest, deadline: Deadline) -> Answer:
        """Return the answer to a request, within the deadline. Never raises."""
        try:
            with self._gate.place(request.namespace, deadline):
                return self._admission.answer(request, deadline)
        except OverloadedError as error:
            return overloaded(request.described, error)


def overloaded(described: str, error: OverloadedError) -> Answer:
    """Return the refusal of what there is no place for; clients come again by themselves."""
    wait = random.choice(_RETRY_AFTER_SECONDS)  # noqa: S311 - spreads retries, guards nothing
    message = f"{Cause.OVERLOADED}: {described}: {error}"
    return Answer(False, Cause.OVERLOADED.status, message, Cause.OVERLOADED, retry_after_seconds=wait)
