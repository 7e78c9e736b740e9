"""The files beside a kustomization: how much of them is read."""

from pathlib import Path

import pytest

from review.sources import kustomization
from review.sources.kustomization import beside, generated
from review.sources.text import NotChecked


def test_a_file_that_is_named_again_and_again_is_not_read_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kustomization, "MOST_BYTES", 1000)
    (tmp_path / "big.txt").write_text("x" * 300)
    (tmp_path / "small.txt").write_text("y")
    look = beside(tmp_path)
    content = {"secretGenerator": [{"name": "a", "files": ["big.txt"] * 50_000}]}
    (made,) = generated(content, look)
    assert sum(not taken.left_out for taken in made.taken) == 3
    assert "takes more than" in made.taken[-1].left_out
    assert look("small.txt") == b"y", "what still has room is read"
    assert isinstance(beside(tmp_path)("big.txt"), bytes), "the next one may take as much again"


@pytest.mark.parametrize("name", ["gone.txt", "", ".", "/dev/zero", "../x", "https://x.example/y", "a\0b", "n" * 5000])
def test_what_is_no_file_there_is_told(tmp_path: Path, name: str) -> None:
    assert isinstance(beside(tmp_path)(name), NotChecked)
