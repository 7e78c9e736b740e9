"""Lists of whole secrets: what they mean, and what is said about those that mean nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.fields.whole import MAX_PATHS, WholePath, paths
from resolver.references.errors import ReferenceSyntaxError
from resolver.references.grammar import parse_reference


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("secret/app", [WholePath("default", "secret/app")]),
        ("vault:secret/app", [WholePath("default", "secret/app")]),
        ("vault+eu:secret/app", [WholePath("eu", "secret/app")]),
        (" secret/app ,\n  secret/base\n", [WholePath("default", "secret/app"), WholePath("default", "secret/base")]),
        ("secret/a%2Cb", [WholePath("default", "secret/a,b")]),
        ("secret/a%23b c", [WholePath("default", "secret/a#b c")]),
        # The mount is called vault, and nothing here is a scheme.
        ("vault/app", [WholePath("default", "vault/app")]),
        ("vault+eu/app", [WholePath("default", "vault+eu/app")]),
        ("secret/app, vault+eu:secret/app", [WholePath("default", "secret/app"), WholePath("eu", "secret/app")]),
        (",".join(f"secret/{n}" for n in range(20)), [WholePath("default", f"secret/{n}") for n in range(20)]),
    ],
)
def test_paths_are_read_in_their_order(text: str, expected: list[WholePath]) -> None:
    assert list(paths(text)) == expected


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "no path, expected the path of a secret, MOUNT/PATH"),
        ("   ", 4, "no path"),
        ("secret/app,", 12, "no path"),
        ("secret/app,,secret/base", 12, "no path"),
        ("vault:", 7, "a segment of the path is empty"),
        ("secret", 1, "a path needs a mount and the path of a secret below it"),
        ("secret/app, sys/raw", 13, "Vault's own mounts cannot be read by a reference"),
        ("secret/app#password", 11, "a field or a version behind a path, expected the path alone, or data.keyhole.dev"),
        ("secret/app#3", 11, "a field or a version behind a path"),
        ("secret/app | trim", 12, "a function behind a path"),
        ("((vault:secret/app))", 1, "an unescaped ( in a path, expected %28"),
        ("vault+EU:secret/app", 7, "a name that no connection can have"),
        ("vault+:secret/app", 7, "a name that no connection can have"),
        ("secret/../app", 8, "a dot segment would be normalised into another path"),
        ("secret/a%2", 9, "a % that begins no escape"),
        ("secret/a%FF", 9, "escapes that are not UTF-8"),
        ("secret/a%25b", 9, "a percent sign would be decoded a second time"),
        ("secret/a\nb", 9, "a control character"),
        ("vault: secret/app", 7, "a blank at the edge of a part, expected %20"),
        ("secret/app, secret/app", 13, "a path that is there twice, expected each path once"),
        ("secret/app,vault:secret/app", 12, "a path that is there twice"),
        ("secret/" + "x" * 1800, 1, "a path that is too long, expected at most 1794 bytes"),
        # Short enough in characters, or as it is written, and too long as a part of a reference.
        ("secret/" + "\u00e9" * 1000, 1, "a path that is too long"),
        ("secret/" + "x" * 1785, 1, "a path that is too long"),
        (",".join(f"secret/{n}" for n in range(21)), 191, "too many paths, expected at most 20"),
    ],
)
def test_an_error_says_where_and_what_is_expected(text: str, column: int, message: str) -> None:
    with pytest.raises(ReferenceSyntaxError) as raised:
        paths(text)

    assert message in raised.value.message
    assert raised.value.column == column


def test_a_huge_text_is_not_read_to_its_end() -> None:
    # Of a quarter of a million paths, none is read behind the first one too many.
    with pytest.raises(ReferenceSyntaxError, match=f"at most {MAX_PATHS}"):
        paths(",".join(f"secret/{n}" for n in range(MAX_PATHS)) + "," + "," * 250_000)


def test_half_of_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ReferenceSyntaxError, match="half of a surrogate pair"):
        paths("secret/\ud800")


_SEGMENTS = st.text(st.characters(exclude_characters="/?%\\;", exclude_categories=("C", "Z", "M")), min_size=1)


@given(st.lists(st.lists(_SEGMENTS, min_size=2, max_size=4).map("/".join), min_size=1, max_size=5, unique=True))
def test_the_canonical_text_is_read_as_the_same_paths(written: list[str]) -> None:
    wanted = tuple(WholePath("eu" if index % 2 else "default", path) for index, path in enumerate(written))
    try:
        found = paths(", ".join(map(str, wanted)))
    except ReferenceSyntaxError:
        # The rules for paths have their own tests. Whatever they refuse here, they refuse in a reference.
        with pytest.raises(ReferenceSyntaxError):
            [parse_reference(f"{one}#field") for one in wanted]
        return

    assert found == wanted
    assert [parse_reference(f"{one}#field") for one in wanted] == [one.reference("field") for one in wanted]
