"""Tells people what the loop did and what it cannot do: Events, and the annotation `keyhole.dev/problem`.

Neither ever stops the loop. An Event that cannot be written is lost; a problem is written in a later round.
"""

import logging
import platform
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus
from typing import Final

from controller.managed import Managed
from controller.telling.allowance import Allowance
from controller.telling.lasting import LastingProblems, Write
from kube.errors import Conflict, KubernetesError, KubernetesUnavailable
from kube.events import Event, Events
from kube.objects import Metadata
from kube.tenant_clients import TenantApi
from manifests.annotations import PROBLEM
from manifests.following.problem import Problem, dump, explained
from resolver.references.characters import visible

log = logging.getLogger("keyhole.controller")

Paced = Callable[[str, Callable[[], None]], AbstractContextManager[object]]
"""Waits for the turn of a namespace to write, calls `go_on` meanwhile, and holds a place among the writes under way."""

_CALL_SECONDS: Final = 10.0
_ONE_EVENT_IN_SECONDS: Final = 600.0
_ONE_HINT_IN_SECONDS: Final = 86_400.0
_MOST_REMEMBERED: Final = 20_000
_EVENTS_A_SECOND: Final = 10.0
_MOST_EVENTS_AT_ONCE: Final = 50.0
_PROBLEMS_A_SECOND: Final = 5.0
# A minute's worth, because a namespace has its turn once a minute.
_MOST_PROBLEMS_AT_ONCE: Final = 300.0
# Kept beside the reasons of Events, which have no blanks.
_REFUSED: Final = "Events are refused"
_NOT_WRITTEN: Final = "a problem is not written"
_NOT_FOLLOWED: Final = "NotFollowed"


def unpaced(_namespace: str, _go_on: Callable[[], None]) -> AbstractContextManager[object]:
    """Let every write go at once."""
    return nullcontext()


class Telling:
    """What the loop tells of objects, in the name of their tenants. Threads may share it.

    Memory is bounded: the oldest Events are forgotten first, and problems beyond `lasting.MOST_PROBLEMS` are not told.
    """

    def __init__(self, instance: str = "", paced: Paced = unpaced, clock: Callable[[], float] = time.monotonic) -> None:
        """`instance` names this process in Events; without one, the host does."""
        self._instance = instance or platform.node() or "keyhole"
        self._paced = paced
        self._clock = clock
        self._lock = threading.Lock()
        self._told: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._events = Allowance(_EVENTS_A_SECOND, _MOST_EVENTS_AT_ONCE, clock)
        self._writes = Allowance(_PROBLEMS_A_SECOND, _MOST_PROBLEMS_AT_ONCE, clock)
        # Half of it for each namespace: one tenant who has thousands of Secrets refreshed must not silence the others.
        self._events_of: dict[str, Allowance] = {}
        self._writes_of: dict[str, Allowance] = {}
        self._lasting = LastingProblems()

    def event(  # noqa: PLR0917 - who, about what, and the words
        self,
        tenant: TenantApi,
        about: Metadata,
        kind: str,
        api_version: str,
        reason: str,
        note: str,
        *,
        is_warning: bool,
    ) -> None:
        """Create an Event about an object, at most one with the same reason in ten minutes.

        `note` must hold no value; it is cut at 1 KiB. In all there are 10 a second on average, half of them in one
        namespace, and those beyond are lost. Never raises errors of `kube`: without the right to, the log says so once
        in ten minutes.
        """
        identity = about.uid or f"{api_version}/{kind}/{about.name}"
        namespace = about.name.namespace
        if self._is_recent(namespace, _REFUSED) or not self._is_new(namespace, identity, reason):
            return
        event = Event(about, kind, api_version, reason, visible(note), is_warning)
        try:
            Events(tenant.api, self._instance).create(event, _CALL_SECONDS)
        except KubernetesError as error:
            if error.status == HTTPStatus.FORBIDDEN:
                self._told_of(namespace, _REFUSED, f"{error}. Apply the tenant bundle again (`keyhole tenant`)")
            else:
                self._told_of(namespace, f"{_REFUSED} {error.status}", str(error))
        except KubernetesUnavailable as error:
            log.info("no Event %s about %s %s: %s", reason, kind, about.name, error)

    def problem(self, tenant: TenantApi, about: Managed, found: Problem | None, go_on: Callable[[], None]) -> None:
        """Take note of what a round found about an object, and bring its annotation up to date.

        To be called once a round for each followed object that was compared, in its current state. The annotation
        is written when two rounds in a row have found the same, with a warning as an Event, and taken off as soon as
        nothing is wrong. At most 5 a second are written on average, half of them in one namespace; the others have
        their turn in a later round. Never raises errors of `kube`, but what `go_on` raises.
        """
        metadata, namespace = about.metadata, about.name.namespace
        if metadata.is_going:
            return
        with self._lock:
            write = self._lasting.found(namespace, about.identity, found, metadata.annotations.get(PROBLEM))
            if write is Write.NOTHING or not self._may_write(namespace):
                return
        text = None if isinstance(write, Write) else dump(write)
        try:
            with self._paced(namespace, go_on):
                go_on()
                about.among(tenant).change(
                    about.name, {PROBLEM: text}, _CALL_SECONDS, resource_version=metadata.resource_version
                )
        except Conflict:
            log.debug("%s has changed; its problem is written in the next round", about)
        except (KubernetesError, KubernetesUnavailable) as error:
            if getattr(error, "status", None) != HTTPStatus.NOT_FOUND:
                self._told_of(namespace, _NOT_WRITTEN, str(error))
        else:
            if isinstance(write, Problem):
                kind, note = about.codec.kind, _in_words(write)
                self.event(tenant, metadata, kind, about.api_version, _NOT_FOLLOWED, note, is_warning=True)

    def hint(self, namespace: str, word: str, text: str) -> None:
        """Log what whoever looks after a namespace's Vault should know, once a day for each word."""
        self._told_of(namespace, f"hint: {word}", text, seconds=_ONE_HINT_IN_SECONDS)

    def retain(self, namespace: str, identities: Collection[str]) -> None:
        """Forget the problems of objects that no longer exist. `identities` are of those that a round has listed."""
        with self._lock:
            self._lasting.retain(namespace, identities)

    def forget(self, namespace: str) -> None:
        """Forget a namespace that is no longer followed."""
        with self._lock:
            self._lasting.forget(namespace)
            self._events_of.pop(namespace, None)
            self._writes_of.pop(namespace, None)

    def problems_by_cause(self) -> Mapping[str, int]:
        """Return how many objects have a problem that lasts, by the word of its cause."""
        with self._lock:
            return self._lasting.by_cause()

    def _may_write(self, namespace: str) -> bool:
        """Whether it is a namespace's turn. Anybody can write annotations that the loop then takes off again."""
        own = self._half(self._writes_of, namespace, _PROBLEMS_A_SECOND, _MOST_PROBLEMS_AT_ONCE)
        return own.take() and self._writes.take()

    def _half(self, of: dict[str, Allowance], namespace: str, a_second: float, most_at_once: float) -> Allowance:
        if namespace not in of:
            of[namespace] = Allowance(a_second / 2, most_at_once / 2, self._clock)
        return of[namespace]

    def _is_new(self, namespace: str, identity: str, reason: str) -> bool:
        with self._lock:
            if self._told.get((identity, reason), 0.0) > self._clock():
                return False
            own = self._half(self._events_of, namespace, _EVENTS_A_SECOND, _MOST_EVENTS_AT_ONCE)
            if not own.take() or not self._events.take():
                return False
            self._remember(identity, reason)
            return True

    def _is_recent(self, identity: str, reason: str) -> bool:
        with self._lock:
            return self._told.get((identity, reason), 0.0) > self._clock()

    def _told_of(self, namespace: str, what: str, message: str, *, seconds: float = _ONE_EVENT_IN_SECONDS) -> None:
        with self._lock:
            is_new = self._told.get((namespace, what), 0.0) <= self._clock()
            if is_new:
                self._remember(namespace, what, seconds)
        if is_new:
            log.warning("namespace %s: %s", namespace, message)

    def _remember(self, identity: str, reason: str, seconds: float = _ONE_EVENT_IN_SECONDS) -> None:
        self._told[identity, reason] = self._clock() + seconds
        self._told.move_to_end((identity, reason))
        while len(self._told) > _MOST_REMEMBERED:
            self._told.popitem(last=False)


def _in_words(problem: Problem) -> str:
    sentence, remedy = explained(problem.cause)
    return f"{problem.cause} {problem.field}: {sentence} {remedy}"
