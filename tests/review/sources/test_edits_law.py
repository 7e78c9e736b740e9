"""The law of edits: the result means what was intended and nothing beside it changes, or nothing is edited."""

import json
import os
from collections.abc import Iterator, Sequence
from itertools import pairwise, takewhile
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from yaml.nodes import MappingNode

from review.sources.edits import Edit, NotProved, Put, Remove, edited
from review.sources.nodes import Path
from review.sources.stream import Document, read_text
from review.sources.text import Text
from tests.review.sources.manifests import KEYS, SHARED, TEXTS, stream

EXAMPLES = int(os.environ.get("KEYHOLE_EDITS", "80"))


def documents(text: str) -> dict[int, Document]:
    return {found.number: found for found in read_text(Text("f.yaml", text)) if isinstance(found, Document)}


def an_edit(random: Random, content: Any) -> Put | Remove:
    """Return an edit as they come: an annotation more, another text, something that goes."""
    paths = [path for path in paths_in(content) if path]
    strings = [path for path in paths if isinstance(at(content, path), str)]
    what = random.choice(("annotation", "key", "text", "text", "remove", "prune"))
    if what == "text":
        return Put(random.choice(strings), random.choice(TEXTS))
    if what in {"annotation", "key"}:
        parents = ("metadata", "annotations") if what == "annotation" else (random.choice(("data", "stringData")),)
        return Put((*parents, random.choice(KEYS)), random.choice(TEXTS))
    return Remove(random.choice(paths), prune=what == "prune")


def paths_in(content: Any, path: Path = ()) -> list[Path]:
    members = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [path, *(found for key, member in members for found in paths_in(member, (*path, key)))]


def at(content: Any, path: Path) -> Any:
    for step in path:
        content = content[step]
    return content


def after(content: Any, edit: Put | Remove) -> Any:
    """Say by itself what an edit is to do."""
    content = json.loads(json.dumps(content))  # nothing is shared in it
    if isinstance(edit, Put):
        last = edit.path[-1]
        holder = content
        for here, _ in pairwise(edit.path):
            if isinstance(holder, dict) and holder.get(here) is None:
                holder[here] = {}
            holder = holder[here]
        holder[last] = edit.value
        return content
    path = edit.path
    del at(content, path[:-1])[path[-1]]
    while edit.prune and len(path) > 1 and not at(content, path := path[:-1]):
        del at(content, path[:-1])[path[-1]]
    return content


def touched(document: Document, edit: Put | Remove) -> tuple[int, int]:
    """Return the first line that an edit may change and the first one behind it: of what is there of its path."""
    path = edit.path if not isinstance(edit, Put) else edit.path[: reach(document.content, edit.path)]
    if isinstance(edit, Remove):
        # What goes may leave its holder empty, which is then written as such or goes itself.
        while len(path) > 1 and len(at(document.content, path[:-1])) == 1:
            path = path[:-1]
        if is_within_braces(document, path):
            path = path[:-1]
    if len(path) <= 1 and isinstance(edit, Put) and len(path) < len(edit.path):
        return document.place().line, document.text.place(document.end, document.end).line + 1
    inner = list(paths_in(at(document.content, path)))
    places = [document.place((*path, *below)) for below in inner]
    # In JSON, braces that close follow on lines of their own.
    braces = max(map(len, inner)) if is_json(document) else 0
    # In JSON, the comma of the member before goes with the last one.
    first = min(place.line for place in places) - is_json(document)
    # The first key of an item leaves its dash to the next line.
    dash = len(path) > 1 and isinstance(path[-2], int)
    return max(first, 1), max(place.end_line for place in places) + 2 + dash + braces


def reach(content: Any, path: Path) -> int:
    for number, step in enumerate(path):
        if content is None or isinstance(content, str) or (isinstance(content, dict) and step not in content):
            return number
        content = content[step]
    return len(path)


def alike(one: Sequence[str], other: Sequence[str]) -> Iterator[object]:
    return takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))


def is_json(document: Document) -> bool:
    return isinstance(document.root, MappingNode) and bool(document.root.flow_style)


def is_within_braces(document: Document, path: Path) -> bool:
    place = document.place(path)
    line = document.text.content.split("\n")[place.line - 1]
    return "{" in line[: place.column] or "[" in line[: place.column]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 2**32))
def test_an_edit_does_what_was_intended_and_nothing_else(seed: int) -> None:
    random = Random(seed)
    text = stream(random)
    before = documents(text)
    number = random.choice(list(before))
    edit = an_edit(random, before[number].content)
    try:
        result = edited(Text("f.yaml", text), {number: [edit]})
    except NotProved:
        return
    found = documents(result)
    assert found.keys() == before.keys()
    for each, document in found.items():
        expected = after(before[each].content, edit) if each == number else before[each].content
        assert document.content == expected
    if edit.path[0] in SHARED:
        return  # an alias stands in another line than its value
    first, behind = touched(before[number], edit)
    old, new = text.split("\n"), result.split("\n")
    assert new[: first - 1] == old[: first - 1]
    kept = old[behind - 1 :]
    assert new[len(new) - len(kept) :] == kept


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 2**32))
def test_lines_are_only_added_for_a_new_key(seed: int) -> None:
    random = Random(seed)
    text = stream(random)
    before = documents(text)
    number = random.choice(list(before))
    put = Put(("metadata", "annotations", "keyhole.dev/new"), "vault:secret/app#key")
    try:
        result = edited(Text("f.yaml", text), {number: [put]})
    except NotProved:
        return
    old, new = text.split("\n"), result.split("\n")
    above = len(list(alike(old, new)))
    rest, grown = old[above:], new[above:]
    below = len(list(alike(rest[::-1], grown[::-1])))
    # The line that a map in braces stands on, or an empty one, or the comma behind the last member in JSON.
    assert len(rest) - below <= 2, rest
    assert all("{" in line or "annotations" in line or '"' in line for line in rest[: len(rest) - below])


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 2**32))
def test_several_edits_are_one_after_another(seed: int) -> None:
    random = Random(seed)
    text = stream(random)
    number = random.choice(list(documents(text)))
    edits: list[Edit] = []
    by_one = text
    for _ in range(3):
        edit = an_edit(random, documents(by_one)[number].content)
        try:
            by_one = edited(Text("f.yaml", by_one), {number: [edit]})
        except NotProved:
            continue
        edits.append(edit)
        if not documents(by_one)[number].content.get("kind"):
            break
    assert edited(Text("f.yaml", text), {number: edits}) == by_one


def test_little_is_refused() -> None:
    refused = []
    for seed in range(200):
        random = Random(seed)
        text = stream(random, open_end=False, aliases=False)
        number, document = random.choice(list(documents(text).items()))
        try:
            edited(Text("f.yaml", text), {number: [an_edit(random, document.content)]})
        except NotProved as error:
            refused.append((seed, error.reason))
    assert len(refused) <= 4, refused
