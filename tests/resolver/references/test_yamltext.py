"""YAML from people who may mean harm."""

import pytest

from resolver.references.yamltext import NotYaml, YamlTextError, parse

# Nine levels of ten aliases each: a billion values in half a kilobyte.
BOMB = "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
MERGE_BOMB = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "content"),
    [
        pytest.param("a: 1\n---\n---\nb: [2]\n", [{"a": 1}, None, {"b": [2]}], id="documents, one of them empty"),
        pytest.param("a: 2024-01-01\nb: =\n", [{"a": "2024-01-01", "b": "="}], id="dates are text, as for kubectl"),
        pytest.param(
            "a: 1:30:00\nb: !!int 1:30\nc: 1:30.5", [{"a": "1:30:00", "b": "1:30", "c": "1:30.5"}], id="base 60"
        ),
        pytest.param("a: 0x1f\nb: 1_0\nc: 1.5\nd: -7", [{"a": 31, "b": 10, "c": 1.5, "d": -7}], id="numbers"),
        pytest.param(f"a: 0x{'f' * 5000}", [{"a": f"0x{'f' * 5000}"}], id="a number that Python would not write"),
        pytest.param("a: &a {x: 1}\nb: {<<: *a, y: 2}\n", [{"a": {"x": 1}, "b": {"x": 1, "y": 2}}], id="a merge key"),
        pytest.param("a: &a {x: 1}\nb: {<<: *a, x: 2}\n", [{"a": {"x": 1}, "b": {"x": 2}}], id="a merge, overridden"),
        pytest.param("- {a: 1}\n- {a: 1}\n", [[{"a": 1}, {"a": 1}]], id="the same key in two maps"),
        pytest.param("a: {b: {a: {b: 1}}}\n", [{"a": {"b": {"a": {"b": 1}}}}], id="the same key at other depths"),
        pytest.param("{a: {}, b: [], c: }", [{"a": {}, "b": [], "c": None}], id="what is empty"),
        pytest.param("a: b\nc: a\na2: c\n", [{"a": "b", "c": "a", "a2": "c"}], id="values that equal keys"),
    ],
)
def test_read(text: str, content: object) -> None:
    assert parse(text.encode()) == content


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("a: canary\nb: 1\na: 2\n", r"a key that stands twice \(line 3, column 1\)", id="twice"),
        pytest.param('{canary: 1, "canary": 2}', r"a key that stands twice \(line 1, column 13\)", id="twice, quoted"),
        pytest.param("x: [{k: {a: 1, b: {}, a: 2}}]", "a key that stands twice", id="twice, further in"),
        pytest.param("a: 1\n---\nb: 1\nb: 2\n", "a key that stands twice", id="twice in the second document"),
        pytest.param("&a k: 1\n*a : 2\n", "not YAML", id="twice, by an alias"),
        pytest.param("? [a]\n: 1\n", "not YAML", id="a list as a key"),
        pytest.param("a: &a [1, *a]\n", r"a value that holds itself \(line 1, column 11\)", id="a list in itself"),
        pytest.param("&a {b: {c: *a}}", "a value that holds itself", id="a map in itself"),
        pytest.param("&a {<<: *a}", "a value that holds itself", id="a map merged into itself"),
        pytest.param(BOMB, "more than 500,000 values", id="an alias bomb"),
        pytest.param(MERGE_BOMB, "more than 500,000 values", id="a bomb of merge keys"),
        pytest.param("[" + "a," * 500_001 + "]", "more than 500,000 values", id="half a million values"),
        pytest.param(f"- &a {'x' * 10_000}\n" + "- *a\n" * 10_000, "more than 500,000 values", id="a long text, often"),
        pytest.param("[" * 3000, "nested more than 100 levels", id="brackets"),
        pytest.param("- " * 100_000, "nested more than 100 levels", id="dashes"),
    ],
)
def test_refused_with_the_place_and_without_the_text(text: str, told: str) -> None:
    with pytest.raises(YamlTextError, match=told) as caught:
        parse(text.encode())
    assert "canary" not in str(caught.value)


TAGS = ("int", "float", "bool", "timestamp", "binary", "omap", "set", "pairs", "map", "seq")


@pytest.mark.parametrize(
    "text", ["a: b: canary", "a: !canary b", "*canary", "a: \x00", *(f"a: !!{tag} canary" for tag in TAGS)]
)
def test_what_is_no_yaml_is_told_without_the_text(text: str) -> None:
    with pytest.raises(NotYaml) as caught:
        parse(text.encode())
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


def test_what_is_not_utf_8_is_no_yaml() -> None:
    with pytest.raises(NotYaml):
        parse(b"a: \xff\xfe")
