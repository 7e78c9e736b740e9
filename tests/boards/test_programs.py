"""A program that is missing is told of by its name, and how to get it."""

import pytest

from tests.boards.programs import program


@pytest.mark.parametrize("name", ["prometheus", "promtool", "alertmanager", "amtool", "percli", "jsonnet"])
def test_a_program_that_is_missing_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name.upper(), "/nowhere/at-all")
    with pytest.raises(AssertionError, match=f"no program /nowhere/at-all; .*go install .*/{name}@v"):
        program(name)
