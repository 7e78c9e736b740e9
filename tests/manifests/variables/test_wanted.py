import pytest

from manifests.variables.wanted import MAX_VARIABLES, annotation_of, read


def addresses(notes: dict[str, str]) -> list[tuple[str, str]]:
    found = read(notes)
    assert not found.problems
    return [(variable.address, variable.text) for variable in found.variables]


def test_variables_of_all_containers_and_of_one() -> None:
    notes = {
        "web.env.keyhole.dev/TOKEN": "vault:secret/a#b",
        "env.keyhole.dev/PASSWORD": "vault:secret/c#d",
        "keyhole.dev/env": "_A: vault:secret/e#f\nweb/_B: vault:secret/g#h\n",
        "example.org/other": "x",
    }
    assert addresses(notes) == [
        ("PASSWORD", "vault:secret/c#d"),
        ("_A", "vault:secret/e#f"),
        ("web/TOKEN", "vault:secret/a#b"),
        ("web/_B", "vault:secret/g#h"),
    ]


def test_the_paths_of_whole_secrets_are_kept_in_order() -> None:
    assert read({"keyhole.dev/env-from": " secret/b , secret/a"}).paths == ("secret/b", "secret/a")
    assert not read({"keyhole.dev/env-from": " "})


def test_a_name_with_slashes_is_one_containers() -> None:
    assert addresses({"keyhole.dev/env": "web/a/b: x"}) == [("web/a/b", "x")]


@pytest.mark.parametrize(
    ("notes", "told"),
    [
        pytest.param(
            {"env.keyhole.dev/A": "x", "keyhole.dev/env": "A: y"},
            "annotation keyhole.dev/env, A: annotation env.keyhole.dev/A fills the same variable; remove one",
            id="twice",
        ),
        pytest.param(
            {"env.keyhole.dev/web.A": "x", "web.env.keyhole.dev/A": "y"},
            "annotation web.env.keyhole.dev/A: annotation env.keyhole.dev/web.A fills the same key of a Secret;"
            " remove one",
            id="one key",
        ),
        pytest.param({"keyhole.dev/env": "- A"}, "expected a map from names of variables to strings", id="no map"),
        pytest.param({"keyhole.dev/env": "A: 1"}, "put it in quotes", id="a number"),
        pytest.param({"keyhole.dev/env": "A=B: x"}, "no variable has such a name", id="an equals sign"),
        pytest.param({"keyhole.dev/env": '"A\\n": x'}, r"annotation keyhole.dev/env, ", id="a line break"),
        pytest.param({"keyhole.dev/env": '"": x'}, "no variable has such a name", id="no name"),
        pytest.param({"keyhole.dev/env": "/A: x"}, "names no container in front of the slash", id="no container"),
        pytest.param({"env.keyhole.dev/A": "x" * 300_000}, "more than the 262144 that Kubernetes allows", id="long"),
    ],
)
def test_what_cannot_be_read_is_told_without_its_text(notes: dict[str, str], told: str) -> None:
    problems = [f"{problem.origin}: {problem.message}" for problem in read(notes).problems]
    assert len(problems) == 1
    assert told in problems[0]
    assert "\n" not in problems[0]


def test_the_most_variables() -> None:
    notes = {f"env.keyhole.dev/V{number}": "x" for number in range(MAX_VARIABLES)}
    assert len(read(notes).variables) == MAX_VARIABLES
    found = read({**notes, "env.keyhole.dev/ONE_MORE": "x"})
    assert [problem.message for problem in found.problems] == [
        "it has 1001 variables, and 1000 are the most; use several workloads or whole secrets"
    ]
    assert not found


def test_an_annotation_is_named_after_a_variable_if_it_can_be() -> None:
    assert annotation_of("", "A") == "env.keyhole.dev/A"
    assert annotation_of("web", "A") == "web.env.keyhole.dev/A"
    assert annotation_of("web", "_A") is None
