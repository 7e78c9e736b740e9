"""What a text of YAML may ask of this process before any of it is built.

A few hundred bytes of aliases can stand for more values than fit into any memory, or for one that holds itself, and
libyaml's composer goes down one call for each bracket. Ordinary texts can do neither, and one search shows it.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, DocumentStartEvent, Event, ScalarEvent

MOST_LEVELS: Final = 100
"""How many levels of maps and lists a document may have."""
MOST_VALUES: Final = 500_000
"""How many values a text may hold, with what its aliases stand for. A long text counts as several."""
_CHARACTERS_OF_A_VALUE = 64
# A character can begin at most one value, so a shorter text cannot have too many.
_SMALL_CHARACTERS = 256 * 1024
# A level of block style needs a blank or an indicator in front of its line; two levels can share one.
_DEEP_BLOCK = re.compile(rf"^[ \t?:-]{{{MOST_LEVELS // 4}}}", re.MULTILINE)
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class OutOfBounds(ValueError):
    """A text that asks for too much. Says why; `index` is the character where that shows."""

    def __init__(self, reason: str, index: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.index = index


def check(text: str) -> None:
    """Raise `OutOfBounds` if a text is too deep, has too many values, or a value that holds itself.

    What is no YAML is left to its parser, and may raise `yaml.YAMLError`.
    """
    if _is_ordinary(text):
        return
    measure = _Measure()
    for event in yaml.parse(text, Loader=LOADER):
        measure.see(event)


def _is_ordinary(text: str) -> bool:
    brackets = text.count("[") + text.count("{")
    return (
        len(text) < _SMALL_CHARACTERS
        and brackets < MOST_LEVELS // 2
        and not ("*" in text and "&" in text)
        and _DEEP_BLOCK.search(text) is None
    )


def _index(event: Event) -> int:
    return event.start_mark.index if event.start_mark is not None else 0


@dataclass(slots=True)
class _Collection:
    anchor: str | None
    values: int = 1


@dataclass(slots=True)
class _Measure:
    """Follows the events of a text."""

    open: list[_Collection] = field(default_factory=list)
    # How many values each anchor stands for; None while its value is still open.
    anchors: dict[str, int | None] = field(default_factory=dict)
    total: int = 0

    def see(self, event: Event) -> None:
        match event:
            case ScalarEvent():
                values = 1 + len(event.value) // _CHARACTERS_OF_A_VALUE
                self._count(event, values)
                if event.anchor:
                    self.anchors[event.anchor] = values
            case CollectionStartEvent():
                self._count(event, 1)
                self._begin(event)
            case CollectionEndEvent():
                self._end()
            case AliasEvent():
                stands_for = self.anchors.get(event.anchor or "", 1)
                if stands_for is None:
                    raise OutOfBounds("a value that holds itself", _index(event))
                self._count(event, stands_for)
            case DocumentStartEvent():
                self.anchors = {}

    def _begin(self, event: CollectionStartEvent) -> None:
        if len(self.open) == MOST_LEVELS:
            raise OutOfBounds(f"nested more than {MOST_LEVELS} levels deep", _index(event))
        self.open.append(_Collection(event.anchor))
        if event.anchor:
            self.anchors[event.anchor] = None

    def _end(self) -> None:
        ended = self.open.pop()
        if ended.anchor:
            self.anchors[ended.anchor] = ended.values
        if self.open:
            self.open[-1].values += ended.values - 1  # counted as one when it began

    def _count(self, event: Event, values: int) -> None:
        self.total += values
        if self.total > MOST_VALUES:
            reason = f"more than {MOST_VALUES:,} values, or as much text, with what aliases stand for"
            raise OutOfBounds(reason, _index(event))
        if self.open:
            self.open[-1].values += values
