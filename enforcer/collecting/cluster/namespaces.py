"""One namespace as facts: its objects as the tenant's own account sees them, and whether their records are proved.

The objects are looked at while they are listed: only a page of them is held at a time. What is kept of them is bounded,
as anybody who may write an object may fill its annotations, and the run goes through all namespaces.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from enforcer.collecting.cluster.object_facts import cluster_object, references, size_bytes
from enforcer.collecting.cluster.pace import CALL_SECONDS, GivenUp, Pace
from enforcer.collecting.cluster.proving import proved, tried
from enforcer.collecting.refusals import refused
from enforcer.collecting.run import Run, Stopped
from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterObject, Namespace, Unread
from kube.checking.described import Described, described
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.metadata_pages import Oversized
from kube.namespaces import VARIABLES_LABEL
from kube.objects import Metadata
from kube.objects_of import resource_of
from kube.tenant_clients import TenantApi, TenantClients
from manifests.kinds.codec import Codec
from manifests.kinds.known import Kinds
from manifests.kinds.secret import SECRET
from resolver.identity import RECONCILER

MOST_BYTES: Final = 8 * 1024 * 1024
"""How much of a namespace's texts is kept. An ordinary object takes one or two thousand bytes."""
MOST_OF_ALL: Final = 64 * 1024 * 1024
MOST_REFERENCES: Final = 20_000
"""How many references of a namespace are read: those of a forged record take a third of a second."""


class Room:
    """What may be kept of all namespaces together. Threads share it."""

    def __init__(self, most: int = MOST_OF_ALL) -> None:
        self._left = most
        self._lock = threading.Lock()

    def take(self, amount: int) -> bool:
        """Return whether there is room for so many bytes more, and take it."""
        with self._lock:
            if amount > self._left:
                return False
            self._left -= amount
            return True


@dataclass(frozen=True, slots=True)
class Looking:
    """What looking at a namespace takes. Threads share it.

    `lists` paces tokens and lists of Secrets, `trials` dry runs, and `listed` the lists of each other kind: one that is
    broken by itself, as its conversion webhook is away, keeps nothing else back. `may_look` asks whether the bundle of
    a namespace lets this account in; it raises the errors of `kube`.
    """

    run: Run
    clients: TenantClients
    kinds: Kinds
    lists: Pace
    trials: Pace
    room: Room
    may_look: Callable[[str], bool]
    listed: Mapping[Codec, Pace]


@dataclass(slots=True)
class _Found:
    objects: list[ClusterObject] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    size_bytes: int = 0
    references: int = 0


def looked_at(looking: Looking, metadata: Metadata) -> Namespace:
    """Return a namespace as facts. Never raises for what servers do; once the run has to end, the rest is not known."""
    name = metadata.name.name
    try:
        tenant = looking.lists.ask(lambda: looking.clients.acting_as(RECONCILER, name, CALL_SECONDS))
    except (KubernetesError, KubernetesUnavailable) as error:
        right = f"create tokens of {name}/{RECONCILER} (the bundle of `keyhole tenant {name} --enforcer` gives it)"
        return _namespace(metadata, refused(error, right), ())
    except (GivenUp, Stopped) as ended:
        return _namespace(metadata, NotKnown(not_known=ended.reason), ())
    found = _Found()
    for codec in looking.kinds:
        why = _list(looking, tenant, codec, found)
        if why is not None:
            found.unread.append(Unread(group=codec.group, kind=codec.kind, not_known=why.not_known))
    objects = tuple(sorted(found.objects, key=lambda one: (one.group, one.kind, one.name)))
    return _namespace(metadata, objects, found.unread)


def looked_at_without_label(looking: Looking, metadata: Metadata) -> Namespace | None:
    """Return a namespace that did not opt in, if it has the bundle and objects that refer to Vault; else None.

    One without the bundle is none of Keyhole's, and nothing is claimed of it. One that has it, or may have it, and
    could not be looked at is there with the reason. Never raises for what servers do.
    """
    name = metadata.name.name
    try:
        if not looking.lists.ask(lambda: looking.may_look(name)) or _is_bare(looking, name):
            return None
    except (KubernetesError, KubernetesUnavailable) as error:
        return not_looked_at(metadata, refused(error, f"ask whether it may look into {name}"), enabled=False)
    except (GivenUp, Stopped) as ended:
        return not_looked_at(metadata, NotKnown(not_known=ended.reason), enabled=False)
    found = looked_at(looking, metadata)
    if isinstance(found.objects, NotKnown):
        return found.model_copy(update={"enabled": False})
    concerned = tuple(one for one in found.objects if _concerns_keyhole(one))
    if not concerned and not found.unread:
        return None
    return found.model_copy(update={"enabled": False, "objects": concerned})


def _is_bare(looking: Looking, namespace: str) -> bool:
    """Tell whether a namespace surely lacks the bundle's account: an administrator may look everywhere, also there."""
    try:
        looking.lists.ask(lambda: looking.clients.acting_as(RECONCILER, namespace, CALL_SECONDS))
    except KubernetesError as error:
        return error.status == HTTPStatus.NOT_FOUND
    except (KubernetesUnavailable, GivenUp, Stopped):
        return False  # looked_at tells why
    return False


def not_looked_at(metadata: Metadata, why: NotKnown, *, enabled: bool = True) -> Namespace:
    """Return a namespace that nobody looked into."""
    return _namespace(metadata, why, ()).model_copy(update={"enabled": enabled})


def _namespace(
    metadata: Metadata, objects: tuple[ClusterObject, ...] | NotKnown, unread: "list[Unread] | tuple[()]"
) -> Namespace:
    labels = dict(sorted(metadata.labels.items()))
    return Namespace(
        name=metadata.name.name,
        enabled=True,
        variables=labels.get(VARIABLES_LABEL) == "true",
        objects=objects,
        unread=tuple(unread),
        labels=labels,
    )


def _list(looking: Looking, tenant: TenantApi, codec: Codec, found: _Found) -> NotKnown | None:
    """Add the objects of a kind to what was found. Returns why that is not all of them, or None."""
    try:
        pace = looking.listed.get(codec, looking.lists)
        for one in described(tenant.of(resource_of(codec)), tenant.namespace, CALL_SECONDS, pace.ask):
            if isinstance(one, Oversized):
                found.unread.append(
                    Unread(group=codec.group, kind=codec.kind, name=one.name, not_known="its metadata is too large")
                )
            else:
                _add(looking, tenant, codec, one, found)
    except (KubernetesError, KubernetesUnavailable) as error:
        if codec.is_listed and isinstance(error, KubernetesError) and error.status == HTTPStatus.NOT_FOUND:
            # A kind that the cluster does not know has no objects.
            return None
        return refused(error, f"list {codec.resource} in {tenant.namespace} (the bundle of `keyhole tenant` gives it)")
    except (GivenUp, Stopped) as ended:
        return NotKnown(not_known=ended.reason)
    return None


def _add(looking: Looking, tenant: TenantApi, codec: Codec, one: Described, found: _Found) -> None:
    name = one.metadata.name.name

    def unread(why: str) -> None:
        found.unread.append(Unread(group=codec.group, kind=codec.kind, name=name, not_known=why))

    if found.references > MOST_REFERENCES:
        unread("the namespace has more references than are looked at")
        return
    facts = cluster_object(codec, one)
    if not _is_of_interest(codec, facts):
        return
    amount = size_bytes(facts)
    found.references += references(facts)
    if found.size_bytes + amount > MOST_BYTES or not looking.room.take(amount):
        unread("there is more text in the metadata of the namespace's objects than can be kept")
        return
    found.size_bytes += amount
    if facts.record and one.metadata.is_going:
        facts = facts.model_copy(update={"proof": NotKnown(not_known="it is being deleted")})
    elif facts.record:
        try:
            tried_facts = proved(tenant, looking.trials, tried(codec, facts, one.metadata.annotations))
        except Stopped as stopped:
            tried_facts = facts.model_copy(update={"proof": NotKnown(not_known=stopped.reason)})
        if tried_facts is None:
            return
        facts = tried_facts
    found.objects.append(facts)


def _is_of_interest(codec: Codec, facts: ClusterObject) -> bool:
    """Whether an object is kept: each Secret, and of other kinds those that have to do with Keyhole."""
    return codec is SECRET or _concerns_keyhole(facts)


def _concerns_keyhole(facts: ClusterObject) -> bool:
    return facts.record or bool(facts.wants or facts.unfilled or facts.malformed or facts.unknown)
