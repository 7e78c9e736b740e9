"""A query is read strictly: what is not understood is named and refused, and never passed over."""

from datetime import UTC, datetime

import pytest

from changes.page.asked import FILTERS, MOST_CHARACTERS, Asked, BadQuery, Form, asked, fits
from changes.wanted import Position


def read(*items: tuple[str, str]) -> Asked:
    return asked(items, FILTERS, ("group",))


def test_filters_are_what_is_wanted_and_empty_ones_count_as_none() -> None:
    found = read(("namespace", "shop"), ("kind", ""), ("requester", "alice"), ("group", "apps"), ("format", ""))
    assert (found.wanted.namespace, found.wanted.kind, found.wanted.requester) == ("shop", "", "alice")
    assert found.filters == {"namespace": "shop", "requester": "alice"}
    assert found.other("group") == "apps"
    assert found.form is Form.HTML
    assert found.behind is None
    # Who asks decides that, and never the query.
    assert found.wanted.namespaces is None


def test_a_day_is_whole_and_a_time_has_its_zone() -> None:
    found = read(("since", "2026-11-28"), ("until", "2026-11-28")).wanted
    assert found.since == datetime(2026, 11, 28, tzinfo=UTC)
    assert found.until == datetime(2026, 11, 29, tzinfo=UTC)
    assert read(("since", "2026-11-28T01:00:00+02:00")).wanted.since == datetime(2026, 11, 27, 23, tzinfo=UTC)


def test_where_a_page_begins() -> None:
    assert read(("behind", "17-4")).behind == Position(17, 4)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("since", "yesterday"),
        ("since", "10000-01-01"),
        ("since", "2026-11-28T01:00:00"),
        ("until", "9999-12-31"),
        ("until", "0001-01-01T00:00:00+23:59"),
        ("since", "2026-13-01"),
        ("behind", "1"),
        ("behind", "-1-1"),
        ("behind", f"{2**63}-1"),
        ("behind", "1-" + "9" * 30),
        ("behind", "1-1-1"),
        ("format", "xml"),
        ("format", "HTML"),
        ("name", "a\0b"),
        ("name", "\u202eevil"),
        ("name", "a\r\nSet-Cookie: x"),
        ("name", "\ufffd"),
        ("name", "a\ud800"),
        ("kind", "x" * (MOST_CHARACTERS + 1)),
    ],
)
def test_what_is_not_understood_is_named_without_its_text(name: str, text: str) -> None:
    with pytest.raises(BadQuery) as caught:
        read((name, text))
    assert caught.value.problem.startswith(f"{name} ")
    assert text not in caught.value.problem.replace("2026-11-28T03:00:00Z", "")


def test_unknown_and_repeated_parameters_are_named() -> None:
    with pytest.raises(BadQuery, match="^namspace is no parameter of this page$"):
        read(("namspace", "shop"))
    with pytest.raises(BadQuery, match="^kind is given twice$"):
        read(("kind", ""), ("kind", "Secret"))
    with pytest.raises(BadQuery) as caught:
        read(("<script>\u202e" + "x" * 5000, ""))
    assert len(caught.value.problem) < 200
    assert "\u202e" not in caught.value.problem


def test_a_filter_of_another_view_is_no_parameter_of_this_one() -> None:
    with pytest.raises(BadQuery, match="namespace is no parameter"):
        asked([("namespace", "shop")], ())


@pytest.mark.parametrize("text", ["", "a\u200bb", "x" * 1025, "\ufffd"])
def test_a_link_is_made_only_of_what_a_query_may_hold(text: str) -> None:
    assert not fits(text)
