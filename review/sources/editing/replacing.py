"""A document that becomes another one as a whole, with the comments of the old one above it."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from yaml.nodes import MappingNode, Node, ScalarNode

from review.sources.editing import scalars
from review.sources.stream import Document

_COMMENT: Final = re.compile(r"(?:^|(?<=[ \t]))#[^\r\n]*", re.MULTILINE)
_MARKER: Final = re.compile(r"---[^\r\n]*(?:\r?\n|\Z)")


def replaced(document: Document, content: Any) -> str:
    """Return a document's text with other content: what stood above it, its own comments, and the new content."""
    root, raw = document.root, document.raw
    if raw.lstrip().startswith(("{", "[")):
        ending = raw[len(raw.rstrip()) :]
        return json.dumps(content, indent=2, ensure_ascii=False) + ending
    start = raw.rfind("\n", 0, root.start_mark.index) + 1 if root is not None else len(raw)
    newline = "\r\n" if "\r\n" in raw else "\n"
    above = raw[:start]
    if not start and (marker := _MARKER.match(raw)):
        # The content began on the line of the marker.
        above = f"---{newline}" if marker else ""
    comments = "".join(f"{comment}{newline}" for comment in _comments(raw, start, root))
    text = scalars.document(content).replace("\n", newline)
    ends_open = not raw.endswith("\n")
    return f"{above}{comments}{text.removesuffix(newline) if ends_open else text}"


def _comments(raw: str, start: int, root: Node | None) -> Iterator[str]:
    """Yield the comments from an index on, those within texts apart."""
    spans = sorted(_texts(root, raw)) if root is not None else []
    masked, at = [], start
    for begin, end in spans:
        if begin >= at:
            masked += [raw[at:begin], re.sub(r"[^\n]", "x", raw[begin:end])]
            at = end
    masked.append(raw[at:])
    whole = "".join(masked)
    for found in _COMMENT.finditer(whole):
        yield raw[start + found.start() : start + found.end()]


def _texts(root: Node, raw: str) -> Iterator[tuple[int, int]]:
    """Yield where each scalar begins and ends; of a block without its first line, which may have a comment."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, ScalarNode):
            begin: int = node.start_mark.index
            end: int = node.end_mark.index
            yield (max(raw.find("\n", begin), begin) if node.style in ("|", ">") else begin), end
        else:
            waiting += [each for pair in node.value for each in pair] if isinstance(node, MappingNode) else node.value
