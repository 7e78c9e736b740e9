import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.connections.allow import parse


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        pytest.param("secret/app", "secret/app", True, id="itself"),
        pytest.param("secret/app", "secret/app/x", False, id="nothing below"),
        pytest.param("secret/app", "secret/apple", False, id="nothing that begins so"),
        pytest.param("secret/*", "secret/a/b", True, id="a star: everything below"),
        pytest.param("secret/*", "secret", False, id="a star: not the mount itself"),
        pytest.param("secret/a*", "secret/ab/c", True, id="a star after a beginning"),
        pytest.param("secret/a*", "secret/b", False, id="another beginning"),
        pytest.param("*", "secret/a", True, id="a star alone: everything"),
        pytest.param("secret/+/db", "secret/x/db", True, id="a plus: one segment"),
        pytest.param("secret/+/db", "secret/x/y/db", False, id="a plus: not two"),
        pytest.param("+/db", "secret/db", True, id="a plus for the mount"),
        pytest.param("secret/{namespace}/*", "secret/team-a/x", True, id="the namespace"),
        pytest.param("secret/{namespace}/*", "secret/team-ab/x", False, id="not one that begins like it"),
        pytest.param("secret/{namespace}/*", "secret/{namespace}/x", False, id="not the placeholder itself"),
        pytest.param("secret/{namespace}", "secret/team-a", True, id="the namespace as a secret"),
        pytest.param("secret/+", "secret/+", True, id="a plus in a path is a segment like others"),
    ],
)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    assert parse(pattern).matches(path.split("/"), "team-a") is expected


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("secret/*/x", "end only"),
        ("secret/a+", "whole segment"),
        ("secret/x-{namespace}", "whole segment"),
        ("secret/{namespace}*", "whole segment"),
        ("secret/{name}", "no other placeholder"),
        ("secret//x", "empty"),
        ("/secret", "empty"),
        ("secret/", "empty"),
        ("", "empty"),
        ("secret/../x", "dot segment"),
        ("sys/*", "own mounts"),
        ("secret/a?b", "question mark"),
    ],
)
def test_what_is_no_pattern(pattern: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse(pattern)


SEGMENT = st.from_regex(r"[a-z0-9]{1,4}", fullmatch=True)


@given(st.lists(SEGMENT, min_size=1, max_size=4), st.lists(SEGMENT, min_size=1, max_size=5), SEGMENT)
def test_a_pattern_without_stars_and_pluses_allows_itself_alone(
    segments: list[str], path: list[str], namespace: str
) -> None:
    assert parse("/".join(segments)).matches(path, namespace) is (segments == path)


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        pytest.param("secret/{namespace}/*", "secret/{namespace}/*", True, id="the very pattern"),
        pytest.param("secret/{namespace}/*", "secret/{namespace}/app/x", True, id="a path below it"),
        pytest.param("secret/*", "secret/teams/{namespace}/*", True, id="a wider pattern"),
        pytest.param("secret/+/+", "secret/{namespace}/app", True, id="plus for the namespace"),
        pytest.param("secret/{namespace}/app", "secret/{namespace}/*", False, id="a narrower pattern"),
        pytest.param("secret/{namespace}/app*", "secret/{namespace}/*", False, id="a beginning of what is below"),
        pytest.param("secret/{namespace}/+", "secret/{namespace}/*", False, id="plus is one segment, not all below"),
        pytest.param("secret/{namespace}/+/*", "secret/{namespace}/*", False, id="a pattern that begins deeper"),
        pytest.param("secret/shop/*", "secret/{namespace}/*", False, id="one namespace is not every one"),
        pytest.param("legacy/{namespace}/*", "secret/{namespace}/*", False, id="another mount"),
    ],
)
def test_a_pattern_covers_a_path_of_a_policy_wholly_or_not(pattern: str, path: str, *, covered: bool) -> None:
    assert parse(pattern).covers(path.split("/")) == covered


@pytest.mark.parametrize("text", ["secret/{namespace}/*", "secret/a*", "a/+/b", "*"])
def test_a_pattern_is_told_as_it_was_written(text: str) -> None:
    assert str(parse(text)) == text
