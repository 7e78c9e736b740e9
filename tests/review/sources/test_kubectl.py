"""Texts of YAML and what kubectl makes of them.

`kubectl_reads.json` has what k8s.io/apimachinery 0.36.3 (`NewYAMLOrJSONDecoder`, with sigs.k8s.io/yaml 1.6.0) returned
for each text: the objects of the stream without empty ones, or that it refused it.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from review.sources.stream import Document, read

CASES = json.loads(Path(__file__).with_name("kubectl_reads.json").read_text())
READ = [case for case in CASES if case["kubectl"] != "refuses"]
REFUSED = [case["text"] for case in CASES if case["kubectl"] == "refuses"]
# A text for a number in JSON with a half of a character, which is in no YAML, and the tag `!`, which nobody writes.
OTHERWISE = {'{"a": "\\ud800"}', "a: ! 12\n"}
# kubectl stops at the end mark, and does not say that it has not read on.
TOLD = {"a: 1\n...\nb: 2\n"}


def looked_at(text: str) -> tuple[list[Any], list[str]]:
    found = list(read(text.encode(), "f.yaml"))
    contents = [each.content for each in found if isinstance(each, Document)]
    return contents, [str(each) for each in found if not isinstance(each, Document)]


def kind(value: Any) -> Any:
    """Return a value with the types that JSON knows: 8 and 8.0 are one number, and true is none."""
    if isinstance(value, dict):
        return {key: kind(member) for key, member in value.items()}
    if isinstance(value, list):
        return [kind(member) for member in value]
    return ("number", float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


@pytest.mark.parametrize("case", READ, ids=lambda case: ascii(case["text"])[:50])
def test_what_kubectl_reads_is_read_the_same(case: dict[str, Any]) -> None:
    contents, unchecked = looked_at(case["text"])
    if case["text"] in OTHERWISE:
        assert len(contents) == 1
        return
    assert kind(contents) == kind(case["kubectl"])
    assert bool(unchecked) == (case["text"] in TOLD)


def test_there_is_an_answer_to_what_kubectl_refuses() -> None:
    assert len(REFUSED) > 50
    for text in REFUSED:
        contents, unchecked = looked_at(text)
        assert contents or unchecked, ascii(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("on: 1\n", ("true", 1, 1)),
        ("a: {0x10: b}\n", ("a/16", 1, 5)),
        ("x: &x {p: 1}\nv:\n  p: 2\n  <<: *x\n", ("v/p", 1, 8)),
        ("x: &x {p: 1}\nv:\n  <<: *x\n  p: 2\n", ("v/p", 4, 3)),
        ("a: &x 1\nb: &x 2\nc: *x\n", ("c", 3, 1)),
    ],
)
def test_a_key_that_is_another_text_to_kubectl_is_found_where_it_stands(text: str, place: tuple[str, int, int]) -> None:
    (document,) = [each for each in read(text.encode(), "f.yaml") if isinstance(each, Document)]
    path, line, column = place
    found = document.place(tuple(path.split("/")))
    assert (found.line, found.column) == (line, column)


def test_a_key_that_is_merged_in_and_written_too_stands_once() -> None:
    text = "x: &x {p: 1}\nv: {<<: *x, p: 2}\nz: {p: 1, <<: *x}\nt: {yes: 1, on: 2}\n"
    (document,) = [each for each in read(text.encode(), "f.yaml") if isinstance(each, Document)]
    assert [path for path, _ in document.keys_twice()] == [("t", "true")]
