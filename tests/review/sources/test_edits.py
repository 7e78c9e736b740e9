"""What edits make of texts, one by one; the law that holds for all of them is in `test_edits_law`."""

import json
from pathlib import Path
from typing import Any

import pytest

from review.sources.edits import Edit, NotProved, Put, Remove, Replace, edited
from review.sources.text import Text, decode
from review.sources.writing import NotWritten, encoded, write

ANNOTATION = ("metadata", "annotations", "data.keyhole.dev/x")
SECRET = """\
---  # first
kind: Secret
metadata:
  name: app   # its name
  # note
data:
  # a key
  password: abc  # pw
  other: 'x'
# end
"""


def edit(text: str, *edits: Edit, number: int = 1) -> str:
    return edited(Text("f.yaml", text), {number: edits})


def refused(text: str, *edits: Edit) -> str:
    with pytest.raises(NotProved) as raised:
        edit(text, *edits)
    return raised.value.reason


class TestPut:
    def test_a_new_annotation_stands_behind_what_is_there(self) -> None:
        expected = SECRET.replace(
            "its name\n", "its name\n  annotations:\n    data.keyhole.dev/x: vault:secret/app#p\n"
        )
        assert edit(SECRET, Put(ANNOTATION, "vault:secret/app#p")) == expected

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("other: 'x'", "other: 'it''s'"),
            ('other: "x"', 'other: "it\'s"'),
            ("other: x  # c", "other: it's  # c"),
            ("other: |\n    x\n", "other: |-\n    it's\n"),
            ("other:  # c", "other: it's  # c"),
        ],
    )
    def test_a_text_keeps_its_style(self, before: str, after: str) -> None:
        text = f"data:\n  {before}\nkind: Secret\n"
        assert edit(text, Put(("data", "other"), "it's")) == f"data:\n  {after}\nkind: Secret\n"

    def test_of_a_literal_block_only_the_lines_that_differ_change(self) -> None:
        text = "data:\n  c: |  # c\n    k: v\n    p: <path:x#y>  \n\n    z: 1\n  # e\n"
        edited_text = edit(text, Put(("data", "c"), "k: v\np: ((vault:x#y))  \n\nz: 1\n"))
        assert edited_text == text.replace("<path:x#y>", "((vault:x#y))")

    @pytest.mark.parametrize(
        "value", ["true", "y", "012", "1e3", "~", "", " x", "a: b", "a #b", "-", "*a", "@a", "\u0085"]
    )
    def test_a_text_stays_a_text_where_plain_ones_stand(self, value: str) -> None:
        text = edit("data:\n  a: b\n", Put(("data", "a"), value))
        assert text not in {f"data:\n  a: {value}\n", "data:\n  a: b\n"}

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("annotations: {}", "annotations:\n    k: v"),
            ("annotations: {}  # c", "annotations:  # c\n    k: v"),
            ("annotations: # c", "annotations: # c\n    k: v"),
            ("annotations: ~", "annotations:\n    k: v"),
            ("annotations: {a: b}", 'annotations: {a: b, "k": "v"}'),
            ("annotations: {a: b,}", 'annotations: {a: b, "k": "v",}'),
        ],
    )
    def test_an_empty_map_is_filled(self, before: str, after: str) -> None:
        text = f"metadata:\n  {before}\n  name: x\n"
        assert edit(text, Put(("metadata", "annotations", "k"), "v")) == f"metadata:\n  {after}\n  name: x\n"

    def test_json_stays_json(self) -> None:
        text = '{"metadata": {\n  "name": "x"\n},\n "data": {"a": 5}}'
        result = edit(text, Put(ANNOTATION, "v\n"), Put(("data", "a"), "x"))
        assert json.loads(result) == {
            "metadata": {"name": "x", "annotations": {ANNOTATION[2]: "v\n"}},
            "data": {"a": "x"},
        }
        assert result.count("\n") == text.count("\n") + 1

    def test_line_ends_stay_as_they_are(self) -> None:
        text = "metadata:\r\n  name: x\r\n\r\n  # c\r\ndata:\r\n  a: |\r\n    foo\r\n"
        result = edit(text, Put(ANNOTATION, "v"), Put(("data", "a"), "bar\nbaz\n"), Put(("data", "b"), "x\ny\n"))
        assert result.count("\n") == result.count("\r\n") == text.count("\r\n") + 6

    def test_the_other_documents_stay(self) -> None:
        text = "a: 1 # x\n---\nb: [ 1,2 ]\n...\n---\n# c\nc: 3\n"
        assert edit(text, Put(("c",), "z"), number=3) == text.replace("c: 3", "c: z")


class TestRemove:
    def test_maps_that_hold_nothing_else_go_with_it(self) -> None:
        text = SECRET.replace("  # a key\n", "")
        left = text.replace("  password: abc  # pw\n", "")
        assert edit(text, Remove(("data", "password"), prune=True)) == left
        gone = edit(text, Remove(("data", "password"), prune=True), Remove(("data", "other"), prune=True))
        assert gone == left.replace("data:\n  other: 'x'\n", "")

    def test_an_item_goes_with_its_dash(self) -> None:
        text = "spec:\n- env:\n  - name: X\n    value: a\n  - name: Y\n  image: b\n"
        assert edit(text, Remove(("spec", 0, "env", 0))) == "spec:\n- env:\n  - name: Y\n  image: b\n"

    def test_the_first_key_of_an_item_leaves_the_dash_to_the_next_one(self) -> None:
        text = "spec:\n- env:\n  - name: X\n  image: b\n"
        assert edit(text, Remove(("spec", 0, "env", 0), prune=True)) == "spec:\n- image: b\n"

    def test_in_braces_the_comma_goes_too(self) -> None:
        text = "data: {a: b, c: d, e: f}\n"
        assert edit(text, Remove(("data", "a"))) == "data: {c: d, e: f}\n"
        assert edit(text, Remove(("data", "e"))) == "data: {a: b, c: d}\n"
        assert edit("data: {a: b}\nk: v\n", Remove(("data", "a"))) == "data: {}\nk: v\n"


class TestReplace:
    def test_the_comments_stay_above(self) -> None:
        text = f"a: 1\n{SECRET}---\nb: 2\n"
        result = edit(text, Replace({"kind": "X", "a": "#x\ny\n", "on": "y"}), number=2)
        assert result == (
            "a: 1\n---  # first\n# its name\n# note\n# a key\n# pw\n# end\n"
            'kind: X\na: |\n  #x\n  y\n"on": "y"\n---\nb: 2\n'
        )

    def test_json_stays_json(self) -> None:
        assert json.loads(edit('{"kind": "A"}', Replace({"kind": "B"}))) == {"kind": "B"}


@pytest.mark.parametrize(
    ("text", "change", "reason"),
    [
        ("a: &x b\nc: *x\n", Put(("a",), "z"), "could not be read"),
        ("a: &x {b: c}\nd: *x\n", Put(("d", "b"), "z"), "something else"),
        ("x: &x {b: c}\nd:\n  <<: *x\n", Remove(("d", "b")), "merge key"),
        ("data:\n  c: |\n    open end", Put(("data", "z"), "v"), "end the file with a line break"),
        ("a: b\n", Put(("a", "c"), "d"), "no map"),
        ("a: [b]\n", Put(("a", 3), "d"), "list"),
        ("a: 1\na: 2\n", Remove(("a",)), "something else"),
        ("%YAML 1.1\n---\na: 1\n---\nb: 1\n", Put(("a",), "d"), "directives"),
        ("data:\n  # c\n  a: b\n", Remove(("data", "a")), "comment"),
    ],
)
def test_what_cannot_be_proved_is_refused(text: str, change: Any, reason: str) -> None:
    assert reason in refused(text, change)


def test_a_refusal_quotes_nothing() -> None:
    text = "canary-key: &canary-anchor canary-value\nc: *canary-anchor\n"
    with pytest.raises(NotProved) as raised:
        edit(text, Put(("c",), "canary-new"))
    assert "canary" not in f"{raised.value!s}{raised.value!r}{raised.value.__context__!r}{Put(('c',), 'canary-new')!r}"


class TestWriting:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_the_encoding_stays(self, encoding: str) -> None:
        before = "ä: 1\r\n".encode(encoding)
        assert encoded(before, decode(before)) == before

    def test_a_file_keeps_its_mode_and_a_link_stays_one(self, tmp_path: Path) -> None:
        real, link = tmp_path / "a.yaml", tmp_path / "link.yaml"
        real.write_bytes(b"a: 1\n")
        real.chmod(0o640)
        link.symlink_to(real)
        write(link, b"a: 1\n", "a: 2\n")
        assert real.read_bytes() == b"a: 2\n"
        assert real.stat().st_mode & 0o777 == 0o640
        assert link.is_symlink()
        assert {each.name for each in tmp_path.iterdir()} == {"a.yaml", "link.yaml"}

    def test_a_file_that_has_changed_meanwhile_stays(self, tmp_path: Path) -> None:
        file = tmp_path / "a.yaml"
        file.write_bytes(b"a: 3\n")
        with pytest.raises(NotWritten, match="changed since"):
            write(file, b"a: 1\n", "a: 2\n")
        assert file.read_bytes() == b"a: 3\n"
        assert len(list(tmp_path.iterdir())) == 1
