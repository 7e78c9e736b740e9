"""A table whose columns fit, whatever stands in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.following import table as table_module
from cli.following.table import table

_ACCENTED = "e\u0301" * 6


def test_columns_are_as_wide_as_what_stands_in_them_and_lines_end_without_blanks() -> None:
    assert list(table(["A", "LONG", "C"], [["one", "x", ""], ["y", "z", "end"]])) == [
        "A    LONG  C",
        "one  x",
        "y    z     end",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("abcdef", "abcdef"), ("abcdefg", "abcde…"), ("日本語", "日本語"), ("日本語x", "日本…"), (_ACCENTED, _ACCENTED)],
)
def test_long_texts_are_cut_by_columns(text: str, expected: str) -> None:
    assert list(table(["A"], [[text]], 6))[1] == expected
    assert list(table(["A"], [[text]]))[1] == text


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5), st.none() | st.integers(1, 10))
def test_a_line_is_a_line(cells: list[tuple[str, str]], most: int | None) -> None:
    """No text of somebody else's begins a line of its own, or moves the cursor."""
    found = list(table(["A", "B"], cells, most))
    assert len(found) == len(cells) + 1
    assert not any(character in line for line in found for character in "\x1b\n\r\x9b\u2028")


def test_a_quarter_of_a_megabyte_is_cut_even_if_nothing_is() -> None:
    assert len(list(table(["A"], [["x" * 262_144]]))[1]) < 4096


def test_a_long_text_costs_so_much_a_character_and_not_more(monkeypatch: pytest.MonkeyPatch) -> None:
    # A path may have letters of every script, and an object a thousand paths.
    looked_at: list[str] = []
    columns = table_module._columns

    def counted(character: str) -> int:
        looked_at.append(character)
        return columns(character)

    monkeypatch.setattr(table_module, "_columns", counted)
    assert list(table(("A",), [["日" * 5000]], 10)) == ["A", "日日日日…"]
    assert len(looked_at) < 20_000
