"""What is known of the generated Secrets of one namespace, and what its pods still need.

Everything can be lost: a list of the Secrets and one of the pods say it again. It is bounded: a namespace has at most
`MOST_SECRETS` generated Secrets and `MOST_BYTES` of what is still to be written into them, and of a Secret that is as
it should be no content is kept, only digests. Not for several threads: whoever shares it holds a lock. Pure.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from controller.variables.need import Need, digest
from kube.objects import Metadata
from manifests.variables.generated import GeneratedSecret
from manifests.variables.owners import MOST_OWNERS, PodFacts

MOST_SECRETS: Final = 500
MOST_BYTES: Final = 8 * 1024 * 1024
_MOST_OVER: Final = 10_000
# Of those that wait for one Secret; the others need it no less, and are counted when pods are listed again.
_MOST_PODS: Final = 1_000
_MOST_KEYS: Final = 1_000


@dataclass(slots=True)
class Known:
    """A Secret that was there at `read_at`. `keys` are those of the pods whose owner is known to own it."""

    uid: str
    digest: bytes
    owners: set[str]
    read_at: float
    keys: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, secret: Metadata, now: float) -> "Known":
        """Take of a Secret's metadata what is kept: there may be a megabyte of annotations and owners."""
        return cls(secret.uid, digest(secret.annotations), {each.uid for each in secret.owners[:MOST_OWNERS]}, now)


@dataclass(slots=True)
class Pending:
    """A Secret for which something is to be done: made, given owners, put right, or looked at.

    `pods` has the uids of those that wait, and since when. `owners` has those whose owners are to own it, by their key.
    """

    secret: GeneratedSecret
    digest: bytes
    pods: dict[str, float] = field(default_factory=dict)
    owners: dict[tuple[str, str], PodFacts] = field(default_factory=dict)
    tries: int = 0
    not_before: float = 0.0
    is_urgent: bool = False
    """Whether the Secret is not as it should be, as far as is known. Else it is to be looked at."""
    is_at_work: bool = False
    is_seen: bool = True
    """Whether the list of pods that is being read, or the last one, has a pod that needs it."""


class NamespaceNeeds:
    """The needs of one namespace. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}
        self.pending: dict[str, Pending] = {}
        self.over: set[str] = set()
        """The pods whose Secrets are too many."""
        self.active_at = float("-inf")
        self._bytes = 0

    @property
    def waiting(self) -> int:
        """How many pods wait for a Secret that is not there."""
        missing = (each for name, each in self.pending.items() if name not in self.known)
        return sum(len(each.pods) for each in missing) + len(self.over)

    def see(self, pod_uid: str, need: Need, now: float, *, is_listed: bool = False) -> bool:
        """Note what a pod needs; return False if there is no place for it. Then the pod is in `over`.

        `is_listed` says that the Secrets were just listed, so that one that is as it should be needs no look.
        """
        name = need.secret.name
        known = self.known.get(name)
        is_right = known is not None and known.digest == need.digest and _is_owned(known, need.pod)
        if is_right and is_listed:
            return True
        pending = self.pending.get(name)
        if pending is None:
            size = _size(need.secret)
            if self._is_full(name) or self._bytes + size > MOST_BYTES:
                if len(self.over) < _MOST_OVER:
                    self.over.add(pod_uid)
                return False
            pending = self.pending[name] = Pending(need.secret, need.digest)
            self._bytes += size
        pending.is_seen = True
        pending.is_urgent = pending.is_urgent or not is_right
        self.over.discard(pod_uid)
        if not is_right:
            self.active_at = now
        if len(pending.pods) < _MOST_PODS:
            pending.pods.setdefault(pod_uid, now)
        if len(pending.owners) < MOST_OWNERS:
            pending.owners.setdefault(need.pod.key, need.pod)
        return True

    def gone(self, pod_uid: str) -> None:
        """Forget a pod. Nothing is made for pods that are all gone."""
        self.over.discard(pod_uid)
        for name, pending in list(self.pending.items()):
            if pending.pods.pop(pod_uid, None) is not None and not pending.pods and not pending.is_at_work:
                self._drop(name)

    def listed(self, known: dict[str, Known]) -> None:
        """Take note of all generated Secrets that there are, by name."""
        before, self.known = self.known, known
        for name, each in known.items():
            earlier = before.get(name)
            if earlier is not None and earlier.uid == each.uid:
                each.keys = earlier.keys
        for pending in self.pending.values():
            pending.is_seen = False
        self.over.clear()

    def pods_listed(self) -> None:
        """Forget what no pod of a whole list needs."""
        for name in [name for name, each in self.pending.items() if not each.is_seen and not each.is_at_work]:
            self._drop(name)

    def found(self, secret: Metadata, now: float, keys: Iterable[tuple[str, str]] = ()) -> None:
        """Take note of a Secret as it is now, and of the pods' keys whose owner owns it."""
        before = self.known.get(secret.name.name)
        known = Known.of(secret, now)
        if before is not None and before.uid == secret.uid and len(before.keys) < _MOST_KEYS:
            known.keys = before.keys
        known.keys.update(keys)
        self.known[secret.name.name] = known

    def settled(self, name: str, keys: Sequence[tuple[str, str]]) -> Sequence[float]:
        """Note that a Secret is as it should be for these owners' keys; return since when its pods have waited.

        What was seen meanwhile stays to be done.
        """
        pending = self.pending.get(name)
        if pending is None:
            return ()
        for key in keys:
            pending.owners.pop(key, None)
        since = list(pending.pods.values())
        pending.tries, pending.not_before = 0, 0.0
        pending.pods.clear()
        pending.is_urgent = bool(pending.owners)
        if not pending.owners:
            self._drop(name)
        return since

    def _is_full(self, name: str) -> bool:
        return name not in self.known and len(self.known.keys() | self.pending.keys()) >= MOST_SECRETS

    def _drop(self, name: str) -> None:
        self._bytes -= _size(self.pending.pop(name).secret)


def _is_owned(known: Known, pod: PodFacts) -> bool:
    return pod.key in known.keys or pod.key[0] in known.owners


def _size(secret: GeneratedSecret) -> int:
    return sum(len(name) + len(text) for name, text in secret.annotations.items())
