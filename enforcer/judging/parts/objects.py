"""The objects of all namespaces, for judges: each as facts, or as not checked where nothing is known."""

from collections.abc import Iterator

from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterObject, Unread, Writer
from enforcer.facts.inventory import Inventory
from enforcer.judging.answers import NotChecked, section_not_known
from review.findings.finding import ObjectName

_DATA = "/data/"


def objects(inventory: Inventory, kind: str = "") -> Iterator[ClusterObject | NotChecked]:
    """Yield the objects of each namespace in order, and what could not be looked at; of one core kind, if given."""

    def counts(one: ClusterObject | Unread) -> bool:
        return not kind or (one.group, one.kind) == ("", kind)

    if isinstance(inventory.cluster, NotKnown):
        yield section_not_known("cluster", inventory.cluster)
        return
    for namespace in inventory.cluster.namespaces:
        about = ObjectName("", "Namespace", "", namespace.name)
        if isinstance(namespace.objects, NotKnown):
            yield NotChecked(about, namespace.objects.not_known)
            continue
        yield from filter(counts, namespace.objects)
        for unread in filter(counts, namespace.unread):
            if unread.name:
                named = ObjectName(unread.group, unread.kind, namespace.name, unread.name)
                yield NotChecked(named, unread.not_known)
            else:
                yield NotChecked(about, f"all objects of the kind {unread.kind}: {unread.not_known}")


def named(one: ClusterObject) -> ObjectName:
    """Return the name of an object, for answers about it."""
    return ObjectName(one.group, one.kind, one.namespace, one.name)


def key_of(pointer: str) -> str | None:
    """Return the key of `data` that a JSON Pointer leads to; None for any other place."""
    # RFC 6901, section 4.
    return pointer.removeprefix(_DATA).replace("~1", "/").replace("~0", "~") if pointer.startswith(_DATA) else None


def last_writer(one: ClusterObject, key: str) -> Writer | None:
    """Return who wrote a key of `data` last, as far as managedFields say it."""
    found = [writer for writer in one.writers or () if key in writer.keys]
    return max(
        found, key=lambda writer: (writer.time.timestamp() if writer.time else 0.0, writer.manager), default=None
    )
