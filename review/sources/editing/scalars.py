"""How a value is written in YAML: in the style of what stood there, or in the plainest that says it."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import yaml
from yaml.nodes import Node, ScalarNode

from review.sources.plain import read_plain

# Reads the same in YAML 1.1, YAML 1.2 and in every parser, wherever a block value may stand.
_PLAIN: Final = re.compile(r"[A-Za-z(/<$_](?:[^\s:#]|:(?=\S)|(?<=\S)#|[ ](?=[^\s#]))*")
# Booleans to kubectl's parser, but not to PyYAML.
_SHORT_BOOLEANS: Final = frozenset("yYnN")
# YAML 1.2.2, section 5.1, without what a reader could not see.
_PRINTABLE: Final = re.compile(r"[\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufdff\U00010000-\U0010ffff]*")
_BREAKS: Final = re.compile(r"[\x85\u2028\u2029]")
_CHOMPING: Final = {0: "-", 1: ""}


def written(value: Any, *, flow: bool = False) -> str:
    """Return a text, number, boolean or null on one line; in a flow collection so that JSON can read it too."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if not flow and is_plain(value):
        return value
    if flow or not is_printable(value) or "\n" in value or "\t" in value:
        return double_quoted(value)
    return single_quoted(value) if '"' in value or "\\" in value else f'"{value}"'


def is_plain(text: str) -> bool:
    """Whether a text needs no quotes as a value in block style."""
    fits = _PLAIN.fullmatch(text) is not None and not text.endswith(":") and is_printable(text)
    return fits and text not in _SHORT_BOOLEANS and read_plain(text) == text


def is_printable(text: str) -> bool:
    """Whether YAML takes every character of a text as it is."""
    return _PRINTABLE.fullmatch(text) is not None and not _BREAKS.search(text)


def double_quoted(text: str) -> str:
    """Return a text in double quotes, as JSON has it, which YAML reads too."""
    return json.dumps(text, ensure_ascii=not is_printable(text))


def single_quoted(text: str) -> str:
    """Return a text of one line in single quotes."""
    return "'" + text.replace("'", "''") + "'"


def in_style_of(node: ScalarNode, source: str, value: Any, *, flow: bool, indent: int) -> str:
    """Return a value as it is written in place of another, of which `source` is the text.

    Of a literal block only the lines that differ change. `indent` is the column of the key, for a text of several lines
    where one stood.
    """
    if not isinstance(value, str):
        return written(value, flow=flow)
    block = _literal(source, node.value, value) if node.style == "|" else None
    if block is None and "\n" in value and not flow and node.style not in ("|", ">"):
        block = _new_literal(value, indent + 2)
    if block is not None:
        return block
    if node.style == '"':
        return double_quoted(value)
    if node.style == "'" and is_printable(value) and "\n" not in value:
        return single_quoted(value)
    # What follows a block in its span stays.
    ending = source[len(source.rstrip("\r\n \t")) :] if node.style in ("|", ">") else ""
    return written(value, flow=flow) + ending


def entry(key: str, value: Any, step: int, newline: str) -> list[str]:
    """Return the lines of a key of a block map and its value, without the indentation of the map."""
    dumped: str = yaml.dump(
        {key: value},
        Dumper=_Dumper,
        default_flow_style=False,
        allow_unicode=True,
        sort_keys=False,
        width=2**31,
        indent=step,
        line_break=newline,
    )
    return dumped.splitlines(keepends=True) if newline == "\n" else [f"{line}{newline}" for line in _lines(dumped)]


def document(content: Any) -> str:
    """Return a whole document in block style."""
    dumped: str = yaml.dump(
        content, Dumper=_Dumper, default_flow_style=False, allow_unicode=True, sort_keys=False, width=2**31
    )
    return dumped


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n")


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as literal blocks, and no aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        """Write what is shared in each place (PyYAML's hook)."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> Node:
    if "\n" in text and is_printable(text):
        style = "|"
    elif is_plain(text):
        style = None
    else:
        style = "'" if is_printable(text) and ('"' in text or "\\" in text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _map(dumper: yaml.SafeDumper, members: Mapping[str, Any]) -> Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", members.items())


_Dumper.add_representer(str, _text)
_Dumper.add_representer(dict, _map)


def _literal(source: str, old: str, new: str) -> str | None:
    """Return a literal block with another text, its header, indentation and unchanged lines as they were."""
    header, *body = source.splitlines(keepends=True) if not _BREAKS.search(source) else [source]
    if not body or not new.strip() or not is_printable(new) or "\r" in new:
        return None
    first = next((line for line in body if line.strip()), "")
    margin = first[: len(first) - len(first.lstrip(" "))]
    endings = [len(text) - len(text.rstrip("\n")) for text in (old, new)]
    if endings[0] != endings[1]:
        chomping = _CHOMPING.get(endings[1])
        if chomping is None:
            return None
        header = re.sub(r"^\|[-+]?", f"|{chomping}", header)
    if re.match(r"\|[-+]?[0-9]", header):
        return None
    old_lines, new_lines = (text.rstrip("\n").split("\n") for text in (old, new))
    if not new_lines[0].strip() or new_lines[0].startswith((" ", "\t")):
        return None
    ending = header[len(header.rstrip("\r\n")) :]
    kept = body[: len(old_lines)] if len(old_lines) == len(new_lines) else []
    lines = (
        [
            raw if before == after else _indented(after, margin, ending)
            for raw, before, after in zip(kept, old_lines, new_lines, strict=True)
        ]
        if kept
        else [_indented(line, margin, ending) for line in new_lines]
    )
    rest = body[len(old_lines) :]
    if not rest and not source.endswith("\n"):
        lines[-1] = lines[-1].rstrip("\r\n")
    return "".join([header, *lines, *rest])


def _indented(line: str, margin: str, ending: str) -> str:
    return f"{margin}{line}{ending}" if line.strip() else f"{line}{ending}"


def _new_literal(text: str, indent: int) -> str | None:
    """Return a text as a literal block without its last line break; None if it cannot be one."""
    ending = len(text) - len(text.rstrip("\n"))
    lines = text.rstrip("\n").split("\n")
    if ending not in _CHOMPING or not is_printable(text) or not lines[0].strip() or lines[0][0] in " \t":
        return None
    margin = " " * indent
    return f"|{_CHOMPING[ending]}\n" + "\n".join(f"{margin}{line}" if line.strip() else line for line in lines)
