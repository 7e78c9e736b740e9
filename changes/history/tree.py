"""A tree of files at a commit: which field of which object of the cluster each of them writes. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from changes.history.doubts import Doubt
from changes.history.manifests import NOTHING, FileFacts, WrittenField
from review.lint.origins.placing import Placing


class Place(NamedTuple):
    """A field of an object in the cluster, as a file writes it. Empty where no file says the namespace."""

    namespace: str
    kind: str
    name: str
    group: str
    pointer: str
    form: str


class Written(NamedTuple):
    """What stands at a place."""

    references: str
    line: int
    doubt: str


# What changes most in kustomizations, and places nothing.
_PLACES_NOTHING: Final = frozenset({"images", "commonLabels", "labels", "replicas", "metadata"})


def _said(facts: FileFacts) -> list[dict[str, Any]]:
    """Return what a file says of where others' objects go, for comparison."""
    return [
        {key: value for key, value in manifest.content.items() if key not in _PLACES_NOTHING}
        for manifest in facts.placing
    ]


@dataclass(slots=True)
class Tree:
    """The files of a tree that say something, by their paths. Those that say nothing are not kept."""

    files: dict[str, FileFacts] = field(default_factory=dict)
    _placing: Placing = field(default_factory=Placing)

    def put(self, changed: Mapping[str, FileFacts]) -> set[str]:
        """Take over what files say now, and return the files that may write something else than before."""
        affected, is_moved = set(changed), False
        for file, facts in changed.items():
            before = self.files.pop(file, NOTHING)
            is_moved = is_moved or _said(before) != _said(facts)
            if facts.fields or facts.placing or facts.unread:
                self.files[file] = facts
        if is_moved:
            self._placing = Placing()
            for each in self.files.values():
                for manifest in each.placing:
                    self._placing.see(manifest)
            affected.update(file for file, each in self.files.items() if each.fields)
        return affected

    def written(self, file: str) -> dict[tuple[Place, str], Written]:
        """Return what a file writes, by place and references."""
        facts = self.files.get(file, NOTHING)
        found = [each for one in facts.fields for each in self._placed(file, one)]
        counts = Counter(place[:-1] for place, _ in found if place.pointer)
        return {
            (place, each.references): each._replace(doubt=each.doubt or Doubt.TWICE) if counts[place[:-1]] > 1 else each
            for place, each in found
        }

    def _placed(self, file: str, one: WrittenField) -> Iterator[tuple[Place, Written]]:
        name = one.object
        doubt = one.doubt
        if not doubt and self._placing.is_of_kustomize(file):
            doubt = Doubt.GENERATED
        elif not doubt and self._placing.is_changed(file):
            doubt = Doubt.CHANGED
        for namespace in sorted(self._placing.namespaces_of(file, name.namespace)):
            place = Place(namespace, name.kind, name.name, name.group, one.pointer, one.form)
            yield place, Written(one.references, one.line, doubt)
