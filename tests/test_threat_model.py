"""The threat model names the test of each defence; here it is seen that they exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "threat-model.md"
_NAMED = re.compile(r"`(tests/[^`]*)`")
_SHOWN_BY = "shown by"


def _tests_named_in(text: str) -> list[str]:
    """Return the tests that a text names between backticks, as pytest writes them: PATH[::CLASS][::FUNCTION]."""
    return _NAMED.findall(text)


def _exists(name: str) -> bool:
    path, *parts = name.split("::")
    file = ROOT / path
    if not file.is_file() or not file.name.startswith("test_"):
        return False
    body: list[ast.stmt] = ast.parse(file.read_text()).body
    for part in parts:
        found = [node for node in body if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == part]
        if not found or not part.lower().startswith("test"):
            return False
        body = found[0].body
    return True


def _attacks(text: str) -> Iterator[tuple[str, str]]:
    """Yield each attack's cell and the cell that says what shows its defence."""
    columns: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not columns or not cells:
            columns = cells
        elif columns[-1] == _SHOWN_BY and not set(cells[0]) <= {"-"}:
            assert len(cells) == len(columns), f"a cell too many or too few: {cells[0]}"
            yield cells[0], cells[-1]


@pytest.mark.parametrize("name", sorted(set(_tests_named_in(DOCUMENT.read_text()))))
def test_what_the_threat_model_names_exists(name: str) -> None:
    assert _exists(name)


def test_each_attack_has_a_test() -> None:
    attacks = list(_attacks(DOCUMENT.read_text()))
    assert len(attacks) >= 20
    assert [attack for attack, shown_by in attacks if not _tests_named_in(shown_by)] == []


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("tests/test_no_such_file.py", id="no such file"),
        pytest.param("tests/test_threat_model.py::test_nothing", id="no such function"),
        pytest.param("tests/test_threat_model.py::TestNothing::test_each_attack_has_a_test", id="no such class"),
        pytest.param("tests/test_threat_model.py::_exists", id="a function that is no test"),
        pytest.param("tests/conftest.py", id="a file that holds no tests"),
        pytest.param("tests/e2e", id="a folder"),
    ],
)
def test_what_does_not_exist_is_found(name: str) -> None:
    assert not _exists(name)


def test_an_attack_without_a_test_is_found() -> None:
    rows = ["| attack | shown by |", "|---|---|", "| one | `tests/test_threat_model.py` |", "| two | |"]
    text = "\n".join([*rows, "", "| of another table | |", "|---|---|", "| three | |"])
    assert [attack for attack, shown_by in _attacks(text) if not _tests_named_in(shown_by)] == ["two"]
