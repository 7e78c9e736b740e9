"""From libyaml's nodes to plain values, and back from a value's path to its place.

Values are read as kubectl reads them: texts, numbers, booleans, null, maps and lists. Merge keys (`<<`) take effect, as
there in the order in which they stand, and what is shared by an alias is shared here too.
"""

import operator
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from review.sources.bounds import LOADER
from review.sources.plain import read_key, read_long, read_plain, read_tagged

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands in a document: keys of maps and numbers in lists, from the outside in."""

_PLAIN = "plain"
_TEXT = "tag:yaml.org,2002:str"
_MERGE = "<<"
# A longer text does not come again.
_SHORT = 40


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

    # PyYAML calls these for each node. There are no resolvers by path, so they do nothing, and in C that takes less.
    descend_resolver = staticmethod(operator.is_)
    ascend_resolver = staticmethod(tuple)


ANCHOR_TWICE = "second occurrence"
"""What libyaml's composer says of an anchor that stands twice in a document. YAML allows it, and kubectl reads it."""


def composed_from_events(text: str) -> Iterator[Node]:
    """Compose the documents of a text that has such anchors: an alias means the last one before it (YAML 1.2.2, 7.1).

    Slower than libyaml's composer. The text is one that `bounds.check` let pass. Raises `yaml.YAMLError`.
    """
    anchors: dict[str, Node] = {}
    # The collections that are open, and of maps the key that waits for its value.
    open_ones: list[tuple[CollectionNode, list[Node]]] = []
    for event in yaml.parse(text, Loader=LOADER):
        # Any: PyYAML has two classes of marks, its own and libyaml's.
        node: Any
        start: Any = event.start_mark
        end: Any = event.end_mark
        match event:
            case DocumentStartEvent():
                anchors = {}
                continue
            case CollectionEndEvent():
                node, _ = open_ones.pop()
                node.end_mark = end
            case AliasEvent():
                if event.anchor not in anchors:
                    raise yaml.composer.ComposerError(None, None, "found undefined alias", start)
                node = anchors[event.anchor]
                _add(open_ones, node)
            case ScalarEvent():
                tag = event.tag if event.tag not in (None, "!") else _PLAIN if event.implicit[0] else _TEXT
                node = ScalarNode(tag, event.value, start, end, style=event.style)
                _add(open_ones, node)
            case MappingStartEvent() | SequenceStartEvent():
                make = MappingNode if isinstance(event, MappingStartEvent) else SequenceNode
                node = make(event.tag or _TEXT, [], start, end, flow_style=event.flow_style)
                _add(open_ones, node)
                open_ones.append((node, []))
            case _:
                continue
        if isinstance(event, NodeEvent) and event.anchor and not isinstance(event, AliasEvent):
            anchors[event.anchor] = node
        if not open_ones:
            yield node


def _add(open_ones: Sequence[tuple[CollectionNode, list[Node]]], node: Node) -> None:
    if not open_ones:
        return
    parent, waiting = open_ones[-1]
    if isinstance(parent, SequenceNode):
        parent.value.append(node)
    elif waiting:
        parent.value.append((waiting.pop(), node))
    else:
        waiting.append(node)


class Builder:
    """Builds the values of one document. `twice` then has the nodes of keys that stand twice in their map."""

    def __init__(self, *, has_aliases: bool) -> None:
        self.twice: list[ScalarNode] = []
        self._shared: dict[int, Any] | None = {} if has_aliases else None

    def build(self, node: Node) -> Any:
        """Return the value of a node that `bounds.check` let pass. Raises `NotAMap`."""
        if isinstance(node, ScalarNode):
            if node.tag == _PLAIN:
                text = node.value
                return read_plain(text) if len(text) <= _SHORT else read_long(text)
            return node.value if node.tag == _TEXT else read_tagged(node.value, node.tag)
        known = self._shared.get(id(node)) if self._shared else None
        if known is not None:
            return known
        built: Any = self._map(node) if isinstance(node, MappingNode) else [self.build(item) for item in node.value]
        if self._shared is not None:
            self._shared[id(node)] = built
        return built

    def _map(self, node: MappingNode) -> dict[str, Any]:
        built: dict[str, Any] = {}
        merged: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise NotAMap(key.start_mark.index)
            if key.value == _MERGE and key.tag == _PLAIN:
                for source in _sources(value):
                    members = self.build(source)
                    if isinstance(members, dict):
                        merged |= members.keys() - built.keys()
                        built.update(members)
                continue
            name = read_key(key.value) if key.tag == _PLAIN and len(key.value) <= _SHORT else key.value
            if name is None:
                raise NotAMap(key.start_mark.index)
            if name in built and name not in merged:
                self.twice.append(key)
            merged.discard(name)
            built[name] = self.build(value)
        return built


def key_text(key: Node) -> str | None:
    """Return the text that a key is; None for one that Kubernetes refuses."""
    return read_key(key.value) if key.tag == _PLAIN and len(key.value) <= _SHORT else str(key.value)


def _sources(value: Node) -> Sequence[Node]:
    """Return what a merge key brings in, what counts most last."""
    return list(reversed(value.value)) if isinstance(value, SequenceNode) else [value]


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
        # Of two equal keys the last one counts, also of those that are merged in.
        members: dict[str, Found] = {}
        for key, value in node.value:
            if key.value == _MERGE and key.tag == _PLAIN:
                for source in _sources(value):
                    members.update(self._members_of(source) if isinstance(source, MappingNode) else {})
            else:
                members[key_text(key) or ""] = (key, value)
        self._members[id(node)] = members
        return members


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
            here = (*path, key_text(key) or "")
            if id(key) in ids:
                yield here, key
            waiting.append((here, value))
