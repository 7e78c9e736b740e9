"""Where in a text one edit takes place, and what comes there. Everything else stays, byte for byte.

libyaml says where keys and values begin and end; lines and commas around them are found here. What comes of an edit is
never taken for granted: `review.sources.edits` reads the result again.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from review.sources.editing import scalars
from review.sources.editing.spans import Spans, is_block, is_flow
from review.sources.nodes import Path, key_text
from review.sources.stream import Document

_DASH: Final = re.compile(r"[ ]*-[ ]+")


class Impossible(Exception):
    """An edit that cannot be made in this text. Says why, and quotes nothing of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Splice:
    """The characters from `start` to before `end` of a document's own text become `text`."""

    start: int
    end: int
    text: str

    def applied(self, raw: str) -> str:
        """Return the text with the splice in it."""
        return f"{raw[: self.start]}{self.text}{raw[self.end :]}"


class Splicer:
    """Makes splices for one document."""

    def __init__(self, document: Document) -> None:
        root = document.root
        if root is None:
            raise Impossible("there is nothing to edit")
        self.raw = document.raw
        self.root = root
        self.newline = "\r\n" if "\r\n" in self.raw else "\n"
        self.spans = Spans(self.raw)
        self.step = self.spans.step(root)

    def put(self, path: Path, value: Any) -> Splice:
        """Return the splice that adds or replaces the value at a path, with the maps in between."""
        chain = self._chain(path)
        node = chain[-1]
        missing = path[len(chain) - 1 :]
        if not missing:
            return self._replace(chain, path, value)
        nested = value
        for key in reversed(missing[1:]):
            nested = {key: nested}
        if not all(isinstance(key, str) for key in missing):
            raise Impossible("an item of a list that is not there")
        if isinstance(node, MappingNode):
            return self._insert(node, chain, path, str(missing[0]), nested)
        if isinstance(node, ScalarNode) and node.value in ("", "~", "null") and not node.style and len(chain) > 1:
            return self._replace(chain, path[: len(chain) - 1], {missing[0]: nested})
        raise Impossible("what is to get a key is no map")

    def remove(self, path: Path) -> Splice:
        """Return the splice that removes what is at a path. What held nothing else becomes empty."""
        chain = self._chain(path)
        if len(chain) != len(path) + 1 or not path:
            raise Impossible("what is to be removed stands somewhere else, behind an alias or a merge key")
        parent, node = chain[-2], chain[-1]
        if len(parent.value) == 1:
            empty: Any = {} if isinstance(parent, MappingNode) else []
            return self._replace(chain[:-1], path[:-1], empty)
        first, after = self.spans.neighbours(parent, path[-1])
        if is_flow(parent):
            return self._remove_from_flow(parent, first, node, after)
        line = self.spans.line_start(first.start_mark.index)
        before = self.raw[line : first.start_mark.index]
        is_item = isinstance(parent, SequenceNode)
        if (is_item and _DASH.fullmatch(before)) or (not is_item and not before.strip(" ")):
            return Splice(line, self.spans.line_after(first, node, line), "")
        if is_item or after is None:
            raise Impossible("it begins on the line of something else")
        end = after.start_mark.index
        return self._without_comment(first.start_mark.index, self.spans.end(node, first), end)

    def _chain(self, path: Path) -> list[Node]:
        """Return the nodes along a path, as far as it leads, without following merge keys."""
        chain = [self.root]
        for step in path:
            node, found = chain[-1], None
            if isinstance(node, MappingNode):
                found = next((value for key, value in reversed(node.value) if key_text(key) == step), None)
            elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
                found = node.value[step]
            if found is None:
                break
            chain.append(found)
        return chain

    def _replace(self, chain: Sequence[Node], path: Path, value: Any) -> Splice:
        node = chain[-1]
        start, end = node.start_mark.index, self.spans.end(node)
        if len(chain) == 1:
            if not is_flow(node) and value not in ({}, []):
                raise Impossible("it is the whole document")
            return Splice(start, end, json.dumps(value, ensure_ascii=False))
        parent = chain[-2]
        within_flow, is_map = is_flow(parent), isinstance(parent, MappingNode)
        key = self.spans.neighbours(parent, path[-1])[0] if is_map else None
        if isinstance(node, ScalarNode) and not isinstance(value, dict | list):
            indent = key.start_mark.column if key is not None else parent.start_mark.column
            written = scalars.in_style_of(node, self.raw[start:end], value, flow=within_flow, indent=indent)
            if self.newline == "\r\n":
                written = written.replace("\r\n", "\n").replace("\n", "\r\n")
            blank = " " if start == end and self.raw[start - 1] in ":-" else ""
            return Splice(start, end, blank + written)
        if within_flow or value in ({}, []):
            text = json.dumps(value, ensure_ascii=False)
            if start == end or is_block(node):
                return self._emptied(key, node, text) if key is not None else self._impossible()
            return Splice(start, end, text)
        if key is None:
            raise Impossible("it is an item of a list")
        return self._block(key, node, value)

    def _impossible(self) -> Splice:
        raise Impossible("it is an item of a list")

    def _emptied(self, key: Node, node: Node, text: str) -> Splice:
        """Return the splice that puts a value of one line behind a key in place of a block."""
        start = self.spans.behind_colon(key)
        if isinstance(node, ScalarNode):
            end = self.spans.end(node, key)
            line_break = self.newline if self.raw[end - 1 : end] == "\n" else ""
            return Splice(start, max(start, end), f" {text}{line_break}")
        comment = self.raw[start : node.start_mark.index]
        kept = comment.splitlines(keepends=True)
        if any(line.strip() for line in kept[1:]):
            raise Impossible("a comment stands within what is to be removed")
        line = self.spans.line_start(key.start_mark.index)
        end = self.spans.line_after(key, node, line)
        rest = kept[0].rstrip("\r\n") if kept else ""
        line_break = self.newline if self.raw[end - 1 : end] == "\n" else ""
        return Splice(start, end, f" {text}{rest}{line_break}")

    def _block(self, key: Node, node: Node, value: Any) -> Splice:
        """Return the splice that puts a collection in block style behind a key, in place of what stood there."""
        entry = scalars.entry("k", value, self.step, self.newline)
        margin = " " * key.start_mark.column
        body = "".join(f"{margin}{line}" if line.strip() else line for line in entry[1:])
        start, end = self.spans.behind_colon(key), self.spans.end(node, key)
        rest = self.raw[end : self.spans.line_end(end)]
        if is_block(node) or (isinstance(node, ScalarNode) and node.style in ("|", ">")):
            rest = ""
        elif rest.strip() and start != end:
            # A comment behind an empty map stays behind its key.
            body = body.removesuffix(self.newline)
            return Splice(start, end + len(rest), f"{rest.rstrip()}{self.newline}{body}")
        if start == end and rest.strip():
            line_end = self.spans.line_end(end)
            return Splice(line_end, line_end, self.newline + body.removesuffix(self.newline))
        if self.raw[end - 1 : end] != "\n":
            body = body.removesuffix(self.newline)
        return Splice(start, end, self.newline + body)

    def _insert(self, node: MappingNode, chain: Sequence[Node], path: Path, key: str, value: Any) -> Splice:
        if not node.value:
            return self._replace(chain, path[: len(chain) - 1], {key: value})
        last_key, last = node.value[-1]
        if is_flow(node):
            return self._insert_in_flow(node, last_key, last, key, value)
        margin = " " * node.value[0][0].start_mark.column
        lines = scalars.entry(key, value, self.step, self.newline)
        text = "".join(f"{margin}{line}" if line.strip() else line for line in lines)
        at = self.spans.end(last, last_key)
        if self.raw[at - 1 : at] != "\n":
            at = self.spans.line_end(at)
            if at == len(self.raw):
                return Splice(at, at, self.newline + text.removesuffix(self.newline))
            at += len(self.newline) if self.raw.startswith(self.newline, at) else 1
        return Splice(at, at, text)

    def _insert_in_flow(self, node: MappingNode, last_key: Node, last: Node, key: str, value: Any) -> Splice:
        at = self.spans.end(last, last_key)
        line = self.spans.line_start(last_key.start_mark.index)
        before = self.raw[line : last_key.start_mark.index]
        is_on_lines = not before.strip() and line > node.start_mark.index
        text = f"{json.dumps(key, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
        return Splice(at, at, f",{self.newline}{before}{text}" if is_on_lines else f", {text}")

    def _remove_from_flow(self, parent: Node, first: Node, node: Node, after: Node | None) -> Splice:
        if after is not None:
            return self._without_comment(first.start_mark.index, self.spans.end(node, first), after.start_mark.index)
        *_, before = self.spans.members(parent)[:-1]
        start = self.spans.end(before[1], before[0])
        return self._without_comment(
            start, self.spans.end(node, first), self.spans.end(node, first), first.start_mark.index
        )

    def _without_comment(self, start: int, value_end: int, end: int, value_start: int | None = None) -> Splice:
        between = self.raw[value_end:end] + (self.raw[start:value_start] if value_start is not None else "")
        if "#" in between:
            raise Impossible("a comment stands between it and what is next to it")
        return Splice(start, end, "")
