"""What `verify` finds in an audit trail, and that it finds nothing in one that is whole."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.gaps import MOST_GAPS
from audit.line import MAX_LINE_BYTES, NO_MAC, Event, Head, sign
from audit.verify import MOST_FINDINGS, read_lines
from tests.audit.audits import KEY, OTHER_KEY, chain_lines, head_of, problems, verified


@st.composite
def trails(draw: st.DrawFn, min_length: int = 1) -> list[bytes]:
    """Chains of several workers in one file, interleaved."""
    chains = [
        chain_lines(number, draw(st.integers(min_length, 6)), ends=draw(st.booleans()))
        for number in range(draw(st.integers(1, 3)))
    ]
    order = draw(st.permutations([number for number, chain in enumerate(chains) for _ in chain]))
    pending = [iter(chain) for chain in chains]
    return [next(pending[number]) for number in order]


def heads(lines: list[bytes]) -> list[Head]:
    return [chain.head for chain in verified(lines).chains]


@given(trails())
def test_whole_chains_of_several_workers_in_one_file_are_intact(lines: list[bytes]) -> None:
    report = verified(lines, heads=heads(lines))
    assert (report.lines, problems(report), report.intact) == (len(lines), [], True)
    assert sum(chain.lines for chain in report.chains) == len(lines)


@given(trails(), st.data())
def test_any_line_that_is_removed_is_found(lines: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(lines) - 1))
    head = head_of(lines, index)
    rest = lines[:index] + lines[index + 1 :]
    is_last = head in heads(lines)
    found = verified(rest)
    assert found.intact == (is_last and bool(rest))
    assert not verified(rest, heads=heads(lines)).intact
    if not is_last:
        assert problems(found) == ["Missing"]
        assert found.findings[0].chain == head.chain


@given(trails(), st.data())
def test_any_tail_that_is_cut_is_found_by_the_heads(lines: list[bytes], data: st.DataObject) -> None:
    cut = lines[: data.draw(st.integers(0, len(lines) - 1))]
    found = set(problems(verified(cut, heads=heads(lines))))
    assert found & {"TailMissing", "ChainMissing"}


@given(trails(), st.data())
@settings(max_examples=300)
def test_any_byte_that_is_changed_is_found(lines: list[bytes], data: st.DataObject) -> None:
    text = bytearray(b"".join(lines))
    index = data.draw(st.integers(0, len(text) - 1))
    text[index] ^= data.draw(st.integers(1, 255))
    assert not verified(read_lines(io.BytesIO(text))).intact


@given(trails(), st.data())
@settings(max_examples=300)
def test_any_byte_that_is_removed_or_put_in_is_found(lines: list[bytes], data: st.DataObject) -> None:
    text = b"".join(lines)
    index = data.draw(st.integers(0, len(text) - 1))
    put_in = data.draw(st.sampled_from([b"", b"0", b"\n", b" ", b"\0", b"{}\n"]))
    with_it = text[:index] + put_in + text[index + (not put_in) :]
    assert not verified(read_lines(io.BytesIO(with_it))).intact


@given(trails(min_length=2), st.data())
def test_any_two_lines_of_a_chain_that_change_places_are_found(lines: list[bytes], data: st.DataObject) -> None:
    chain = head_of(lines, data.draw(st.integers(0, len(lines) - 1))).chain
    own = [index for index in range(len(lines)) if head_of(lines, index).chain == chain]
    first, second = data.draw(st.lists(st.sampled_from(own), min_size=2, max_size=2, unique=True))
    swapped = list(lines)
    swapped[first], swapped[second] = lines[second], lines[first]
    found = problems(verified(swapped))
    assert set(found) == {"OutOfOrder"}


@given(trails(), st.data())
def test_any_line_that_is_repeated_is_found(lines: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(lines) - 1))
    place = data.draw(st.integers(index + 1, len(lines)))
    found = verified([*lines[:place], lines[index], *lines[place:]])
    assert problems(found) == ["Repeated"]
    assert found.findings[0].place is not None
    assert found.findings[0].place.line == place + 1


@given(trails(), trails(), st.data())
def test_lines_of_someone_without_the_key_are_found(
    lines: list[bytes], others: list[bytes], data: st.DataObject
) -> None:
    forged = chain_lines(data.draw(st.integers(0, 5)), 1, OTHER_KEY)[0]
    with_own_id = forged.replace(OTHER_KEY.id.encode(), KEY.id.encode())
    place = data.draw(st.integers(0, len(lines)))
    for line, problem in ((forged, "UnknownKey"), (with_own_id, "Changed")):
        report = verified([*lines[:place], line, *lines[place:]])
        assert problems(report) == [problem]
        # It does not count, and does not disturb the chain whose name it has.
        assert report.lines == len(lines)


@given(st.lists(st.integers(0, 8), max_size=14), trails(min_length=4))
def test_only_a_chain_in_its_order_from_its_beginning_is_intact(picked: list[int], lines: list[bytes]) -> None:
    chain = chain_lines(7, 9)
    chosen = [chain[index] for index in picked]
    assert verified(chosen).intact == (bool(picked) and picked == list(range(len(picked))))


@given(st.lists(st.binary(max_size=120)))
def test_whatever_a_file_holds_there_is_a_report(texts: list[bytes]) -> None:
    report = verified(read_lines(io.BytesIO(b"".join(texts))))
    assert not report.intact
    assert report.lines == 0


def test_an_empty_file_is_not_intact() -> None:
    assert problems(verified([])) == ["Nothing"]


def test_keys_may_have_changed_between_chains() -> None:
    lines = [*chain_lines(1, 3), *chain_lines(2, 3, OTHER_KEY)]
    report = verified(lines, [KEY, OTHER_KEY])
    assert report.intact
    assert [chain.key_ids for chain in report.chains] == [{KEY.id}, {OTHER_KEY.id}]


def test_missing_lines_are_told_once_with_their_numbers() -> None:
    lines = chain_lines(1, 10)
    report = verified([lines[0], lines[1], lines[5], lines[7]])
    assert [finding.message for finding in report.findings] == [
        "lines 2 to 4 are missing before this one",
        "line 6 is missing before this one",
    ]
    assert [finding.place.line for finding in report.findings if finding.place] == [3, 4]


def test_a_line_that_comes_late_is_not_missing() -> None:
    lines = chain_lines(1, 8)
    report = verified([lines[0], lines[5], lines[3], lines[7]])
    assert [(finding.problem.value, finding.message) for finding in report.findings] == [
        ("Missing", "lines 1 to 2 are missing before this one"),
        ("Missing", "line 4 is missing before this one"),
        ("OutOfOrder", "is line 3 of its chain and comes too late"),
        ("Missing", "line 6 is missing before this one"),
    ]


def test_the_first_line_of_a_chain_is_known_though_it_comes_late() -> None:
    lines = chain_lines(1, 4)
    (chain,) = verified([lines[2], lines[1], lines[3]]).chains
    assert (chain.first, chain.head.sequence, chain.lines) == (1, 3, 3)


def test_a_line_behind_a_piece_of_another_still_counts() -> None:
    lines = chain_lines(1, 3)
    report = verified([lines[0], lines[1][:50] + lines[1], lines[2]])
    assert (report.lines, problems(report)) == (3, ["NotALine"])


def test_a_line_in_the_middle_of_another_still_counts() -> None:
    long, short = chain_lines(1, 3), chain_lines(2, 1)
    torn = long[1][:90] + short[0], long[1][90:]
    report = verified([long[0], *torn, long[2]])
    assert (report.lines, problems(report)) == (3, ["NotALine", "NotALine", "Missing"])


def test_a_last_line_without_its_line_break_is_found() -> None:
    lines = chain_lines(1, 3)
    assert problems(verified([*lines[:2], lines[2][:-1]])) == ["CutShort"]
    assert problems(verified([*lines[:2], lines[2][:-2]])) == ["NotALine"]


def test_a_line_that_is_longer_than_any_of_a_trail_is_found_and_passed_over() -> None:
    lines = chain_lines(1, 2)
    stream = io.BytesIO(lines[0] + b"x" * (5 * MAX_LINE_BYTES) + b"\n" + lines[1])
    texts = list(read_lines(stream))
    assert (len(texts), max(map(len, texts))) == (3, MAX_LINE_BYTES + 1)
    report = verified(texts)
    assert (report.lines, problems(report)) == (2, ["TooLong"])


@pytest.mark.parametrize("size", range(MAX_LINE_BYTES - 1, MAX_LINE_BYTES + 3))
@pytest.mark.parametrize("end", [b"", b"\n", b"\nnext", b"\n" + b"y" * (2 * MAX_LINE_BYTES) + b"\nnext\n"])
def test_lines_are_read_with_limited_memory(size: int, end: bytes) -> None:
    content = b"x" * size + end
    texts = list(read_lines(io.BytesIO(content)))
    assert texts == [line[: MAX_LINE_BYTES + 1] for line in content.splitlines(keepends=True)]


class TestHeads:
    def test_a_chain_may_have_gone_on_since(self) -> None:
        lines = chain_lines(1, 5)
        assert verified(lines, heads=[head_of(lines, 1), head_of(lines, 3)]).intact

    def test_a_chain_that_is_missing_as_a_whole_is_found(self) -> None:
        gone = head_of(chain_lines(2, 5))
        report = verified(chain_lines(1, 2), heads=[gone])
        assert problems(report) == ["ChainMissing"]
        assert report.findings[0].chain == gone.chain

    def test_history_that_someone_with_the_key_wrote_anew_is_found(self) -> None:
        lines = chain_lines(1, 5)
        rewritten = chain_lines(1, 5, ends=True)
        assert problems(verified(rewritten, heads=[head_of(lines, 4)])) == ["OtherHead"]

    def test_a_chain_that_someone_with_the_key_continued_from_elsewhere_is_found(self) -> None:
        lines = chain_lines(1, 3)
        elsewhere, _ = sign(KEY, Event.ADMISSION, Head(head_of(lines).chain, 2, NO_MAC), b"{}")
        assert problems(verified([*lines, elsewhere])) == ["Forked"]

    def test_a_head_in_a_gap_is_told(self) -> None:
        lines = chain_lines(1, 3)
        report = verified([lines[0], lines[2]], heads=[head_of(lines, 1)])
        assert problems(report) == ["Missing", "Missing"]


class TestAfter:
    """Older files are gone, and were verified when they were there."""

    def test_a_chain_may_begin_where_the_last_report_ended(self) -> None:
        lines = chain_lines(1, 6)
        report = verified(lines[3:], after=[head_of(lines, 2)])
        assert report.intact
        assert (report.chains[0].first, report.chains[0].lines) == (3, 3)

    def test_without_it_the_beginning_is_missing(self) -> None:
        report = verified(chain_lines(1, 6)[3:])
        assert [finding.message for finding in report.findings] == ["lines 0 to 2 are missing before this one"]

    def test_a_line_right_behind_it_must_be_there(self) -> None:
        lines = chain_lines(1, 6)
        assert problems(verified(lines[4:], after=[head_of(lines, 2)])) == ["Missing"]

    def test_what_follows_must_follow_that_very_line(self) -> None:
        lines = chain_lines(1, 6)
        other = Head(head_of(lines).chain, 2, NO_MAC)
        assert problems(verified(lines[3:], after=[other])) == ["Forked"]

    def test_a_chain_that_ended_there_need_not_show_up(self) -> None:
        ended = head_of(chain_lines(2, 3))
        report = verified(chain_lines(1, 2), after=[ended])
        assert report.intact
        assert len(report.chains) == 1

    def test_heads_of_that_time_cannot_be_looked_for(self) -> None:
        lines = chain_lines(1, 6)
        known = [head_of(lines, 1), head_of(lines, 2), head_of(lines, 5)]
        assert verified(lines[3:], after=[known[1]], heads=known).intact
        assert problems(verified(lines[3:5], after=[known[1]], heads=known)) == ["TailMissing"]


class TestMixed:
    """The trail among other output."""

    NOISE = (b"2026-08-01 12:00:00 INFO starting\n", b"\n", b"{}\n", b"x" * (MAX_LINE_BYTES + 1))

    def test_other_output_is_passed_over(self) -> None:
        first, second, third = chain_lines(1, 3)
        lines = [self.NOISE[0], first, *self.NOISE[1:], b"2026-08-01T12:00:00Z stdout F " + second, third]
        report = verified(lines, mixed=True)
        assert (report.lines, report.intact) == (3, True)
        assert problems(verified(lines)) == ["NotALine", "NotALine", "NotALine", "TooLong", "NotALine"]

    @given(trails(), st.data())
    @settings(max_examples=200)
    def test_a_changed_line_is_found_all_the_same(self, lines: list[bytes], data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(lines) - 1))
        text = bytearray(lines[index])
        position = data.draw(st.integers(0, len(text) - 2))
        text[position] ^= data.draw(st.integers(1, 255))
        harmed = [*lines[:index], bytes(text), *lines[index + 1 :]]
        again = read_lines(io.BytesIO(b"".join(harmed)))
        assert not verified(again, mixed=True, heads=heads(lines)).intact


def test_however_much_is_wrong_memory_is_limited_and_all_is_counted() -> None:
    lines = chain_lines(1, 2 * (MOST_GAPS + 500))
    report = verified(lines[::2])
    assert (len(report.findings), report.findings_total) == (MOST_FINDINGS, MOST_GAPS + 499)
    assert set(problems(report)) == {"Missing"}
