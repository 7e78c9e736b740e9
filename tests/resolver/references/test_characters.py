"""Which characters nobody sees, which look like others, and how they are shown."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.references.characters import escape, is_invisible, look_alike, named, quoted, visible
from resolver.references.grammar import parse_reference

_STRUCTURE = "./\\%?#|;"


@pytest.mark.parametrize(
    "character",
    [
        pytest.param("\n", id="a line break"),
        pytest.param("\x1b", id="what begins a terminal's command"),
        pytest.param("\u00a0", id="a no-break space"),
        pytest.param("\u202f", id="a narrow no-break space"),
        pytest.param("\u3000", id="an ideographic space"),
        pytest.param("\u00ad", id="a soft hyphen"),
        pytest.param("\u200b", id="a zero-width space"),
        pytest.param("\ufeff", id="a byte order mark"),
        pytest.param("\u202e", id="a change of the writing direction"),
        pytest.param("\u2028", id="a line separator"),
        pytest.param("\U000e0041", id="a tag"),
        pytest.param("\u3164", id="a Hangul filler, a letter by category"),
        pytest.param("\u034f", id="a grapheme joiner, a mark by category"),
        pytest.param("\ufe0f", id="a variation selector"),
        pytest.param("\u2800", id="a braille pattern without a dot"),
    ],
)
def test_what_nobody_sees(character: str) -> None:
    assert is_invisible(character)
    assert visible(f"a{character}b") == f"a{escape(character)}b"


@pytest.mark.parametrize("character", list("a ~\u00e9\u00df\u65e5\u0e44\u0301\u0416\u05d0\U0001f511"))
def test_what_everybody_sees(character: str) -> None:
    assert not is_invisible(character)
    assert look_alike(character, _STRUCTURE) is None
    assert visible(character) == character


@pytest.mark.parametrize(
    ("character", "like"),
    [
        *(("\uff0e", "."), ("\u2024", "."), ("\u2025", "."), ("\u2026", "."), ("\ufe52", "."), ("\u3002", ".")),
        *(("\uff61", "."), ("\uff0f", "/"), ("\u2215", "/"), ("\u2044", "/"), ("\u29f8", "/"), ("\u2100", "/")),
        *(("\u00bd", "/"), ("\uff3c", "\\"), ("\ufe68", "\\"), ("\u2216", "\\"), ("\uff05", "%"), ("\ufe6a", "%")),
        *(("\uff1f", "?"), ("\u2047", "?"), ("\uff03", "#"), ("\ufe5f", "#"), ("\uff5c", "|"), ("\u037e", ";")),
    ],
)
def test_what_looks_like_another_one(character: str, like: str) -> None:
    assert look_alike(character, _STRUCTURE) == like
    assert look_alike(character, "!") is None


@pytest.mark.parametrize(
    ("character", "shown"),
    [("\n", r"\n"), ("\t", r"\t"), ("\x1b", r"\u001b"), ("\u00a0", r"\u00a0"), ("\U000e0100", r"\U000e0100")],
)
def test_escapes(character: str, shown: str) -> None:
    assert escape(character) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_is_shown_is_one_line_that_can_be_printed(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert not any(map(is_invisible, shown))
    assert unicodedata.normalize("NFC", visible(shown)) == unicodedata.normalize("NFC", shown)


def test_a_long_text_is_cut() -> None:
    assert visible("x" * 11, 10) == "x" * 10 + "…"
    assert visible("x" * 10, 10) == "x" * 10


@given(st.text(st.sampled_from('a\\" =\n\u00a0')))
def test_a_quoted_text_ends_where_its_quotes_end(text: str) -> None:
    assert json.loads(quoted(text)) == text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("system:serviceaccount:team-a:app", "system:serviceaccount:team-a:app", id="a word"),
        pytest.param("Zo\u00eb", "Zo\u00eb", id="a word beyond ASCII"),
        pytest.param("dev outcome=allowed", '"dev outcome=allowed"', id="pairs in a name"),
        pytest.param('"dev"', r'"\"dev\""', id="quotes in a name"),
        pytest.param("dev\u00a0x", r'"dev\u00a0x"', id="a blank that is none"),
        pytest.param("dev; data.x: fine", '"dev; data.x: fine"', id="another message in a name"),
        pytest.param("", '""', id="no name"),
        pytest.param("x" * 254, "x" * 253 + "…", id="a name longer than any"),
    ],
)
def test_names(name: str, shown: str) -> None:
    assert named(name) == shown


def test_unicodes_tables_are_asked_once_for_each_character() -> None:
    """References of 256 KiB kept a worker busy for seconds otherwise."""
    look_alike.cache_clear()
    is_invisible.cache_clear()
    str(parse_reference("vault:secret/" + "\ufdfa" * 600 + "#a"))
    assert look_alike.cache_info().misses < 20
    assert is_invisible.cache_info().misses < 20


def test_what_unicode_does_not_decompose_becomes_no_other_character() -> None:
    """So it is like none, without a further look."""
    plain = (one for one in map(chr, range(0x80, 0x30000)) if not unicodedata.decomposition(one))
    assert [one for one in plain if unicodedata.normalize("NFKC", one) != one] == []
