"""Which paths of Vault are used, as far as the inventory says it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from enforcer.facts.base import NotKnown, is_known
from enforcer.facts.cluster import Namespace
from enforcer.facts.inventory import Inventory
from enforcer.facts.vault import split
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import parse_reference

# References of a field, as `manifests.following.followed.told` joins them.
_BETWEEN: Final = re.compile(r", (?=vault(?:\+[a-z0-9-]+)?:)")
_PREFIX: Final = re.compile(r"vault(?:\+[a-z0-9-]+)?:")


@dataclass(slots=True)
class Uses:
    """The paths that namespaces use: those of records and annotations in the cluster, of Git, and of the trail.

    `unknown` says of a namespace why more may be used than is known. `looked_at` has where was looked, for messages.
    """

    looked_at: list[str] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)
    _of: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    _anywhere: dict[str, set[str]] = field(default_factory=dict)

    def paths(self, namespace: str, connection: str) -> set[str]:
        """Return the paths that a namespace uses at a connection, or may use."""
        return self._of.get((namespace, connection), set()) | self._anywhere.get(connection, set())

    def add(self, namespace: str, references: Iterable[str]) -> None:
        """Add references. `namespace` is empty if nobody knows where they will be."""
        for connection, path in map(_place, references):
            if path and namespace:
                self._of.setdefault((namespace, connection), set()).add(path)
            elif path:
                self._anywhere.setdefault(connection, set()).add(path)

    def add_names(self, namespace: str, names: Iterable[str]) -> None:
        """Add names such as those of `FilledField.versions`."""
        for connection, path in map(split, names):
            self._of.setdefault((namespace, connection), set()).add(path)


def now(inventory: Inventory) -> datetime:
    """Return the time at which the facts were what they are."""
    return inventory.ended or inventory.started


def used(inventory: Inventory, days: int) -> Uses:
    """Return what is used now, or was within so many days. The cluster has to be known."""
    uses = Uses()
    for namespace in inventory.cluster.namespaces if is_known(inventory.cluster) else ():
        _add_namespace(uses, namespace)
    uses.looked_at.append("the cluster")
    if is_known(inventory.git) and not isinstance(inventory.git.objects, NotKnown):
        uses.looked_at.append("the manifests")
        for thing in inventory.git.objects:
            uses.add(thing.namespace, (each for one in thing.fields for each in one.references))
    trail = inventory.trail
    if is_known(trail):
        uses.looked_at.append(f"the trail of {days} days")
        since = now(inventory) - timedelta(days=days)
        for each in trail.used:
            if each.last >= since:
                uses.add(each.namespace, _BETWEEN.split(each.reference))
        if trail.left_out and is_known(inventory.cluster):
            why = "the trail has more references than were counted"
            uses.unknown = {one.name: why for one in inventory.cluster.namespaces} | uses.unknown
    return uses


def _add_namespace(uses: Uses, namespace: Namespace) -> None:
    if isinstance(namespace.objects, NotKnown):
        uses.unknown[namespace.name] = f"the objects of {namespace.name} are not known: {namespace.objects.not_known}"
        return
    if namespace.unread:
        why = namespace.unread[0]
        uses.unknown[namespace.name] = f"{why.kind} {why.name or 'objects'} in {namespace.name}: {why.not_known}"
    for each in namespace.objects:
        for filled in each.fields:
            uses.add_names(namespace.name, filled.versions)
        for wanted in each.wants.values():
            uses.add(namespace.name, _BETWEEN.split(wanted))


def _place(reference: str) -> tuple[str, str]:
    """Return the connection and the path of a reference, or of a whole secret; no path if it cannot be read."""
    place = reference.partition("#")[0]
    try:
        found = parse_reference(f"{place if _PREFIX.match(place) else f'vault:{place}'}#any")
    except ReferenceSyntaxError:
        return "", ""
    return found.connection, found.path


def is_used(uses: Uses, connection: str, namespaces: Iterable[str]) -> bool:
    """Whether one of these namespaces uses a connection at all."""
    return any(uses.paths(namespace, connection) for namespace in namespaces)


def shown(names: Iterable[str], most: int = 3) -> str:
    """Return names for a message, not too many."""
    return ", ".join(_few(list(names), most))


def _few(names: list[str], most: int) -> Iterator[str]:
    yield from names[:most]
    if len(names) > most:
        yield f"and {len(names) - most} more"
