"""Who owns the Secret behind the variables of a pod: what keeps the pod's template alive, so that both go together.

| the pod's controller      | the owner                                                                       |
|---------------------------|---------------------------------------------------------------------------------|
| a ReplicaSet              | that ReplicaSet, whatever owns it                                               |
| a StatefulSet, DaemonSet  | the ControllerRevision that the pod's label names; without one, the controller  |
| a Job                     | its CronJob, else the Job                                                       |
| anything else             | that                                                                            |
| none                      | the pod                                                                         |

Kubernetes' garbage collector takes the last owner's dependents away, so `revisionHistoryLimit` decides how far a
rollback finds its Secret. Source: Kubernetes, *Owners and Dependents* and *Garbage Collection*. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

REVISION_LABEL: Final = "controller-revision-hash"
"""The label of a pod by which StatefulSets and DaemonSets say of which revision it is (apps/v1)."""

MOST_OWNERS: Final = 200
"""So many owners a Secret has at most: bare pods of one template own it one by one, and there may be thousands."""


@dataclass(frozen=True, slots=True)
class OwnerReference:
    """An entry of `metadata.ownerReferences`, without a claim to be the controller or to hold a deletion back."""

    api_version: str
    kind: str
    name: str
    uid: str

    @property
    def group(self) -> str:
        """The API group; "" for the core one."""
        group, slash, _ = self.api_version.rpartition("/")
        return group if slash else ""

    def document(self) -> Mapping[str, str]:
        """Return the entry as the API server takes it."""
        return {"apiVersion": self.api_version, "kind": self.kind, "name": self.name, "uid": self.uid}


@dataclass(frozen=True, slots=True)
class PodFacts:
    """What of a pod decides about the owner: itself, its controller, and the revision of its template."""

    itself: OwnerReference
    controller: OwnerReference | None
    revision: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What pods of one owner have in common, before anything is read: the controller's uid and the revision."""
        return (self.controller.uid, self.revision) if self.controller else (self.itself.uid, "")

    @property
    def maker(self) -> OwnerReference:
        """What made the pod, which is where people look first when it does not start."""
        return self.controller or self.itself


@dataclass(frozen=True, slots=True)
class Sought:
    """An object of the pod's namespace that has to be read before the owner is known."""

    group: str
    version: str
    kind: str
    plural: str
    name: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was read. `controller` is the object's own, `is_going` says that it is being deleted."""

    uid: str
    is_going: bool = False
    controller: OwnerReference | None = None


class NoOwner(ValueError):
    """Nothing keeps the pod: what owns it is gone or going, so the pod goes too."""


_SETS: Final = frozenset({"StatefulSet", "DaemonSet"})


def sought(pod: PodFacts) -> Sought | None:
    """Return what has to be read to know the owner; None if the pod's metadata is enough."""
    controller = pod.controller
    if controller is None:
        return None
    match controller.group, controller.kind:
        case "apps", "ReplicaSet":
            return Sought("apps", "v1", "ReplicaSet", "replicasets", controller.name)
        case "apps", kind if kind in _SETS and pod.revision:
            # A StatefulSet writes the name of the revision into the label, a DaemonSet only its hash.
            name = pod.revision if kind == "StatefulSet" else f"{controller.name}-{pod.revision}"
            return Sought("apps", "v1", "ControllerRevision", "controllerrevisions", name)
        case "batch", "Job":
            return Sought("batch", "v1", "Job", "jobs", controller.name)
    return None


def owner(pod: PodFacts, found: Found | None) -> OwnerReference:
    """Return the owner. `found` is what `sought` asked for; None if there was nothing to ask, or it does not exist.

    What a pod says of itself is its author's to write. So an object that was read counts only if it is the one with the
    uid that the pod names, and a revision only if the pod's controller is its own. Raises `NoOwner`.
    """
    controller = pod.controller
    if controller is None:
        return pod.itself
    wanted = sought(pod)
    if wanted is None:
        return controller
    if wanted.kind == "ControllerRevision":
        if found is None or found.controller is None or found.controller.uid != controller.uid:
            # A label that names nobody's revision, or another one's. The controller outlives all of its revisions.
            return controller
        _check_stays(wanted, found)
        return OwnerReference("apps/v1", wanted.kind, wanted.name, found.uid)
    if found is None or found.uid != controller.uid:
        raise NoOwner(f"{wanted.kind} {wanted.name} is gone")
    _check_stays(wanted, found)
    is_of_a_cron_job = found.controller is not None and (found.controller.group, found.controller.kind) == (
        "batch",
        "CronJob",
    )
    return found.controller if wanted.kind == "Job" and is_of_a_cron_job and found.controller else controller


def merged(present: Iterable[OwnerReference], further: Iterable[OwnerReference]) -> Sequence[OwnerReference] | None:
    """Return the owners that are there and those that come; None if that is no change, or there are too many."""
    owners = {each.uid: each for each in present}
    before = len(owners)
    for each in further:
        if len(owners) >= MOST_OWNERS:
            break
        owners.setdefault(each.uid, each)
    return list(owners.values()) if len(owners) > before else None


def _check_stays(wanted: Sought, found: Found) -> None:
    if found.is_going:
        raise NoOwner(f"{wanted.kind} {wanted.name} is being deleted")
