"""Addresses, times and the picture of a month: what is pure of the page."""

from datetime import UTC, date, datetime, timedelta

import pytest

from changes.page import bars, links, when
from changes.told import ToldObject

NOW = datetime(2026, 11, 28, 3, 2, 11, tzinfo=UTC)


class TestLinks:
    def test_an_object_with_a_group_and_what_has_to_be_escaped(self) -> None:
        assert (
            links.of_object(ToldObject("apps", "Deployment", "shop", "web")) == "/object/shop/Deployment/web?group=apps"
        )
        assert links.of_object(ToldObject("", "Secret", "shop", "a:b c?#%")) == "/object/shop/Secret/a%3Ab%20c%3F%23%25"
        assert links.of_person('a"b&c=d') == "/person?name=a%22b%26c%3Dd"
        assert links.of_namespace("محفظة").startswith("/namespace/%D9")

    @pytest.mark.parametrize("text", ["", ".", "..", "a/b", "/etc", "a\0", "\u202eevil", "x" * 1025])
    def test_what_cannot_be_a_part_of_a_path_is_no_link(self, text: str) -> None:
        assert links.of_namespace(text) == ""
        assert links.of_object(ToldObject("", "Secret", "shop", text)) == ""
        assert links.of_object(ToldObject("", "Secret", text, "name")) == ""

    def test_a_query_that_would_be_refused_is_no_link(self) -> None:
        assert links.of_reference("vault:a\u200b#b") == ""
        assert links.of_person("") == ""


class TestWhen:
    @pytest.mark.parametrize(
        ("before", "words"),
        [
            (timedelta(seconds=20), "just now"),
            (timedelta(seconds=50), "1 minute ago"),
            (timedelta(minutes=59), "59 minutes ago"),
            (timedelta(hours=1), "1 hour ago"),
            (timedelta(hours=23, minutes=59), "23 hours ago"),
            (timedelta(days=1), "1 day ago"),
            (timedelta(days=59), "59 days ago"),
            (timedelta(days=90), "3 months ago"),
            (timedelta(days=800), "2 years ago"),
            (timedelta(hours=-3), "in 3 hours"),
        ],
    )
    def test_how_long_ago(self, before: timedelta, words: str) -> None:
        assert when.ago(NOW - before, NOW) == words

    def test_times_have_their_zone(self) -> None:
        elsewhere = datetime.fromisoformat("2026-11-28T05:02:11.5+02:00")
        assert when.clock(elsewhere) == "03:02:11 UTC"
        assert when.machine(elsewhere) == "2026-11-28T03:02:11Z"

    def test_days(self) -> None:
        assert when.day(date(2026, 11, 28)) == "Saturday, 28 November 2026"
        assert [when.near(date(2026, 11, day), NOW) for day in (28, 27, 26)] == ["today", "yesterday", ""]


class TestPicture:
    def test_the_highest_bar_is_whole_and_a_single_change_can_be_seen(self) -> None:
        found = bars.picture({date(2026, 11, 28): 500, date(2026, 11, 27): 1}, date(2026, 11, 28), 1000)
        small, high = found.bars
        assert (high.y, high.height, high.x) == (0, bars.HEIGHT, 291)
        assert small.height > 2
        assert small.text == "2026-11-27: 1 change"
        assert found.sentence == "501 changes in the last 30 days"
        assert found.first == date(2026, 10, 30)

    def test_a_count_that_stopped_says_so(self) -> None:
        found = bars.picture({date(2026, 11, 28): 1000}, date(2026, 11, 28), 1000)
        assert found.bars[0].text == "2026-11-28: at least 1,000 changes"
        assert found.sentence == "at least 1,000 changes in the last 30 days"

    def test_nothing(self) -> None:
        found = bars.picture({}, date(2026, 11, 28), 1000)
        assert found.bars == ()
        assert found.sentence == "no change in the last 30 days"
