"""The law of each format: what a reader sees of the rendered text is what it saw before, with strings replaced.

The readers are others than those that render: PyYAML, Python's JSON, and readers of a few lines for the rest.
"""

import json
import os
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import assume, given, settings

from resolver.references.grammar import Function, Reference, format_reference
from review.rendering.dotenv import quoted
from review.rendering.pieces import NotRendered
from review.rendering.properties import written
from review.rendering.rendering import Form, rendered

EXAMPLES = int(os.environ.get("KEYHOLE_RENDER_DOCUMENTS", "100"))
BOSH_REFERENCES = int(os.environ.get("KEYHOLE_BOSH_REFERENCES", "5000"))

NASTY = st.sampled_from(
    [
        *(
            ": ",
            " #",
            "'",
            '"',
            "\\",
            "\\\\",
            "\n",
            "\n\n",
            "\r\n",
            "\r",
            "\t",
            "---",
            "--- ",
            "...",
            "{{ x }}",
            "((x))",
        ),
        *(
            "$",
            "${x}",
            "$$",
            "%",
            "|",
            ">",
            "- ",
            "? ",
            "&a",
            "*a",
            "!!int ",
            "true",
            "null",
            "~",
            "0x1f",
            "1e3",
            "=",
            " ",
        ),
        *(
            "\x85",
            "\u2028",
            "\u00a0",
            "\ufeff",
            "\x7f",
            "\x01",
            "é",
            "日本",
            "\U0001f511",
            "\x1b",
            "\b",
            "@",
            "`",
            "</x>",
        ),
        *("#", ":", "{", "}", "[", "]", ",", "/", "<<", "export ", "!", "\ue000", "\ufffe"),
    ]
)
VALUES = st.one_of(
    st.lists(st.one_of(NASTY, st.text(alphabet="ab1 \n", max_size=3)), max_size=6).map("".join),
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
)
PATHS = st.sampled_from(["secret/app", "secret/data/shop/db", "kv/a b/c", "secret/gehälter"])
FIELDS = st.sampled_from(["password", "a.b", "tls.key", "日本", "with space"])
REFERENCES = st.builds(Reference, PATHS, FIELDS, st.sampled_from(["default", "eu"]), st.sampled_from([None, 3]))
Document = Any


def inline(reference: Reference) -> str:
    return f"(({reference}))"


# What stands around a reference within a text.
FRAMES = st.one_of(
    st.sampled_from(["", "postgres://app:", "x", "\n", "a\n  b\n", " # ", "'", '"', ": ", "-", "\t", "\\"])
)


@st.composite
def templates(draw: st.DrawFn) -> tuple[str, tuple[str | Reference, ...]]:
    """Return a text with references, and its pieces."""
    if draw(st.booleans()):
        reference = draw(REFERENCES)
        return str(reference), (reference,)
    pieces: list[str | Reference] = []
    for _ in range(draw(st.integers(1, 3))):
        pieces += [draw(FRAMES), draw(REFERENCES)]
    pieces.append(draw(FRAMES))
    return "".join(piece if isinstance(piece, str) else inline(piece) for piece in pieces), tuple(pieces)


LEAVES = st.one_of(
    templates().map(lambda each: each[0]), st.sampled_from(["x", "", "a: b", "((db-password))", 7, True, None])
)
KEYS = st.sampled_from(["a", "b", "c d", "key.with.dots", "7", "true", "x: y", "日本"])
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


class Values:
    """Gives each reference its value, and remembers it."""

    def __init__(self, values: Sequence[str]) -> None:
        self.given: dict[Reference, str] = {}
        self._values = values
        self.calls = 0

    def __call__(self, references: Sequence[Reference]) -> Mapping[Reference, str]:
        self.calls += 1
        assert len(set(references)) == len(references)
        self.given = {each: self._values[number % len(self._values)] for number, each in enumerate(references)}
        return self.given

    def replaced(self, document: Document) -> Document:
        """Return a document with strings replaced, found by searching for each reference's text."""
        if isinstance(document, dict):
            return {key: self.replaced(member) for key, member in document.items()}
        if isinstance(document, list):
            return [self.replaced(member) for member in document]
        return self.filled(document) if isinstance(document, str) else document

    def filled(self, text: str) -> str:
        texts = {str(reference): value for reference, value in self.given.items()}
        if text in texts:
            return texts[text]
        found = {inline(reference): value for reference, value in self.given.items()}
        if not found:
            return text
        return re.sub("|".join(map(re.escape, found)), lambda match: found[match[0]], text)


class StyledDumper(yaml.SafeDumper):
    """Writes each string in another style, as far as YAML has it for that string."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        style = (None, '"', "'", "|", ">")[sum(map(ord, text)) % 5]
        return self.represent_scalar("tag:yaml.org,2002:str", text, style)


StyledDumper.add_representer(str, StyledDumper.represent_text)


@settings(max_examples=EXAMPLES)
@given(
    documents=st.lists(DOCUMENTS, min_size=1, max_size=2),
    values=st.lists(VALUES, min_size=1, max_size=4),
    flow=st.sampled_from([None, True, False]),
    indent=st.integers(2, 5),
)
def test_yaml(documents: list[Document], values: list[str], flow: bool | None, indent: int) -> None:
    text = yaml.dump_all(
        documents, Dumper=StyledDumper, default_flow_style=flow, indent=indent, allow_unicode=True, explicit_start=True
    )
    # PyYAML does not read back every folded block that it writes.
    assume(list(yaml.safe_load_all(text)) == documents)
    given_values = Values(values)
    result = rendered(text, "yaml", given_values)
    assert list(yaml.safe_load_all(result)) == given_values.replaced(list(yaml.safe_load_all(text)))
    assert given_values.calls <= 1


@settings(max_examples=EXAMPLES)
@given(document=DOCUMENTS, values=st.lists(VALUES, min_size=1, max_size=4), ascii_only=st.booleans())
def test_json(document: Document, values: list[str], ascii_only: bool) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only, indent=2 if ascii_only else None)
    given_values = Values(values)
    result = rendered(text, "json", given_values)
    assert json.loads(result) == given_values.replaced(document)


def as_compose_reads(said: str) -> str:
    """Read a quoted value by the letter of compose-go's `extractVarValue`, byte by byte."""
    quote, source = said[0], said
    chars: list[str] = []
    escape = False
    for index, char in enumerate(source[1:], 1):
        if char != quote:
            if not escape and char == "\\":
                escape = True
                continue
            if escape:
                escape = False
                chars.append("\\")
            chars.append(char)
            continue
        if escape:
            escape = False
            chars.append(char)
            continue
        assert index == len(source) - 1, "the quote is closed too early"
        value = "".join(chars)
        if quote == "'":
            return value
        value = re.sub(r"\\([nrt$\"\\])", lambda m: {"n": "\n", "r": "\r", "t": "\t", "$": "$$"}.get(m[1], m[1]), value)
        assert re.search(r"(?<!\$)(?:\$\$)*\$(?!\$)", value) is None, "a variable would be replaced"
        return value.replace("$$", "$")
    raise AssertionError("the quote is never closed")


@settings(max_examples=EXAMPLES)
@given(value=VALUES)
def test_every_value_has_quotes_that_compose_reads_back(value: str) -> None:
    assert as_compose_reads(quoted(value)) == value


LINES = st.lists(
    st.tuples(st.sampled_from(["A", "B_2", "export C", "d.e"]), st.sampled_from(["=", " = ", ": "]), REFERENCES),
    min_size=1,
    max_size=4,
)


@settings(max_examples=EXAMPLES)
@given(lines=LINES, values=st.lists(VALUES, min_size=1, max_size=4), frame=st.sampled_from(["", "x:", "a "]))
def test_dotenv(lines: list[tuple[str, str, Reference]], values: list[str], frame: str) -> None:
    text = "".join(
        f"# {number}\n{key}{sign}{frame}{inline(one)}  # why\n" for number, (key, sign, one) in enumerate(lines)
    )
    given_values = Values(values)
    result = rendered(text, "dotenv", given_values)
    for number, (key, sign, one) in enumerate(lines):
        head = f"# {number}\n{key}{sign}"
        assert result.startswith(head)
        said, _, result = result.removeprefix(head).partition("  # why\n") if given_values.given else ("", "", "")
        while True:
            # A value may itself hold what stands behind it here.
            try:
                told = as_compose_reads(said)
                break
            except AssertionError:
                more, sign_found, result = result.partition("  # why\n")
                assert sign_found
                said += "  # why\n" + more
        assert told == f"{frame}{given_values.given[one]}"
    assert result == ""


def as_java_reads(text: str) -> str:
    """Read what is written behind a separator: one line, each escape at its worth."""
    assert text.isascii()
    assert not re.match(r"[ \t\f]", text)
    assert "\n" not in text
    assert "\r" not in text
    assert not re.search(r"(?<!\\)(?:\\\\)*\\\Z", text)
    short = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
    told = re.sub(
        r"\\(?:u(....)|(.))", lambda m: chr(int(m[1], 16)) if m[1] else short.get(m[2], m[2]), text, flags=re.DOTALL
    )
    return told.encode("utf-16", "surrogatepass").decode("utf-16")


@settings(max_examples=EXAMPLES)
@given(value=VALUES)
def test_every_value_is_written_so_that_java_reads_it_back(value: str) -> None:
    assert as_java_reads(written(value)) == value


@settings(max_examples=EXAMPLES)
@given(template=templates(), value=VALUES)
def test_properties(template: tuple[str, tuple[str | Reference, ...]], value: str) -> None:
    text, _ = template
    source = f"# one\n! two\\\na.b = {written(text)}\nlast: \\\n   x\n"
    given_values = Values([value])
    result = rendered(source, "properties", given_values)
    begin, end = "# one\n! two\\\na.b = ", "\nlast: \\\n   x\n"
    assert result.startswith(begin)
    assert result.endswith(end)
    assert as_java_reads(result.removeprefix(begin).removesuffix(end)) == given_values.filled(text)


@settings(max_examples=EXAMPLES)
@given(template=templates(), value=VALUES)
def test_text(template: tuple[str, tuple[str | Reference, ...]], value: str) -> None:
    text, _ = template
    given_values = Values([value])
    assert rendered(text, "text", given_values) == given_values.filled(text)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        pytest.param("yaml", "a: ((vault:a/b#c))\n", id="yaml"),
        pytest.param("json", '{"a": "((vault:a/b#c))"}', id="json"),
        pytest.param("dotenv", "A=vault:a/b#c\n", id="dotenv"),
        pytest.param("properties", "a=vault:a/b#c\n", id="properties"),
        pytest.param("text", "x ((vault:a/b#c))", id="text"),
    ],
)
def test_no_format_takes_a_nul_and_the_refusal_does_not_quote_the_value(form: Form, text: str) -> None:
    with pytest.raises(NotRendered) as refused:
        rendered(text, form, Values(["canary\0canary"]), file="app")
    assert "canary" not in str(refused.value)
    assert "`vault:a/b#c`: the value holds a NUL character" in str(refused.value)


# What bosh-cli, and so `cf` and Concourse, has taken for a variable, from the oldest to the newest; the last one is
# wider than any of them. Source: director/template/template.go of cloudfoundry/bosh-cli.
BOSH_NAMES = (r"[-\w]+", r"[-.\w]+", r"[-/.\w]+", r"[-/.\w\s]+")
SIGNS = "ab9é日\U0001f511_-./:#|%(){}$!&* \t\u00a0'\"\\"


def any_reference(chance: random.Random) -> str | None:
    """Return the canonical text of a reference; None for one that no text says."""

    def text(most: int) -> str:
        return "".join(chance.choices(SIGNS, k=chance.randint(1, most)))

    path = "/".join(text(5) for _ in range(chance.randint(2, 4)))
    functions = (Function("default", text(8)), Function("trim"))[: chance.randint(0, 2)]
    connection, version = chance.choice(["default", "eu-1"]), chance.choice([None, 1])
    try:
        return format_reference(Reference(path, text(9), connection, version, functions))
    except ValueError:
        return None


def test_no_canonical_inline_reference_is_a_variable_of_bosh() -> None:
    """Their names have no colon, and in an inline reference one follows the brackets and `vault`."""
    chance = random.Random(17)
    patterns = [re.compile(rf"\(\((!?{names})\)\)") for names in BOSH_NAMES]
    assert patterns[0].search("x((db-password))")
    texts: set[str] = set()
    while len(texts) < BOSH_REFERENCES:
        text = any_reference(chance)
        if text is not None:
            texts.add(text)
            assert not any(pattern.search(f"x(({text}))y") for pattern in patterns), text
