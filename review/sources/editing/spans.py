"""Where keys and values begin and end in a text, with the lines around them. libyaml says where its nodes stand."""

import re
from typing import Final

from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from review.sources.nodes import key_text

STEP: Final = 2


def is_flow(node: Node) -> bool:
    """Whether a value is in braces or brackets."""
    return isinstance(node, CollectionNode) and bool(node.flow_style)


def is_block(node: Node) -> bool:
    """Whether a value is a map or a list on lines of its own."""
    return isinstance(node, CollectionNode) and not node.flow_style


class Spans:
    """The spans in one document's own text."""

    def __init__(self, raw: str) -> None:
        self.raw = raw

    def end(self, node: Node, key: Node | None = None) -> int:
        """Return where a value ends; of a literal block, without the empty lines below it unless they count."""
        while not isinstance(node, ScalarNode) and node.value and not is_flow(node):
            key, node = node.value[-1] if isinstance(node, MappingNode) else (None, node.value[-1])
        end: int = node.end_mark.index
        if isinstance(node, ScalarNode) and node.style in ("|", ">"):
            header = self.raw[node.start_mark.index : self.line_end(node.start_mark.index)]
            if "+" not in header.partition("#")[0]:
                block = self.raw[node.start_mark.index : end]
                text = block.rstrip(" \t\r\n")
                after = block.find("\n", len(text))
                end = end if after < 0 else node.start_mark.index + after + 1
        # An alias stands where its anchor is.
        return max(end, key.end_mark.index) if key is not None else end

    def line_after(self, first: Node, node: Node, line: int) -> int:
        """Return where the line after a value begins, and after the comments that are indented below its key."""
        end = self.end(node, first)
        if self.raw[end - 1 : end] != "\n" or end == line:
            end = self.raw.find("\n", end) + 1 or len(self.raw)
        if not is_block(node):
            return end
        column = first.start_mark.column
        for found in re.finditer(r"([ ]*)(#?)[^\n]*(?:\n|\Z)", self.raw[end:]):
            if not found[2] or len(found[1]) <= column:
                break
            end += len(found[0])
        return end

    def members(self, parent: Node) -> list[tuple[Node, Node]]:
        """Return the keys and values of a map, or the items of a list, each twice."""
        if isinstance(parent, MappingNode):
            return list(parent.value)
        return [(item, item) for item in parent.value]

    def neighbours(self, parent: Node, step: str | int) -> tuple[Node, Node | None]:
        """Return where a member begins, its key or the item itself, and where the next one does."""
        members = self.members(parent)
        if isinstance(parent, MappingNode):
            number = max(number for number, (key, _) in enumerate(members) if key_text(key) == step)
        else:
            number = int(step)
        return members[number][0], members[number + 1][0] if number + 1 < len(members) else None

    def behind_colon(self, key: Node) -> int:
        """Return where what follows the colon of a key begins."""
        return self.raw.index(":", key.end_mark.index) + 1

    def line_start(self, at: int) -> int:
        """Return where the line of a character begins."""
        return self.raw.rfind("\n", 0, at) + 1

    def line_end(self, at: int) -> int:
        """Return the index of the line break of the line at an index, or the end of the text."""
        end = self.raw.find("\n", at)
        if end < 0:
            return len(self.raw)
        return end - 1 if end > at and self.raw[end - 1] == "\r" else end

    def step(self, root: Node) -> int:
        """Return by how many blanks this document indents a map in a map."""
        for key, value in root.value if isinstance(root, MappingNode) else ():
            if isinstance(value, MappingNode) and value.value and not value.flow_style:
                step: int = value.value[0][0].start_mark.column - key.start_mark.column
                return step if step > 1 else STEP
        return STEP
