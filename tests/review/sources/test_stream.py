"""What a text holds, where it stands, and what is told of a text that is broken or meant to do harm."""

import json
import tracemalloc
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from review.sources import nodes, stream
from review.sources.stream import Document, read
from review.sources.text import NotChecked

KEYS = st.text("abcdefgh", min_size=1, max_size=5)
LEAVES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=30),
    st.booleans(),
    st.none(),
    st.integers(-9, 10**6),
)
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4))


def documents(text: str | bytes) -> list[Document]:
    found = list(read(text.encode() if isinstance(text, str) else text, "f.yaml"))
    assert all(isinstance(each, Document) for each in found), found
    return [each for each in found if isinstance(each, Document)]


def contents(text: str | bytes) -> list[Any]:
    return [document.content for document in documents(text)]


def unchecked(text: str | bytes) -> list[str]:
    found = read(text.encode() if isinstance(text, str) else text, "f.yaml")
    return [str(each) for each in found if isinstance(each, NotChecked)]


class TestContents:
    @settings(max_examples=50)
    @given(st.lists(st.dictionaries(KEYS, TREES, min_size=1, max_size=4), min_size=1, max_size=3))
    def test_yaml_that_was_written_is_read_as_it_was(self, trees: list[Any]) -> None:
        assert contents(yaml.dump_all(trees, Dumper=yaml.CSafeDumper, allow_unicode=True)) == trees

    @example({"a": ["\U00010000", "{{"]}, None, True)
    @given(st.dictionaries(KEYS, TREES, min_size=1), st.sampled_from([None, 2, "\t"]), st.booleans())
    def test_so_is_json_however_it_is_indented(self, tree: Any, indent: Any, ascii_only: bool) -> None:
        text = json.dumps(tree, indent=indent, ensure_ascii=ascii_only)
        read_back = contents(text)
        if any(character > "\uffff" for character in json.dumps(tree, ensure_ascii=False)):
            assert len(read_back) == 1  # what is beyond the first plane is not looked at
        else:
            assert read_back == [tree]

    def test_documents_are_numbered_with_the_empty_ones_which_are_left_out(self) -> None:
        found = documents("# a comment\n---\na: 1\n---\n---\n# nothing\n--- {b: 2}\n...\n---\nc: 3\n")
        assert [(document.number, document.content) for document in found] == [
            (1, {"a": 1}),
            (4, {"b": 2}),
            (5, {"c": 3}),
        ]

    def test_of_a_stream_of_json_every_value_is_read(self) -> None:
        found = documents('{"a": 1}\n{"b": "\\ud83d\\ude00"}\n\n  [2]')
        assert [document.number for document in found] == [1, 2, 3]
        assert [document.place().line for document in found] == [1, 2, 4]

    @pytest.mark.parametrize("broken", ["{{ x }}", "b: [}"])
    def test_flow_style_before_what_is_broken_stays(self, broken: str) -> None:
        first, second = read(f"{{a: 1}}\n...\n{broken}\n".encode(), "f.yaml")
        assert isinstance(first, Document)
        assert first.content == {"a": 1}
        assert isinstance(second, NotChecked)
        assert second.place.line == 3

    def test_merge_keys_and_aliases_count(self) -> None:
        text = "x: &x {p: 1, q: 2}\nw: {<<: *x, q: 3}\nz: {<<: [*x, {r: 4}]}\n"
        assert contents(text)[0]["w"] == {"p": 1, "q": 3}
        assert contents(text)[0]["z"] == {"p": 1, "q": 2, "r": 4}

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("yes", True), ("off", False), ("~", None), ("", None), ("1_000", 1000), ("0x1F", 31), ("1.5", 1.5),
            ("0o17", 15), ("1:30:00", "1:30:00"), ("2026-01-01", "2026-01-01"), ("=", "="), ("1e3", 1000.0),
            ("!!str 12", "12"), ("'12'", "12"), ("1" * 41, float("1" * 41)), ("1" * 401, "1" * 401),
        ],
    )  # fmt: skip
    def test_plain_scalars_have_their_type(self, text: str, value: object) -> None:
        (content,) = contents(f"a: {text}\n")
        assert type(content["a"]) is type(value)
        assert content["a"] == value

    def test_directives_and_byte_order_marks_are_no_trouble(self) -> None:
        assert contents("%YAML 1.1\n---\na: 1\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]
        assert contents("\ufeffa: 1\n") == [{"a": 1}]
        assert contents("a: ü\n".encode("utf-16")) == [{"a": "ü"}]


class TestPlaces:
    def test_a_value_stands_from_its_key_to_its_end(self) -> None:
        (document,) = documents("a:\n  b: [x, {c: 'ü d'}]\n")
        place = document.place(("a", "b", 1, "c"))
        assert (place.line, place.column, place.end_line, place.end_column) == (2, 11, 2, 19)
        assert document.place(("a", "missing")).line == 1
        assert document.place(("a", "b", 0)).column == 7

    def test_lines_are_those_of_an_editor(self) -> None:
        """For YAML a line also ends at U+2028 and at a lone carriage return; no editor and no forge counts those."""
        (document,) = documents("a: 'x\u2028y'\r\nb: 1\r\nc: 2\n")
        assert [document.place((key,)).line for key in "abc"] == [1, 2, 3]

    @given(
        st.lists(st.dictionaries(KEYS, st.text("xyz", min_size=1), min_size=1), min_size=1, max_size=5), st.booleans()
    )
    def test_each_key_is_found_where_it_is_written(self, trees: list[dict[str, str]], json_lines: bool) -> None:
        text = "\n".join(map(json.dumps, trees)) if json_lines else yaml.safe_dump_all(trees)
        lines = text.splitlines()
        for document, tree in zip(documents(text), trees, strict=True):
            for key in tree:
                place = document.place((key,))
                found = lines[place.line - 1][place.column - 1 :]
                assert found.lstrip('"').startswith(key)

    def test_a_line_within_a_block_is_found(self) -> None:
        (document,) = documents("a: 1\nb: |\n  one\n  two\nc: plain\n")
        assert document.line_in(("b",), 1).line == 4
        assert document.line_in(("c",), 0).line == 5

    def test_keys_that_stand_twice_are_told_and_the_last_one_counts(self) -> None:
        (document,) = documents("a: {b: 1,\n  b: 2}\na: {c: 3, c: 4}\n")
        told = [(path, place.line) for path, place in document.keys_twice()]
        assert sorted(told) == [(("a",), 3), (("a", "b"), 2), (("a", "c"), 3)]
        assert document.content == {"a": {"c": 4}}
        assert document.place(("a",)).line == 3


CANARY = "canary-1f9b"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("a: &a [*a]\n", "1:8: not checked, a value that holds itself", id="a list that holds itself"),
        pytest.param("[" * 100_000, "1:101: not checked, nested more than 100 levels deep", id="brackets"),
        pytest.param('{"a":' * 100_000, "nested more than 100 levels deep", id="brackets of JSON"),
        pytest.param("- " * 100_000, "nested more than 100 levels deep", id="dashes"),
        pytest.param("? " * 100_000, "nested more than 100 levels deep", id="question marks"),
        pytest.param("".join(" " * n + "a:\n" for n in range(300)), "nested more than 100 levels", id="indentation"),
        pytest.param("a\tb: \x01", "1:6: not checked, not YAML: control characters are not allowed", id="a control"),
        pytest.param(f"\ta: {CANARY}\n", "1:1: not checked, not YAML: found character that cannot start", id="a tab"),
        pytest.param(f"a: {CANARY}\n\tb: 1\n", "2:1: not checked, not YAML", id="a tab within"),
        pytest.param(f"a: '{CANARY}\n", "not YAML: found unexpected end of stream", id="an open quote"),
        pytest.param(f"a: *{CANARY}\n", "1:4: not checked, not YAML: found undefined alias", id="an unknown alias"),
        pytest.param(f"? [{CANARY}]\n: 1\n", "1:3: not checked, a key that is no text", id="a list as a key"),
        pytest.param("a: {{ .Values.x }}\n", "1:5: not checked, a template has to be rendered first", id="a template"),
        pytest.param("{{ if x }}\na: 1\n{{ end }}\n", "a template has to be rendered first", id="a block template"),
        pytest.param('{"a": tru}x', "not checked, neither YAML nor JSON", id="broken JSON"),
        pytest.param("a: ü\n".encode("utf-16-le"), "1:1: not checked, it holds NUL characters", id="UTF-16 unsaid"),
        pytest.param(b"a: 1\nb: \xe9\n", "2:4: not checked, it is not UTF-8", id="Latin-1"),
        pytest.param(b"\xff\xfea", "not checked, it is not UTF-16", id="half of a UTF-16 character"),
        pytest.param("a: [1,\n" * 200_000, "nested more than 100 levels deep", id="deep and long"),
        pytest.param("- 1\n" * 500_001, "more than 500,000 values", id="more values than anybody writes"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_place_and_cause(text: str | bytes, told: str) -> None:
    found = unchecked(text)
    assert len(found) == 1
    assert told in found[0]
    assert CANARY not in found[0]


def test_a_bomb_of_aliases_is_told_before_anything_is_built() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30))
    tracemalloc.start()
    try:
        found = unchecked(bomb)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "more than 500,000 values, or as much text, with what aliases stand for" in found[0]
    assert peak_bytes < 10 * 2**20


def test_one_broken_document_hides_no_other() -> None:
    found = list(read(b"a: 1\n---\nb: [\n---\n\tc: 2\n---\nd: 4\n", "f.yaml"))
    assert [type(each).__name__ for each in found] == ["Document", "NotChecked", "NotChecked", "Document"]
    assert [str(each).split(": ")[0] for each in found[1:3]] == ["f.yaml:4:1", "f.yaml:5:1"]


@given(st.binary(max_size=300))
def test_no_bytes_end_a_review(content: bytes) -> None:
    for each in read(content, "f.yaml"):
        assert isinstance(each, Document | NotChecked)


@given(st.text("{}[]:,-?&*a!|>'\"\\\n\t #%<", max_size=60))
def test_nor_does_anything_that_looks_like_yaml(text: str) -> None:
    for each in read(text.encode(), "f.yaml"):
        if isinstance(each, Document):
            assert each.place().line >= 1
            assert list(each.keys_twice()) is not None


def test_ten_times_the_documents_take_ten_times_the_events_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted and not timed: how many characters are handed to libyaml for a text of broken documents."""
    real = nodes.Composer
    seen: list[int] = []

    def counted(piece: str) -> nodes.Composer:
        seen.append(len(piece))
        return real(piece)

    monkeypatch.setattr(stream, "Composer", counted)

    def handed(count: int) -> int:
        seen.clear()
        assert len(unchecked("---\n@\n" * count)) == count
        return sum(seen)

    assert handed(1000) == 10 * handed(100)
