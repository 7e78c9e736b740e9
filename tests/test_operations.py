"""docs/operations.md explains each problem in the very words that `keyhole status` prints."""

from pathlib import Path

import pytest

from controller.variables.meters import Refusal
from manifests.following.problem import Explained, Hindrance
from manifests.following.standing import Flaw

_PAGE = Path(__file__).resolve().parent.parent / "docs" / "operations.md"


@pytest.mark.parametrize("word", [*Hindrance, *Flaw])
def test_each_problem_is_explained(word: Explained) -> None:
    assert f"| `{word}` | {word.sentence} | {word.remedy} |" in _PAGE.read_text().splitlines()


@pytest.mark.parametrize("why", Refusal)
def test_each_reason_why_pods_wait_is_explained(why: Refusal) -> None:
    assert f"\n| `{why}` | " in _PAGE.read_text()
