"""How changes of values are counted, over admissions by this version and by one that knows no counters."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.fields.scan import Form
from manifests.provenance.counting import changes, counted, uncounted
from manifests.provenance.record import MOST_CHANGES, Entry, Record, dump, parse

Marks = Mapping[str, int | None]


def record(n: int, marks: Marks) -> Record:
    return Record("0000000a", entries(marks), n=n)


def entries(marks: Marks) -> dict[str, Entry]:
    return {pointer: Entry(Form.ANNOTATION, "vault:s/a#f", n=n) for pointer, n in marks.items()}


def marks_of(found: Mapping[str, Entry]) -> Marks:
    return {pointer: entry.n for pointer, entry in found.items()}


@pytest.mark.parametrize(
    ("live", "fields", "changed", "expected"),
    [
        pytest.param(Record(), "ab", "", (0, {"a": None, "b": None}), id="a new object has no counter"),
        pytest.param(record(0, {"a": None}), "a", "", (0, {"a": None}), id="nor has one that never changed"),
        pytest.param(
            record(0, {"a": None, "b": None}),
            "ab",
            "a",
            (1, {"a": 1, "b": 0}),
            id="the first change gives all fields one",
        ),
        pytest.param(record(1, {"a": 1, "b": 0}), "ab", "", (1, {"a": 1, "b": 0}), id="without a change it stays"),
        pytest.param(record(1, {"a": 1, "b": 0}), "ab", "b", (2, {"a": 1, "b": 2}), id="another field changes"),
        pytest.param(record(1, {"a": 1, "b": 0}), "ab", "ab", (2, {"a": 2, "b": 2}), id="two at once are one change"),
        pytest.param(record(1, {"a": 1, "b": 0}), "a", "b", (2, {"a": 1}), id="a field goes with its value"),
        pytest.param(record(1, {"a": 1}), "ab", "b", (2, {"a": 1, "b": 2}), id="a field comes with a value"),
        pytest.param(record(1, {"a": 1}), "ab", "", (1, {"a": 1, "b": 1}), id="a field comes, its value was there"),
        pytest.param(
            record(3, {"a": 2, "b": None}), "ab", "", (4, {"a": 2, "b": 4}), id="an older version changed a field"
        ),
        pytest.param(
            record(3, {"a": 2, "b": None}), "ab", "a", (5, {"a": 5, "b": 4}), id="it did, and now another one changes"
        ),
        pytest.param(
            record(3, {"a": None, "b": None}), "ab", "", (4, {"a": 4, "b": 4}), id="however often it changed how many"
        ),
        pytest.param(record(3, {"a": 2, "b": None}), "a", "b", (5, {"a": 2}), id="what it changed goes"),
        pytest.param(record(0, {"a": 2}), "a", "", (0, {"a": 2}), id="a mark without a counter is left alone"),
        pytest.param(record(MOST_CHANGES, {"a": 1}), "a", "a", (1, {"a": 1}), id="after the last number comes 1"),
    ],
)
def test_counting(live: Record, fields: str, changed: str, expected: tuple[int, Marks]) -> None:
    # Counters that come with the fields are of another object, or of another time.
    found = counted(live, entries(dict.fromkeys(fields, 77)), set(changed))
    assert (found.n, marks_of(found.entries)) == expected


def test_a_reader_knows_at_once_what_an_older_version_changed() -> None:
    assert changes(record(3, {"a": 2, "b": 3})) == 3
    assert changes(record(3, {"a": 2, "b": None})) == 4
    assert changes(record(0, {"a": None})) == 0


def test_without_counting_a_record_keeps_what_it_has() -> None:
    live = record(3, {"a": 2, "b": None})
    found = uncounted(live, entries({"a": 77, "b": 77, "c": 77}))
    assert (found.n, marks_of(found.entries)) == (3, {"a": 2, "b": None, "c": None})


@pytest.mark.parametrize("text", ["-1", "1.5", '"3"', "true", "null", "[]", str(MOST_CHANGES + 1)])
def test_a_counter_that_keyhole_cannot_have_written_counts_as_none(text: str) -> None:
    written = dump("0000000a", entries({"/data/a": 2}), 3)
    of_record = parse(written.replace('"n":3', f'"n":{text}'))
    assert (of_record.n, list(of_record.entries), of_record.malformed) == (0, ["/data/a"], ["n"])
    of_field = parse(written.replace('"n":2', f'"n":{text}'))
    assert (of_field.entries["/data/a"].n, of_field.malformed, changes(of_field)) == (None, [], 4)


POINTERS = st.sampled_from("abc")
# An admission: which fields have a reference afterwards, which of their values change, and whether an older version
# answers.
STEPS = st.lists(st.tuples(st.frozensets(POINTERS, min_size=1), st.frozensets(POINTERS), st.booleans()), max_size=8)


@given(STEPS)
def test_a_counter_moves_exactly_when_a_value_does(
    steps: list[tuple[frozenset[str], frozenset[str], bool]],
) -> None:
    live = record(1, {"a": 1, "b": 0})
    for wanted, values, is_older in steps:
        # Nobody sees what an older version takes out of a record.
        fields = wanted | live.entries.keys() if is_older else wanted
        # A field that comes or goes changes as well.
        changed = (values & fields) | (live.entries.keys() ^ fields)
        before, is_known = changes(live), None not in marks_of(live.entries).values()
        if is_older:
            live = _by_older(live, fields, changed)
            assert changes(live) == before + (1 if is_known and changed else 0)
        else:
            found = counted(live, entries(dict.fromkeys(fields)), changed)
            live = replace(live, entries=found.entries, n=found.n)
            assert changes(live) == live.n == before + (1 if changed else 0)


def _by_older(live: Record, fields: Collection[str], changed: Collection[str]) -> Record:
    """Return what a version makes of a record that keeps what it does not know, of a field while its value stays."""
    marks = {pointer: None if pointer in changed else live.entries[pointer].n for pointer in fields}
    return replace(live, entries=entries(marks))
