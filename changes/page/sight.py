"""Which namespaces somebody sees. Every view asks this, and nothing else, before it asks the index."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, replace

from changes import answers
from changes.access.viewer import Viewer
from changes.wanted import Wanted


class NotThere(Exception):
    """There is no such thing, or none that whoever asks may see: nobody can tell which."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Somebody's view of an index. All of it may raise `NotKnownNow`."""

    viewer: Viewer
    database: sqlite3.Connection

    def of_all(self) -> Collection[str] | None:
        """Return the namespaces of the index that they may see; None for all."""
        return self.viewer.visible(answers.namespaces(self.database))

    def of_one(self, namespace: str) -> Collection[str] | None:
        """Return the same for one namespace, whether the index has it or not. Raises `NotThere`."""
        visible = self.viewer.visible([namespace])
        if visible is not None and namespace not in visible:
            raise NotThere
        return None if visible is None else [namespace]

    def within(self, wanted: Wanted) -> Wanted:
        """Return what is wanted, within what they may see. One namespace is asked about alone."""
        if not wanted.namespace:
            return replace(wanted, namespaces=self.of_all())
        try:
            return replace(wanted, namespaces=self.of_one(wanted.namespace))
        except NotThere:
            return replace(wanted, namespaces=())
