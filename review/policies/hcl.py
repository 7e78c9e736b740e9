"""Policies in HCL, and the policies that Terraform makes, from python-hcl2's tree of a text.

Vault's policies are HCL 1, and this parser reads HCL 2. Both read what people write in policies alike. What only one of
them reads (a quoted `"path"`, several attributes without a line break between them) is refused, not guessed.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from hcl2.parser import parser
from lark import Token, Tree
from lark.exceptions import LarkError, UnexpectedInput

from review.policies.policy import Policy, Rule
from review.policies.reading import MOST_CHARACTERS, Look, NotAPolicy, rule, shown
from review.sources.text import NotChecked, Place, Text

_HEREDOC: Final = re.compile(r"<<-?([a-zA-Z][a-zA-Z0-9._-]*)\n")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_CHARACTERS: Final = range(0x110000)
_HALVES: Final = frozenset(map(chr, range(0xD800, 0xE000)))
# A call of a function of Terraform's that reads a file, alone or as all of a text.
_FILE: Final = re.compile(
    r"""(?:"\$\{)?\s*(?:template)?file\(\s*"(?:\$\{path\.module\}/|\./)*(?P<name>[^"$%\\]+)"\s*(?=[,)])"""
)
# A text in quotes, a bracket, or what is neither.
_WORD: Final = re.compile(r"""\"(?:[^"\\]|\\.)*+\"|[()]|[^"()]++""", re.DOTALL)
_EXPRESSION: Final = re.compile(r"\s*\$\{.*\}\s*", re.DOTALL)
_RESOURCE: Final = "vault_policy"
_HOW_OFTEN: Final = frozenset({"count", "for_each"})


def policy(text: Text, name: str) -> Policy:
    """Read a policy. Raises `NotAPolicy`."""
    return Policy(name, list(_Reader(_with_plain_breaks(text)).rules()), Place(text.file))


def terraform(text: Text, look: Look) -> Iterator[Policy | NotChecked]:
    """Yield the policies of a Terraform file's resources. Raises `NotAPolicy` if the file cannot be read."""
    reader = _Reader(_with_plain_breaks(text))
    for kind, labels, block in reader.blocks(reader.body):
        if kind == "resource" and len(labels) > 1 and labels[0] == _RESOURCE:
            try:
                yield reader.resource(block, look)
            except NotAPolicy as error:
                yield NotChecked(error.place, error.reason)


class _Reader:
    """Reads one text. Positions are those of the file that it is of."""

    def __init__(self, text: Text, content: str | None = None, offset: int = 0) -> None:
        self.text = text
        self.offset = offset
        self.content = text.content if content is None else content
        self.body = self._parsed()

    def _parsed(self) -> Tree[Token]:
        if len(self.content) > MOST_CHARACTERS:
            raise NotAPolicy(self._place(0, 0), f"it is longer than {MOST_CHARACTERS // 1024} KiB")
        try:
            # The grammar wants a line break behind each block. With `hcl2.loads` positions would be lost.
            root = parser().parse(self.content + "\n")
        except UnexpectedInput as error:
            at = error.pos_in_stream if error.pos_in_stream is not None else 0
        except (LarkError, RecursionError):
            at = 0
        else:
            return root.children[0]  # type: ignore[return-value]  # the grammar: start has a body
        at = min(max(at, 0), len(self.content))
        # Outside the handler: the error holds the text.
        raise NotAPolicy(self._place(at, at), "not HCL")

    def rules(self) -> Iterator[Rule]:
        """Yield the rules of a policy. Raises `NotAPolicy`."""
        for kind, labels, block in self.blocks(self.body):
            if kind != "path" or len(labels) != 1:
                raise NotAPolicy(self._at(block), f'a policy has blocks `path "…"` only, and here is {shown(kind)}')
            yield rule(labels[0], self.attributes(block), self._at(block))
        for name in self.attributes(self.body, nested=False):
            if name != "name":
                raise NotAPolicy(self._at(self.body), f"a policy has blocks `path` only, and here is {shown(name)}")

    def resource(self, block: Tree[Token], look: Look) -> Policy:
        """Return the policy of a Terraform resource. Raises `NotAPolicy` if its text is neither there nor in a file."""
        values = dict(self._nodes(block))
        place = self._at(block)
        name = self._value(values["name"]) if "name" in values else None
        if not isinstance(name, str) or "${" in name:
            raise NotAPolicy(place, f"the name of a {_RESOURCE} is an expression")
        if not values.keys().isdisjoint(_HOW_OFTEN):
            raise NotAPolicy(place, f"whether there is a {_RESOURCE} {shown(name)} is an expression")
        node = values.get("policy")
        if node is not None and (file := self._file(node)):
            other = look(file["name"])
            if isinstance(other, str):
                raise NotAPolicy(place, f"the text of {_RESOURCE} {shown(name)} is in {shown(file['name'])}: {other}")
            return policy(other, name)
        token = _only_token(node) if node is not None else None
        heredoc = _HEREDOC.match(token) if token is not None else None
        if node is not None and token is not None and heredoc is not None:
            # The mark at the end has a line of its own.
            content = token[heredoc.end() : token.rstrip().rfind(heredoc[1])]
            start = _start(node) + heredoc.end()
            return Policy(name, list(_Reader(self.text, content, self.offset + start).rules()), place)
        written = self._value(node) if node is not None else None
        if not isinstance(written, str) or _EXPRESSION.fullmatch(written):
            raise NotAPolicy(place, f"the text of {_RESOURCE} {shown(name)} is an expression")
        # Positions in it are not those of the file, as it has escapes.
        inner = policy(Text(self.text.file, written), name)
        return Policy(name, [replace(one, place=place) for one in inner.rules], place)

    def _file(self, node: Tree[Token]) -> re.Match[str] | None:
        """Return the call that reads a file, if an expression is that call and nothing else."""
        found = _FILE.match(self.content, _start(node), node.meta.end_pos)
        depth = 1
        at = found.end() if found else 0
        while found and depth:
            word = _WORD.match(self.content, at, node.meta.end_pos)
            if word is None:
                return None
            at = word.end()
            depth += {"(": 1, ")": -1}.get(word[0], 0)
        rest = self.content[at : node.meta.end_pos].strip()
        return found if rest == ('}"' if found and found[0].startswith('"') else "") else None

    def blocks(self, body: Tree[Token]) -> Iterator[tuple[str, list[str], Tree[Token]]]:
        """Yield the blocks of a body: their kind, their labels and themselves."""
        for child in _trees(body):
            if child.data == "block":
                kind, *labels = [each for each in _trees(child) if each.data not in {"body", "new_line_or_comment"}]
                yield self._name(kind), [self._name(label) for label in labels], child

    def attributes(self, block: Tree[Token], *, nested: bool = True) -> dict[str, Any]:
        """Return the attributes of a block, and its inner blocks as names without a value. Raises `NotAPolicy`."""
        found: dict[str, Any] = {}
        for name, node in self._nodes(block):
            if name in found:
                raise NotAPolicy(self._at(node), f"the attribute {shown(name)} stands twice")
            found[name] = self._value(node)
        if nested:
            found.update({kind: None for kind, _, _ in self.blocks(_body(block))})
        return found

    def _nodes(self, block: Tree[Token]) -> Iterator[tuple[str, Tree[Token]]]:
        for child in _trees(_body(block)):
            if child.data == "attribute":
                name, *_, node = _trees(child)
                yield self._name(name), node

    def _name(self, node: Tree[Token]) -> str:
        """Return a name or a label, with quotes or without."""
        return self._unquoted(node) if node.data == "string" else str(node.children[0])

    def _value(self, node: Tree[Token]) -> Any:
        """Return a text or a list of texts of what is a literal; None for everything else, also within a list."""
        node = _bare(node)
        if node.data == "tuple":
            items = [_bare(each) for each in _trees(node) if each.data != "new_line_or_comment"]
            return [self._text(each) for each in items]
        return self._text(node)

    def _text(self, node: Tree[Token]) -> str | None:
        if node.data == "string":
            return self._unquoted(node)
        if node.data == "heredoc_template":
            token = str(node.children[0])
            begin = _HEREDOC.match(token)
            return token[begin.end() : token.rstrip().rfind(begin[1])] if begin else None
        return None

    def _unquoted(self, node: Tree[Token]) -> str:
        raw = self.content[_start(node) + 1 : node.meta.end_pos - 1]

        def meant(escape: re.Match[str]) -> str:
            code = int(escape[1] or escape[2] or "0", 16)
            known = _ESCAPES.get(escape[3]) if escape[3] else chr(code) if code in _CHARACTERS else None
            if known is None or known in _HALVES:
                raise NotAPolicy(self._at(node), "an escape that HCL does not have")
            return known

        return _ESCAPE.sub(meant, raw)

    def _at(self, node: Tree[Token]) -> Place:
        start = 0 if node.meta.empty else node.meta.start_pos
        end = self.content.find("\n", start)
        return self._place(start, len(self.content) if end < 0 else end)

    def _place(self, start: int, end: int) -> Place:
        return self.text.place(self.offset + start, self.offset + end)


def _with_plain_breaks(text: Text) -> Text:
    """Return a text as the grammar wants it. Lines and columns stay what they were."""
    return Text(text.file, text.content.replace("\r\n", "\n"))


def _trees(node: Tree[Token]) -> list[Tree[Token]]:
    return [child for child in node.children if isinstance(child, Tree)]


def _body(block: Tree[Token]) -> Tree[Token]:
    return block if block.data == "body" else next(child for child in _trees(block) if child.data == "body")


def _bare(node: Tree[Token]) -> Tree[Token]:
    """Return what stands in brackets around nothing else."""
    while node.data == "expr_term":
        inner = [each for each in _trees(node) if each.data != "new_line_or_comment"]
        if len(inner) != 1:
            break
        node = inner[0]
    return node


def _only_token(node: Tree[Token]) -> str | None:
    while len(node.children) == 1 and isinstance(node.children[0], Tree):
        node = node.children[0]
    return str(node.children[0]) if len(node.children) == 1 else None


def _start(node: Tree[Token]) -> int:
    return 0 if node.meta.empty else node.meta.start_pos
