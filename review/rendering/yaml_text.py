"""YAML, with any number of documents: values are written in double quotes, or as lines of a literal block.

Each text is replaced where libyaml's marks say that it stands. Nothing else changes: neither comments nor quotes.
Source: YAML 1.2.2, sections 7.3.1 (double-quoted) and 8.1 (block scalars).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from review.rendering import yaml_scalars
from review.rendering.pieces import NOT_IN_A_KEY, NotRendered, Piece, Problem
from review.rendering.yaml_files import LIST, MAP, Kind, kind_of
from review.sources import bounds
from review.sources.nodes import Path
from review.sources.text import Text

# What may stand before a scalar itself: its anchor, its tag, and what parts them.
_PROPERTIES: Final = re.compile(r"(?:[&!][^\s,\[\]{}]*|[ \t\r\n]+|#[^\r\n]*)*+")

# How long the paths are of keys at the top, and of those of Compose's services.
_TOP: Final = 1
_IN_A_SERVICE: Final = 3


def pieces(text: Text) -> Iterator[Piece]:
    """Yield the pieces of a text. Raises `NotRendered` for what is no YAML, or asks for too much."""
    try:
        bounds.check(text.content)
        events = list(yaml.parse(text.content, Loader=bounds.LOADER))
    except bounds.OutOfBounds as error:
        index, reason = error.index, error.reason
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        index, reason = (mark.index if mark else 0), "not YAML"
    else:
        yield from _read(text, events)
        return
    # Outside the handler, because a parser's error may quote the text and would become the context.
    raise NotRendered([Problem(text.place(index, index), reason)])


def _read(text: Text, events: list[Event]) -> Iterator[Piece]:
    walk = _Walk()
    walked = [(event, walk.see(event), walk.path, walk.document) for event in events]
    kinds = _kinds(walked)
    for event, is_key, path, document in walked:
        if isinstance(event, ScalarEvent):
            yield _scalar(text, event, kinds.get(document, Kind.OTHER), path, is_key=is_key)
        elif isinstance(event, AliasEvent):
            yield Piece(("alias", event.anchor))
        elif isinstance(event, CollectionStartEvent):
            yield Piece((type(event).__name__, event.anchor, event.tag))
        else:
            yield Piece(type(event).__name__)


def _kinds(walked: Sequence[tuple[Event, bool, Path, int]]) -> Mapping[int, Kind]:
    """Return what each document is for, by its number."""
    tops: dict[int, dict[str, str]] = {}
    of_services: dict[int, set[str]] = {}
    for event, is_key, path, document in walked:
        if len(path) == _TOP and not is_key:
            tops.setdefault(document, {}).setdefault(str(path[0]), _told(event))
        elif len(path) == _IN_A_SERVICE and path[0] == "services":
            of_services.setdefault(document, set()).add(str(path[-1]))
    return {document: kind_of(top, of_services.get(document, ())) for document, top in tops.items()}


def _told(event: Event) -> str:
    if isinstance(event, ScalarEvent):
        return event.value
    return MAP if isinstance(event, MappingStartEvent) else LIST


def _scalar(text: Text, event: ScalarEvent, kind: Kind, path: Path, *, is_key: bool) -> Piece:
    start, end = _index(event.start_mark), _index(event.end_mark)
    # A tag says what a scalar is, whatever its quotes.
    is_free = event.tag is None
    if event.anchor is not None or not is_free:
        properties = _PROPERTIES.match(text.content, start, end)
        start = properties.end() if properties else start
    of_text = ("scalar", event.anchor, event.tag, "text")
    of_number = ("scalar", event.anchor, event.tag, "plain")
    # What is written without quotes may be a number or null; a reader does not care which quotes there are.
    seen = of_number if is_free and event.implicit[0] else of_text
    write = None if kind.is_name(path) else yaml_scalars.writer(text.content[start:end], event)
    barred = NOT_IN_A_KEY if is_key else kind.bars(path, event.value)
    return Piece(
        *(seen, event.value, start, end, write, of_text, of_number if is_free else None),
        inserted=kind.inserted,
        barred=barred,
    )


def _index(mark: Any) -> int:
    return mark.index if mark is not None else 0


@dataclass(slots=True)
class _Frame:
    """A map or a list that is open, and where in it the walk is."""

    is_map: bool
    step: str | int = -1
    is_at_key: bool = False


@dataclass(slots=True)
class _Walk:
    """Follows events, and knows where each stands."""

    document: int = 0
    path: Path = ()
    _frames: list[_Frame] = field(default_factory=list)

    def see(self, event: Event) -> bool:
        """Take an event. Returns whether it is, or begins, a key."""
        if isinstance(event, DocumentStartEvent):
            self.document += 1
        if isinstance(event, CollectionEndEvent):
            self._frames.pop()
        if not isinstance(event, NodeEvent):
            self.path = ()
            return False
        frame = self._frames[-1] if self._frames else None
        if frame is None:
            self.path = ()
        elif not frame.is_map:
            frame.step = int(frame.step) + 1
        else:
            frame.is_at_key = not frame.is_at_key
            if frame.is_at_key:
                frame.step = event.value if isinstance(event, ScalarEvent) else ""
        self.path = tuple(each.step for each in self._frames)
        if isinstance(event, CollectionStartEvent):
            self._frames.append(_Frame(isinstance(event, MappingStartEvent)))
        return frame is not None and frame.is_at_key
