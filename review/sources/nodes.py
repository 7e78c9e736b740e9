"""From libyaml's nodes to plain values, and back from a value's path to its place.

Values are read as kubectl reads them, as far as review needs: texts, numbers, booleans, null, maps and lists. Merge
keys (`<<`) take effect, and what is shared by an alias is shared here too.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from review.sources.bounds import LOADER

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands in a document: keys of maps and numbers in lists, from the outside in."""

_PLAIN = "plain"
_TEXT = "tag:yaml.org,2002:str"
_MERGE = "<<"
_LONGEST_NUMBER = 40
_RESOLVER = yaml.resolver.Resolver()
_NUMBERS = {"tag:yaml.org,2002:int": int, "tag:yaml.org,2002:float": float}
_TRUE = frozenset({"y", "yes", "true", "on"})


class NotAMap(ValueError):
    """A key that is no text, which Kubernetes refuses. In a template `{{` looks so. `index` is where it stands."""

    def __init__(self, index: int) -> None:
        super().__init__("a key that is no text")
        self.index = index


class Composer(LOADER):  # type: ignore[misc]  # which of PyYAML's two it is, is known at run time
    """Composes nodes, and leaves open what plain scalars are: most are never asked."""

    def resolve(self, kind: type[Node], value: str | None, implicit: Any) -> str:  # noqa: ARG002 - PyYAML's signature
        """Return a mark for a plain scalar, or the tag of a text (PyYAML's hook)."""
        return _PLAIN if value is not None and implicit[0] else _TEXT

    def descend_resolver(self, current_node: Node | None, current_index: Any) -> None:
        """Do nothing: there are no resolvers by path (PyYAML's hook)."""

    def ascend_resolver(self) -> None:
        """Do nothing, as above."""


class Builder:
    """Builds the values of one document. `twice` then has the nodes of keys that stand twice in their map."""

    def __init__(self, *, has_aliases: bool) -> None:
        self.twice: list[ScalarNode] = []
        self._shared: dict[int, Any] | None = {} if has_aliases else None

    def build(self, node: Node) -> Any:
        """Return the value of a node that `bounds.check` let pass. Raises `NotAMap`."""
        if isinstance(node, ScalarNode):
            return node.value if node.tag != _PLAIN else read_plain(node.value)
        known = self._shared.get(id(node)) if self._shared else None
        if known is not None:
            return known
        built: Any = self._map(node) if isinstance(node, MappingNode) else [self.build(item) for item in node.value]
        if self._shared is not None:
            self._shared[id(node)] = built
        return built

    def _map(self, node: MappingNode) -> dict[str, Any]:
        built: dict[str, Any] = {}
        merged: list[Node] = []
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise NotAMap(key.start_mark.index)
            name = key.value
            if name == _MERGE and key.tag == _PLAIN:
                merged.append(value)
                continue
            if name in built:
                self.twice.append(key)
            built[name] = self.build(value)
        for value in merged:
            for source in value.value if isinstance(value, SequenceNode) else [value]:
                members = self.build(source)
                if isinstance(members, dict):
                    built = {**members, **built}
        return built


Found: TypeAlias = tuple[ScalarNode | None, Node]
"""A node, and its key if it is of a map."""


class Finder:
    """Finds nodes of one document by their paths, each step in the same time, however large the map is."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self._members: dict[int, dict[str, Found]] = {}

    def find(self, path: Sequence[str | int]) -> Found:
        """Follow a path as far as it leads, and return where that is."""
        key: ScalarNode | None = None
        node = self.root
        for step in path:
            found = self._step(node, step)
            if found is None:
                break
            key, node = found
        return key, node

    def _step(self, node: Node, step: str | int) -> Found | None:
        if isinstance(node, SequenceNode):
            fits = isinstance(step, int) and step < len(node.value)
            return (None, node.value[step]) if fits else None
        return self._members_of(node).get(str(step)) if isinstance(node, MappingNode) else None

    def _members_of(self, node: MappingNode) -> dict[str, Found]:
        known = self._members.get(id(node))
        if known is not None:
            return known
        # Of two equal keys the last one counts, and each counts more than what is merged in.
        own: dict[str, Found] = {str(key.value): (key, value) for key, value in node.value}
        merged = own.get(_MERGE)
        for source in _merged(merged[1]) if merged else ():
            own = {**self._members_of(source), **own}
        self._members[id(node)] = own
        return own


def _merged(value: Node) -> list[MappingNode]:
    nodes = value.value if isinstance(value, SequenceNode) else [value]
    return [node for node in nodes if isinstance(node, MappingNode)]


def paths_to(node: Node, wanted: Sequence[ScalarNode]) -> Iterator[tuple[Path, ScalarNode]]:
    """Yield the path of each of the wanted keys."""
    ids = {id(key) for key in wanted}
    waiting: list[tuple[Path, Node]] = [((), node)]
    seen: set[int] = set()
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, ScalarNode) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, SequenceNode):
            waiting.extend(((*path, number), item) for number, item in enumerate(node.value))
            continue
        for key, value in node.value:
            here = (*path, str(key.value))
            if id(key) in ids:
                yield here, key
            waiting.append((here, value))


def read_plain(text: str) -> Any:
    """Return what a scalar without quotes means."""
    return _short(text) if len(text) <= _LONGEST_NUMBER else text


@lru_cache(maxsize=8192)
def _short(text: str) -> Any:
    tag = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    if tag == "tag:yaml.org,2002:null":
        return None
    if tag == "tag:yaml.org,2002:bool":
        return text.lower() in _TRUE
    make = _NUMBERS.get(tag)
    if make is None or ":" in text:  # kubectl reads 1:30 as text
        return text
    try:
        return make(text.replace("_", ""))
    except ValueError:
        return 0  # a number in another base: its worth does not matter here, its type does
