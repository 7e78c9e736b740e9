"""What the threads of the duty share: the needs of all namespaces, and whose turn it is."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from controller.following.pacing.pace import Pace
from controller.variables.making import Ending, Key, Made
from controller.variables.namespace import MOST_SECRETS, Known, NamespaceNeeds, Pending
from controller.variables.need import Need
from controller.variables.turns import Turns, Urgency
from kube.objects import Metadata
from manifests.variables.generated import GeneratedSecret
from manifests.variables.owners import PodFacts

WORKERS: Final = 8
_MOST_OF_ONE_NAMESPACE: Final = 6
_CHANGES_PER_SECOND: Final = 100.0
# Pods change often while they start. So long at least lies between two looks whether their Secret is still there.
_LOOK_EVERY_SECONDS: Final = 2.0
_FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 60.0
LONGEST_PAUSE_AFTER_REFUSAL_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Task:
    """A Secret to be brought about, for these pods. `is_expected` says that it was there when it was last seen."""

    namespace: str
    secret: GeneratedSecret
    pods: Sequence[PodFacts]
    is_expected: bool


class Shared:
    """The needs of the namespaces that are looked at. Threads share it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives monotonic seconds."""
        self._clock = clock
        self._changed = threading.Condition()
        self._turns = Turns(Pace(_CHANGES_PER_SECOND, clock), _MOST_OF_ONE_NAMESPACE, clock)
        self._namespaces: dict[str, NamespaceNeeds] = {}

    def begin(self, namespace: str) -> None:
        """Begin to look at a namespace. What is seen of others is left out."""
        with self._changed:
            self._namespaces.setdefault(namespace, NamespaceNeeds())

    def forget(self, namespace: str) -> None:
        """Forget a namespace."""
        with self._changed:
            self._namespaces.pop(namespace, None)
            self._turns.forget(namespace)

    def listed(self, namespace: str, secrets: Iterable[Metadata]) -> None:
        """Take note of all generated Secrets of a namespace. Its pods have to be listed next.

        The label is anybody's: of many more than Keyhole makes, the first ones are kept.
        """
        now = self._clock()
        known = {each.name.name: Known.of(each, now) for each in islice(secrets, 2 * MOST_SECRETS)}
        with self._changed:
            if namespace in self._namespaces:
                self._namespaces[namespace].listed(known)

    def pods_listed(self, namespace: str) -> None:
        """Say that all pods of a namespace have been seen."""
        with self._changed:
            if namespace in self._namespaces:
                self._namespaces[namespace].pods_listed()

    def see(self, namespace: str, pod_uid: str, needs: Iterable[Need], *, is_listed: bool = False) -> bool:
        """Note what a pod needs, and return whether there is a place for all of it.

        `is_listed` says that this is one of the pods of a list, before which the Secrets were listed.
        """
        is_taken = True
        with self._changed:
            of = self._namespaces.get(namespace)
            if of is None:
                return True
            for need in needs:
                is_taken = of.see(pod_uid, need, self._clock(), is_listed=is_listed) and is_taken
                if need.secret.name in of.pending:
                    self._plan(namespace, of, need.secret.name, of.pending[need.secret.name])
            self._changed.notify()
        return is_taken

    def gone(self, namespace: str, pod_uid: str) -> None:
        """Forget a pod."""
        with self._changed:
            if namespace in self._namespaces:
                self._namespaces[namespace].gone(pod_uid)

    def take(self) -> Task | None:
        """Wait for something to do, for a second at most, and return it. `end` or `end_failed` has to follow."""
        with self._changed:
            found = self._turns.take()
            if found is None:
                self._changed.wait(self._turns.wait_seconds())
                found = self._turns.take()
            if found is None:
                return None
            namespace, name = found
            of = self._namespaces.get(namespace)
            pending = of.pending.get(name) if of is not None else None
            if of is None or pending is None or pending.is_at_work:
                self._turns.done(namespace)
                return None
            pending.is_at_work = True
            return Task(namespace, pending.secret, list(pending.owners.values()), name in of.known)

    def end(self, task: Task, made: Made) -> Sequence[float]:
        """Take note of what was done; return since when pods had waited for a Secret that was made."""
        with self._changed:
            self._turns.done(task.namespace)
            of = self._namespaces.get(task.namespace)
            pending = of.pending.get(task.secret.name) if of is not None else None
            if of is None or pending is None:
                return ()
            pending.is_at_work = False
            if made.secret is None or made.ending is Ending.FOREIGN:
                of.known.pop(task.secret.name, None)
                self._fail(task.namespace, of, task.secret.name, pending, is_lasting=True)
                return ()
            of.found(made.secret, self._clock(), made.keys)
            since = of.settled(task.secret.name, _keys(task))
            if task.secret.name in of.pending:
                self._plan(task.namespace, of, task.secret.name, pending)
        return since if made.ending is Ending.MADE else ()

    def end_failed(self, task: Task, *, is_lasting: bool) -> None:
        """Have it tried again: after 1, 2, 4 … seconds, up to a minute, or ten if it was refused."""
        with self._changed:
            self._turns.done(task.namespace)
            of = self._namespaces.get(task.namespace)
            pending = of.pending.get(task.secret.name) if of is not None else None
            if of is not None and pending is not None:
                pending.is_at_work = False
                self._fail(task.namespace, of, task.secret.name, pending, is_lasting=is_lasting)

    def wake(self) -> None:
        """Wake up who waits for something to do, so that it looks whether it is to end."""
        with self._changed:
            self._changed.notify_all()

    def activity(self) -> dict[str, float]:
        """Return when each namespace last had something new to do."""
        with self._changed:
            return {name: each.active_at for name, each in self._namespaces.items()}

    def waiting(self) -> int:
        """Return how many pods wait for a Secret."""
        with self._changed:
            return sum(each.waiting for each in self._namespaces.values())

    def has_too_many(self, namespace: str) -> bool:
        """Whether pods of a namespace wait because it has too many generated Secrets."""
        with self._changed:
            return namespace in self._namespaces and bool(self._namespaces[namespace].over)

    def _plan(self, namespace: str, of: NamespaceNeeds, name: str, pending: Pending) -> None:
        if pending.is_at_work:
            return
        known = of.known.get(name)
        urgency = Urgency.POD_WAITS if known is None else Urgency.LOOK
        look_at = 0.0 if known is None or pending.is_urgent else known.read_at + _LOOK_EVERY_SECONDS
        self._turns.put(namespace, name, max(pending.not_before, look_at), urgency)

    def _fail(self, namespace: str, of: NamespaceNeeds, name: str, pending: Pending, *, is_lasting: bool) -> None:
        longest = LONGEST_PAUSE_AFTER_REFUSAL_SECONDS if is_lasting else LONGEST_PAUSE_SECONDS
        pending.not_before = self._clock() + min(longest, _FIRST_PAUSE_SECONDS * 2.0 ** min(pending.tries, 10))
        pending.tries += 1
        self._plan(namespace, of, name, pending)


def _keys(task: Task) -> Sequence[Key]:
    return [each.key for each in task.pods]
