"""YAML (1.1, as Kubernetes reads it) from people who may mean harm: bounded, and without two meanings.

A few hundred bytes of aliases can stand for more values than fit into any memory, or for one that holds itself; enough
brackets exhaust the stack of every parser; and of two equal keys readers take the first or the last.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
)

from resolver.references.jsontext import MAX_DEPTH

# For all documents of a text together. An alias counts as everything it stands for, and a long text as several values.
MAX_VALUES = 500_000
_CHARACTERS_OF_A_VALUE = 64
# Python refuses to print integers of some thousand digits.
_MOST_DIGITS = 1000
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# kubectl reads dates and "=" as text.
_NOT_OF_KUBERNETES = frozenset({"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"})
# PyYAML raises some of these if a tag does not fit its value, such as `!!bool maybe`.
_UNREADABLE = (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


class _Loader(_BASE):  # type: ignore[misc]  # which of the two it is, is known at run time
    yaml_implicit_resolvers = {  # noqa: RUF012 - how PyYAML has it
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _NOT_OF_KUBERNETES]
        for first, resolvers in _BASE.yaml_implicit_resolvers.items()
    }


def _number(of_yaml: Callable[[Any, yaml.Node], object]) -> Callable[[Any, yaml.Node], object]:
    """Return what makes a number, and leaves as text what Kubernetes reads so, or what nobody writes as a number.

    Of YAML 1.1's numbers to the base 60 (1:30:00), one of a megabyte would take a minute to make.
    """

    def make(loader: Any, node: yaml.Node) -> object:
        text = loader.construct_scalar(node)
        return text if ":" in text or len(text) > _MOST_DIGITS else of_yaml(loader, node)

    return make


_Loader.add_constructor("tag:yaml.org,2002:int", _number(_BASE.construct_yaml_int))
_Loader.add_constructor("tag:yaml.org,2002:float", _number(_BASE.construct_yaml_float))


class YamlTextError(ValueError):
    """A text that is refused. Says why and where, and contains nothing of the text."""


class NotYaml(YamlTextError):
    """A text that is not YAML at all. `where` is a blank with line and column in brackets, or empty."""

    def __init__(self, where: str) -> None:
        super().__init__(f"not YAML{where}")
        self.where = where


def parse(content: bytes) -> Sequence[Any]:
    """Return the documents of a text, None for an empty one.

    Raises `YamlTextError` for what is no YAML, holds more than `MAX_VALUES` values or more than `MAX_DEPTH` levels,
    refers to itself, or has a key twice.
    """
    try:
        _check(content)
        return list(yaml.load_all(content, Loader=_Loader))
    except YamlTextError:
        raise
    except _UNREADABLE as error:
        where = _where(getattr(error, "problem_mark", None))
    # Outside the handler, because a parser's error quotes the text and would become the context.
    raise NotYaml(where)


@dataclass(slots=True)
class _Collection:
    anchor: str | None
    # None for a sequence.
    keys: set[str] | None
    values: int = 1
    awaits_key: bool = True


@dataclass(slots=True)
class _Check:
    """Follows the events of a text, of which nothing is built yet.

    libyaml's composer would run out of stack, and the process end with it.
    """

    open: list[_Collection] = field(default_factory=list)
    # How many values each anchor stands for; None while its value is still open.
    anchors: dict[str, int | None] = field(default_factory=dict)
    total: int = 0

    def see(self, event: Event) -> None:
        match event:
            case DocumentStartEvent():
                self.anchors = {}
            case CollectionStartEvent():
                self._count(event)
                self._begin(event)
            case CollectionEndEvent():
                self._end()
            case ScalarEvent():
                values = 1 + len(event.value) // _CHARACTERS_OF_A_VALUE
                self._count(event, values)
                if event.anchor:
                    self.anchors[event.anchor] = values
            case AliasEvent():
                stands_for = self.anchors.get(event.anchor or "", 1)
                if stands_for is None:
                    raise YamlTextError(f"a value that holds itself{_where(event.start_mark)}")
                self._count(event, stands_for)

    def _begin(self, event: CollectionStartEvent) -> None:
        if len(self.open) == MAX_DEPTH:
            raise YamlTextError(f"nested more than {MAX_DEPTH} levels deep")
        self.open.append(_Collection(event.anchor, set() if isinstance(event, MappingStartEvent) else None))
        if event.anchor:
            self.anchors[event.anchor] = None

    def _end(self) -> None:
        ended = self.open.pop()
        if ended.anchor:
            self.anchors[ended.anchor] = ended.values
        if self.open:
            self.open[-1].values += ended.values - 1  # counted as one when it began

    def _count(self, event: Event, values: int = 1) -> None:
        self.total += values
        if self.total > MAX_VALUES:
            raise YamlTextError(f"more than {MAX_VALUES:,} values, or as much text, with what aliases stand for")
        if not self.open:
            return
        holder = self.open[-1]
        holder.values += values
        if holder.keys is None:
            return
        if holder.awaits_key:
            if not isinstance(event, ScalarEvent):
                raise NotYaml(_where(event.start_mark))  # as Kubernetes has it; `{{` of a template looks so
            if event.value in holder.keys:
                raise YamlTextError(f"a key that stands twice{_where(event.start_mark)}")
            holder.keys.add(event.value)
        holder.awaits_key = not holder.awaits_key


def _check(content: bytes) -> None:
    check = _Check()
    for event in yaml.parse(content, Loader=_BASE):
        check.see(event)


def _where(mark: Any) -> str:
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
