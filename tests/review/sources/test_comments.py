"""Comments that take findings back: their form, their line, their end."""

from datetime import date

import pytest

from review.sources.comments import BadIgnore, Ignore, ignores
from review.sources.text import Text


def found(content: str) -> list[Ignore | BadIgnore]:
    return list(ignores(Text("f.yaml", content), {"KH301", "KH303"}))


def test_a_comment_covers_its_own_line_or_the_next_one_that_is_no_comment() -> None:
    text = (
        "a: 1 # keyhole: ignore KH301 until 2027-01-31 a sample\n"
        "# keyhole: ignore KH301, KH303 until 2027-02-01 two rules\n"
        "  # another comment\n"
        "b: 2\n"
    )
    first, second = found(text)
    assert isinstance(first, Ignore)
    assert isinstance(second, Ignore)
    assert (first.line, set(first.rules), first.until) == (1, {"KH301"}, date(2027, 1, 31))
    assert (second.line, set(second.rules)) == (4, {"KH301", "KH303"})


@pytest.mark.parametrize(
    "comment",
    [
        "# keyhole: ignore",
        "# keyhole: ignore KH301",
        "# keyhole: ignore KH301 because it is a sample",
        "# keyhole: ignore KH301 until 2027-01-31",
        "# keyhole: ignore KH301 until tomorrow a reason",
        "# keyhole: ignore KH301 until 2027-13-01 a reason",
        "# keyhole: ignore everything until 2027-01-31 a reason",
        "# keyhole: ignore KH3 until 2027-01-31 a reason",
        "# keyhole: ignore KH301, KH999 until 2027-01-31 a rule that is none",
    ],
)
def test_what_has_no_end_or_no_reason_covers_nothing_and_is_told(comment: str) -> None:
    (bad,) = found(f"a: 1 {comment}\n")
    assert isinstance(bad, BadIgnore)
    assert (bad.place.line, bad.place.column) == (1, 6)


@pytest.mark.parametrize("text", ["a: x#keyhole: ignore\n", "a: keyhole: ignore\n", "# keyhole ignore KH301\n", "#\n"])
def test_what_is_no_such_comment_is_none(text: str) -> None:
    assert found(text) == []


def test_a_long_block_of_comments_is_gone_over_once() -> None:
    """Otherwise this would look at two billion lines."""
    comments = found("# keyhole: ignore KH301 until 2027-01-31 why\n" * 60_000 + "a: 1\n# keyhole: ignore\nb: 2\n")
    assert {each.line for each in comments if isinstance(each, Ignore)} == {60_001}
    assert isinstance(comments[-1], BadIgnore)
