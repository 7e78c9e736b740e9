import pytest

from manifests.annotations import ignored, is_environment, unknown


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        pytest.param("true", ["a", "b"], [], id="true ignores every key"),
        pytest.param("a, b", ["a", "b"], ["c"], id="a list ignores the keys in it, blanks do not count"),
        pytest.param("false", [], ["a"], id="false ignores nothing"),
        pytest.param("", [], ["a", ""], id="an empty text ignores nothing"),
    ],
)
def test_ignore(text: str, inside: list[str], outside: list[str]) -> None:
    found = ignored({"keyhole.dev/ignore": text})
    assert all(key in found for key in inside)
    assert not any(key in found for key in outside)


def test_without_the_annotation_nothing_is_ignored() -> None:
    assert "a" not in ignored({})


@pytest.mark.parametrize(
    ("name", "is_unknown"),
    [
        pytest.param("keyhole.dev/feilds", True, id="a misspelt name is unknown"),
        pytest.param("date.keyhole.dev/password", True, id="a misspelt domain is unknown"),
        pytest.param("data.keyhole.dev/password", False, id="a key's annotation is known"),
        pytest.param("app.env.keyhole.dev/X", False, id="a container's variable is known"),
        pytest.param("keyhole.dev/record", False, id="Keyhole's own record is known"),
        pytest.param("keyhole.dev/follow", False, id="how an object follows Vault is known"),
        pytest.param("keyhole.dev/restart", False, id="whether workloads are restarted is known"),
        pytest.param("keyhole.dev/rolled", False, id="what was done for a workload is known"),
        pytest.param("keyhole.dev/problem", False, id="what is wrong with an object is known"),
        pytest.param("notkeyhole.dev/fields", False, id="another domain is none of our business"),
        pytest.param("example.org/keyhole.dev", False, id="our domain in a name is none of our business"),
    ],
)
def test_unknown(name: str, is_unknown: bool) -> None:
    assert unknown({name: ""}) == ([name] if is_unknown else [])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("env.keyhole.dev/A", True), ("app.env.keyhole.dev/A", True), ("myenv.keyhole.dev/A", False)],
)
def test_environment(name: str, expected: bool) -> None:
    assert is_environment(name) is expected
