import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.fields.fields_map import MAX_BYTES, FieldsMapError, parse


def test_a_flat_map_of_strings_is_read_in_its_order() -> None:
    text = '/data/b: vault:secret/app#password\n/data/a: |\n  {"auths": {}}\n/data/c: "5"\n'
    assert list(parse(text).items()) == [
        ("/data/b", "vault:secret/app#password"),
        ("/data/a", '{"auths": {}}\n'),
        ("/data/c", "5"),
    ]


def test_json_is_yaml_too() -> None:
    assert parse('{"/data/a": "vault:s/a#b"}') == {"/data/a": "vault:s/a#b"}


def test_an_empty_annotation_fills_nothing() -> None:
    assert parse("") == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("/data/a: &x b", "an anchor or a tag", id="an anchor"),
        pytest.param("/data/a: *x", "an alias", id="an alias"),
        pytest.param("/data/a: !!str b", "an anchor or a tag", id="a tag"),
        pytest.param("!x {/data/a: b}", "an anchor or a tag", id="a tag on the map"),
        pytest.param("<<: b", "quotes", id="a merge key"),
        pytest.param("/data/a: 5", "quotes", id="a number"),
        pytest.param("/data/a: yes", "quotes", id="a boolean"),
        pytest.param("/data/a:", "quotes", id="nothing"),
        pytest.param("/data/a: {b: c}", "not a map or a list", id="a map within the map"),
        pytest.param("/data/a: [b]", "not a map or a list", id="a list within the map"),
        pytest.param("[a, b]", "expected a map", id="a list"),
        pytest.param("text", "expected a map", id="a text"),
        pytest.param("/data/a: b\n/data/a: c", "'/data/a' is there twice", id="a key twice"),
        pytest.param("/data/a: b\n---\n/data/c: d", "a second document", id="two documents"),
        pytest.param("/data/a: 'b", "not YAML", id="an open quote"),
        pytest.param("/data/a: \x07", "not YAML", id="a control character"),
        pytest.param("/data/a: \ud800", "half of a surrogate pair", id="no Unicode text"),
        pytest.param("? {a: b}\n: c", "not a map or a list", id="a map as key"),
    ],
)
def test_anything_else_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(FieldsMapError, match=problem):
        parse(text)


def test_the_error_says_where() -> None:
    with pytest.raises(FieldsMapError, match="^line 2, column 10: "):
        parse("/data/a: b\n/data/b: 5\n")


def test_a_text_that_kubernetes_would_not_store_is_not_read() -> None:
    with pytest.raises(FieldsMapError, match="longer than 262144 bytes"):
        parse("/data/a: |\n" + "\n" * MAX_BYTES)


def test_there_is_a_limit_to_the_fields() -> None:
    with pytest.raises(FieldsMapError, match="more than 1000 fields"):
        parse("\n".join(f"/data/k{i}: vault:s/a#b" for i in range(1001)))


def test_an_alias_bomb_is_refused_at_its_first_anchor() -> None:
    lines = ["a: &a [x]"] + [f"{c}: &{c} [*{p},*{p},*{p}]" for p, c in zip("abcdefgh", "bcdefghi", strict=True)]
    with pytest.raises(FieldsMapError):
        parse("\n".join(lines))


@given(st.text(max_size=200))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        found = parse(text)
    except FieldsMapError as error:
        assert "\n" not in error.problem or "\n" in text
    else:
        assert all(isinstance(key, str) and isinstance(value, str) for key, value in found.items())
