"""Judges: what can be said only when every file has been looked at, such as whether a connection allows a path."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from review.findings.finding import Finding
from review.lint.tree import Tree
from review.sources.text import NotChecked

Judge: TypeAlias = Callable[[Tree], Iterable[Finding | NotChecked]]
"""Gives findings about a tree, and what it could not judge. It never raises for what is in files."""


def judged(tree: Tree, judges: Sequence[Judge]) -> tuple[list[Finding], list[NotChecked]]:
    """Return what the judges find, and what they could not look at."""
    findings: list[Finding] = []
    unchecked: list[NotChecked] = []
    for judge in judges:
        for each in judge(tree):
            if isinstance(each, NotChecked):
                unchecked.append(each)
            else:
                findings.append(each)
    return findings, unchecked
