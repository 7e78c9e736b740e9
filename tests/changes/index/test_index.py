"""What is in an index after trails have been read: whole, torn, twice, in any order, beside other text."""

import gzip
import json
import os
import random
import stat
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from audit.entry import Done
from audit.line import MAX_LINE_BYTES, Event, Head, sign
from changes import answers
from changes.change import How
from changes.index.index import BATCH_LINES, Index, NoIndex, Taken
from changes.wanted import Wanted
from tests.changes import sample
from tests.changes.index import indexed

STORY = list(sample.lines(sample.story()))
HEADING = {
    "time": "2026-11-02T08:00:00Z",
    "object": {"group": "", "kind": "Secret", "namespace": "shop", "name": "app"},
    "outcome": {"allowed": True, "status": 200},
}


def test_a_story_is_told_as_it_happened() -> None:
    found = indexed.changes(indexed.of_story(), Wanted(namespace="shop", name="db"))
    told = [(each.requester, each.operation, [(one.how, one.field.pointer) for one in each.fields]) for each in found]
    assert told == [
        (sample.ALICE.username, "UPDATE", [(How.REMOVED, "/data/password")]),
        ("system:serviceaccount:shop:keyhole-reconciler", "UPDATE", [(How.VERSION, "/data/password")]),
        (sample.ALICE.username, "UPDATE", [(How.REFERENCE, "/data/password")]),
        (sample.FLUX.username, "CREATE", [(How.ADDED, "/data/password")]),
    ]
    (rotated,) = found[1].fields
    assert [(each.text, each.version) for each in rotated.field.before or ()] == [("vault:secret/shop/db#password", 3)]
    assert [(each.text, each.version) for each in rotated.field.references] == [("vault:secret/shop/db#password", 4)]
    assert rotated.field.references[0].request_id
    assert found[3].origin is not None
    assert found[3].origin.name == "apps"


def test_what_changes_nothing_is_counted_and_not_listed() -> None:
    """An admission that kept everything, a dry run, a refusal."""
    index = indexed.of_story()
    state = answers.state(index.database)
    assert (state.admissions, state.changes) == (len(sample.story()), len(sample.story()) - 3)
    assert not indexed.changes(index, Wanted(name="broken"))
    assert state.newest == sample.story()[-1].time


def test_an_admission_of_several_lines_is_one_change() -> None:
    assert len(STORY) > len(sample.story()) + 1
    (large,) = indexed.changes(indexed.of_story(), Wanted(name="many"))
    assert len(large.fields) == 150
    assert len({each.field.pointer for each in large.fields}) == 150


def test_the_references_of_one_field_may_lie_on_several_lines() -> None:
    references = [sample.ref(f"vault:secret/{number:01000d}#key", 1) for number in range(120)]
    before = [sample.ref(f"vault:secret/{number:01000d}#old", 1) for number in range(120)]
    entry = replace(sample.entry("shop", "app", sample.ALICE), fields=[sample.resolved("/data/k", "x", 1)])
    entry = replace(entry, fields=[replace(entry.fields[0], references=references, before=before)])
    lines = list(sample.lines([entry]))
    assert len(lines) > 4
    (change,) = indexed.changes(indexed.of(lines))
    (field,) = change.fields
    assert [each.text for each in field.field.references] == [each.text for each in references]
    assert [each.text for each in field.field.before or ()] == [each.text for each in before]
    assert len(indexed.changes(indexed.of(lines), Wanted(reference=before[7].text))) == 1


def test_an_admission_whose_lines_are_not_all_there_has_not_happened_yet() -> None:
    """Keyhole refuses it if it cannot write all of them."""
    (first,) = (number for number, line in enumerate(STORY) if b'"part":1' in line)
    without = [line for number, line in enumerate(STORY) if number != first + 1]
    index = indexed.of(without)
    assert answers.state(index.database).unfinished == 1
    assert not indexed.changes(index, Wanted(name="many"))
    index.read_stream(BytesIO(STORY[first + 1]))
    assert answers.state(index.database).unfinished == 0
    assert len(indexed.changes(index, Wanted(name="many"))) == 1


@pytest.mark.parametrize("seed", range(5))
def test_lines_may_come_in_any_order_and_twice(seed: int) -> None:
    lines = [*STORY, *STORY]
    random.Random(seed).shuffle(lines)
    index = Index()
    taken = index.read_stream(BytesIO(b"".join(lines)))
    assert taken == Taken(new=len(STORY), known=len(STORY))
    assert indexed.told(index) == indexed.told(indexed.of_story())
    (chain,) = answers.state(index.database).chains
    assert (chain.lines, chain.missing, chain.ended) == (len(STORY), 0, False)


def test_missing_lines_and_chains_without_end_are_told() -> None:
    index = indexed.of(
        [
            *(line for number, line in enumerate(sample.lines(sample.story(), f"{1:032x}", ends=True)) if number != 3),
            *sample.lines(sample.story()[:2], f"{2:032x}", ends=True),
            *sample.lines(sample.story()[:2], f"{3:032x}"),
        ]
    )
    told = {each.name[-1]: (each.missing, each.ended) for each in answers.state(index.database).chains}
    assert told == {"1": (1, True), "3": (0, False)}


def test_the_first_of_two_lines_with_the_same_number_counts() -> None:
    """Which of them is genuine, only `keyhole audit verify` can say."""
    forged = list(sample.lines([replace(sample.story()[0], requester=sample.BOB)]))
    index = indexed.of([*STORY, *forged])
    assert [each.requester for each in indexed.changes(index)][-1] == sample.FLUX.username


def test_an_old_trail_tells_what_came_and_not_what_was_there() -> None:
    entries = [
        replace(entry, origin=None, fields=[replace(one, before=None) for one in entry.fields])
        for entry in sample.story()
    ]
    old = [line.replace(b'"v":2}\n', b'"v":1}\n') for line in sample.lines(entries)]
    found = indexed.changes(indexed.of(old), Wanted(name="db", namespace="shop"))
    assert [each.fields[0].how for each in found] == [How.REMOVED, How.ADDED, How.ADDED, How.ADDED]


def test_a_field_whose_text_changed_around_the_same_reference_changed() -> None:
    field = sample.resolved("/data/url", "vault:secret/db#user", 4, [sample.ref("vault:secret/db#user", 4)])
    (change,) = indexed.changes(
        indexed.of(sample.lines([replace(sample.entry("shop", "app", sample.BOB), fields=[field])]))
    )
    assert [each.how for each in change.fields] == [How.TEXT]


def test_other_text_may_stand_between_lines_and_before_them() -> None:
    text = b"".join(
        b'starting\n{"not": "a trail"}\n\xff\xfe\0\n2026-11-02T08:00:00.123456789Z ' + line for line in STORY
    )
    index = Index()
    taken = index.read_stream(BytesIO(text))
    assert (taken.new, taken.other) == (len(STORY), 3 * len(STORY))
    assert indexed.told(index) == indexed.told(indexed.of_story())


def test_a_line_behind_the_fragment_of_another_one_is_read() -> None:
    index = indexed.of([STORY[0], STORY[3][:200] + STORY[1], STORY[2], STORY[3]])
    assert answers.state(index.database).chains[0].lines == 4


def _line(record: bytes, sequence: int = 0) -> bytes:
    return sign(sample.KEY, Event.ADMISSION, Head(f"{9:032x}", sequence - 1, "0" * 64), record)[0]


HOSTILE_RECORDS = {
    "deep": b'{"uid":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep, unknown": b'{"uid":"u","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "no JSON": b"{nothing}",
    "cut": b'{"uid":"u","fields":[{}',
    "no object": b"{}",
    "types": b'{"uid":1}',
    "time": b'{"uid":"u","time":"yesterday"}',
    "year": json.dumps({"uid": "u", **HEADING, "time": "0001-01-01T00:00:00+14:00"}).encode(),
    "no zone": json.dumps({"uid": "u", **HEADING, "time": "2026-11-02T08:00:00"}).encode(),
    "part": b'{"uid":"u","part":7,"parts":3}',
    "parts": b'{"uid":"u","part":2,"parts":99999999999999999999999}',
    "bytes": b'{"uid":"\xff\xfe"}',
    "half a surrogate": b'{"uid":"\\ud800"}',
}


@pytest.mark.parametrize("name", HOSTILE_RECORDS)
def test_a_record_that_no_keyhole_writes_is_counted_and_stops_nothing(name: str) -> None:
    index = Index()
    taken = index.read_stream(BytesIO(_line(HOSTILE_RECORDS[name]) + b"".join(STORY)))
    assert (taken.new, taken.unreadable) == (len(STORY), 1)
    assert indexed.told(index) == indexed.told(indexed.of_story())


def test_a_line_that_is_too_long_is_none() -> None:
    index = Index()
    taken = index.read_stream(BytesIO(b"x" * 3 * MAX_LINE_BYTES + b"\n" + b"".join(STORY)))
    assert taken.new == len(STORY)


def test_numbers_beyond_those_of_a_database_are_refused_and_stop_nothing() -> None:
    reference = {"text": "vault:a#b", "version": 10**40}
    field = {"pointer": "/data/k", "form": "annotation", "done": "resolved", "references": [reference], "before": []}
    record = json.dumps({"uid": "u", **HEADING, "fields": [field]}).encode()
    index = Index()
    index.read_stream(BytesIO(_line(record, 10**17) + b"".join(STORY)))
    assert len(indexed.changes(index)) >= len(sample.story()) - 3
    assert any(each.missing == 10**17 for each in answers.state(index.database).chains)


@pytest.mark.parametrize("name", sample.HOSTILE)
def test_hostile_names_are_found_again_and_harm_nothing(name: str) -> None:
    index = indexed.of_story()
    (change,) = indexed.changes(index, Wanted(requester=name))
    assert change.requester == name
    assert change.fields[0].field.references[0].text == f"vault:secret/{name}#key"
    assert indexed.changes(index, Wanted(reference=f"vault:secret/{name}#key")) == [change]
    assert not indexed.changes(index, Wanted(name=name))
    assert len(indexed.changes(index)) == len(sample.story()) - 3


def test_no_value_is_in_an_index(tmp_path: Path) -> None:
    """Members that Keyhole does not write are not taken along, whoever wrote them."""
    record = {"uid": "u", **HEADING, "value": sample.CANARY, "milliseconds": sample.CANARY, "logins": [sample.CANARY]}
    field = {"pointer": "/data/k", "form": "annotation", "done": "resolved", "value": sample.CANARY, "before": []}
    text = json.dumps({**record, "fields": [field], "part": 1, "parts": 2}).encode()
    index = Index(tmp_path / "index")
    index.read_stream(BytesIO(_line(text)))
    index.read_stream(BytesIO(_line(json.dumps({**record, "fields": [field]}).encode(), 7)))
    index.settle()
    assert answers.state(index.database).changes == 1
    assert sample.CANARY.encode() not in indexed.everything_in(tmp_path / "index")


def test_an_index_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "index"
    before = os.umask(0)
    try:
        index = Index(file)
        index.read_stream(BytesIO(b"".join(STORY)))
        modes = {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == {0o600}


def test_what_is_no_index_is_refused_and_left_alone(tmp_path: Path) -> None:
    text, other, newer = tmp_path / "text", tmp_path / "other", tmp_path / "newer"
    text.write_text("apples and pears\n" * 1000)
    with Index(other).database as database:
        database.execute("PRAGMA user_version = 0")
    with Index(newer).database as database:
        database.execute("PRAGMA user_version = 99")
    for file, problem in (
        (text, "no index"),
        (other, "something else"),
        (newer, "another version"),
        (tmp_path, "directory"),
    ):
        with pytest.raises(NoIndex, match=problem):
            Index(file)
    assert text.read_text() == "apples and pears\n" * 1000


def test_another_process_may_ask_while_one_writes(tmp_path: Path) -> None:
    file = tmp_path / "index"
    index = Index(file)
    index.read_stream(BytesIO(b"".join(STORY[:5])))
    database = answers.opened(file)
    assert len(indexed.changes(database)) > 0
    index.read_stream(BytesIO(b"".join(STORY)))
    assert indexed.told(database) == indexed.told(index)


def test_batches_are_as_good_as_one() -> None:
    entries = list(sample.more(BATCH_LINES + 10))
    index = indexed.of(sample.lines(entries))
    assert answers.state(index.database).admissions == len(entries)
    assert answers.state(index.database).changes == sum(entry.fields[0].done is Done.RESOLVED for entry in entries)


def test_compressed_files_are_read(tmp_path: Path) -> None:
    file = tmp_path / "audit.log.1.gz"
    file.write_bytes(gzip.compress(b"".join(STORY)))
    index = Index()
    assert index.read_file(file) == Taken(new=len(STORY))
    assert index.read_file(file) == Taken()
