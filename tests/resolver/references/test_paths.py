"""Which decoded paths a reference may name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.references import paths
from tests.resolver.strategies import vault_paths


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        pytest.param("secret/app", ("secret", "app"), id="a mount and a name"),
        pytest.param("secret/data/app", ("secret", "data", "app"), id="the HTTP API's form of a KV v2 path"),
        pytest.param("team/kv/a/b", ("team", "kv", "a", "b"), id="a mount with a slash is cut like any path"),
        pytest.param("secret/a b", ("secret", "a b"), id="a blank inside of a segment"),
        pytest.param("secret/a#b|c", ("secret", "a#b|c"), id="what the grammar escapes is an ordinary character"),
        pytest.param("secret/...", ("secret", "..."), id="three dots are a name"),
        pytest.param("secret/.hidden", ("secret", ".hidden"), id="a name that begins with a dot"),
        pytest.param("secret/\u00e4\u4e2d\U0001f511", ("secret", "\u00e4\u4e2d\U0001f511"), id="letters of any script"),
        pytest.param("geh\u00e4lter/caf\u00e9", ("geh\u00e4lter", "caf\u00e9"), id="accents, composed"),
        pytest.param("secret/cafe\u0301", ("secret", "cafe\u0301"), id="accents, decomposed"),
        pytest.param("\u65e5\u672c/\u30d1\u30b9", ("\u65e5\u672c", "\u30d1\u30b9"), id="Japanese"),
        pytest.param("secret/\uff21\uff22", ("secret", "\uff21\uff22"), id="letters in full width part nothing"),
        pytest.param("authentic/app", ("authentic", "app"), id="a mount that begins like a forbidden one"),
        pytest.param("secret/auth/sys", ("secret", "auth", "sys"), id="forbidden mounts are names further down"),
    ],
)
def test_allowed(path: str, segments: tuple[str, ...]) -> None:
    assert paths.check(path) == segments


@pytest.mark.parametrize(
    ("path", "at_fault", "reason"),
    [
        pytest.param("", (0, 0), "empty", id="nothing at all"),
        pytest.param("secret", (0, 6), "mount", id="a mount alone"),
        pytest.param("/secret/app", (0, 0), "empty", id="a leading slash"),
        pytest.param("secret/app/", (11, 11), "empty", id="a trailing slash"),
        pytest.param("secret//app", (7, 7), "empty", id="two slashes"),
        pytest.param("secret/./app", (7, 8), "dot segment", id="a dot segment"),
        pytest.param("team-a/../team-b/app", (7, 9), "dot segment", id="a way up"),
        pytest.param("../app", (0, 2), "dot segment", id="a way up at the start"),
        pytest.param("secret/..;x/app", (7, 11), "dot segment", id="a way up with a path parameter"),
        pytest.param("secret/;x", (7, 9), "dot segment", id="a segment of a path parameter alone"),
        pytest.param("secret/a?list=true", (8, 9), "query", id="a query"),
        pytest.param("secret/%2e%2e/app", (7, 8), "second time", id="a second layer of escapes"),
        pytest.param("secret\\..\\app", (6, 7), "backslash", id="a backslash"),
        pytest.param("secret/a\r\nX-Vault-Token: x", (8, 9), "control", id="a header injected by a line break"),
        pytest.param("secret/a\x00", (8, 9), "control", id="NUL"),
        pytest.param("secret/a\x85b", (8, 9), "control", id="a control character above ASCII"),
        pytest.param("secret/a\u200bb", (8, 9), "invisible", id="a zero-width space"),
        pytest.param("secret/a\u202eb", (8, 9), "invisible", id="a change of the writing direction"),
        pytest.param("secret/\ud800", (7, 8), "surrogate", id="half of a surrogate pair"),
        pytest.param("secret/\ue000", (7, 8), "private-use", id="a private-use character"),
        pytest.param("secret/a\u2028b", (8, 9), "line separator", id="a line separator"),
        pytest.param("secret/a\u2029b", (8, 9), "paragraph", id="a paragraph separator"),
        pytest.param("secret/ app", (7, 11), "blank", id="a blank at the start of a segment"),
        pytest.param("secret /app", (0, 7), "blank", id="a blank at the end of a segment"),
        pytest.param("secret/app\u00a0", (10, 11), "invisible", id="a no-break space at the end"),
        pytest.param("secret/a\u00a0b", (8, 9), "invisible", id="a no-break space within a segment"),
        pytest.param("secret/a\u3000b", (8, 9), "invisible", id="an ideographic space"),
        pytest.param("secret/a\u3164b", (8, 9), "invisible", id="a letter of which nothing is shown"),
        pytest.param("secret/a\ufe0f", (8, 9), "invisible", id="a variation selector"),
        pytest.param("team-a/\uff0e\uff0e/app", (7, 8), r"looks like \.", id="a way up in full width"),
        pytest.param("team-a/\u2025/app", (7, 8), r"looks like \.", id="a way up in one character"),
        pytest.param("secret/a\uff0fb", (8, 9), "looks like /", id="a slash in full width"),
        pytest.param("secret/a\u2215b", (8, 9), "looks like /", id="a division sign like a slash"),
        pytest.param("secret/\u2105", (7, 8), "looks like /", id="c/o in one character"),
        pytest.param("secret/a\uff3cb", (8, 9), r"looks like \\", id="a backslash in full width"),
        pytest.param("secret/\uff052e", (7, 8), "looks like %", id="a percent sign in full width"),
        pytest.param("secret/a\uff1fb", (8, 9), r"looks like \?", id="a question mark in full width"),
        pytest.param("secret/a\uff03b", (8, 9), "looks like #", id="a number sign in full width"),
        pytest.param("secret/..\u037ex", (9, 10), "looks like ;", id="a path parameter behind a Greek question mark"),
        pytest.param("\uff41uth/token/lookup-self", (0, 4), "own mounts", id="the token itself in full width"),
        pytest.param("auth/token/lookup-self", (0, 4), "own mounts", id="the token itself"),
        pytest.param("sys/mounts", (0, 3), "own mounts", id="sys"),
        pytest.param("identity/entity", (0, 8), "own mounts", id="identity"),
        pytest.param("cubbyhole/x", (0, 9), "own mounts", id="cubbyhole"),
        pytest.param("SYS/mounts", (0, 3), "own mounts", id="sys in capitals"),
        pytest.param("\u017fys/mounts", (0, 3), "own mounts", id="sys with a long s"),
        pytest.param("auth", (0, 4), "own mounts", id="a forbidden mount alone"),
    ],
)
def test_refused(path: str, at_fault: tuple[int, int], reason: str) -> None:
    with pytest.raises(paths.PathError, match=reason) as caught:
        paths.check(path)
    assert (caught.value.start, caught.value.end) == at_fault


@given(vault_paths)
def test_segments_of_an_allowed_path_are_the_path(path: str) -> None:
    segments = paths.check(path)
    assert "/".join(segments) == path
    assert len(segments) >= 2
    assert all(segment.strip() and segment not in (".", "..") for segment in segments)


@given(st.one_of(st.text(st.characters(exclude_categories=())), st.text("ab/.;% \\?\u200b")))
def test_any_text_is_allowed_or_refused_with_a_span_inside_of_it(path: str) -> None:
    refusal: paths.PathError | None = None
    try:
        paths.check(path)
    except paths.PathError as error:
        refusal = error
    if refusal is not None:
        assert 0 <= refusal.start <= refusal.end <= len(path)
        assert refusal.reason
