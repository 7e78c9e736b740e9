"""Why it is not sure that the cluster has what a file says. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Doubt(StrEnum):
    """Of a place, or of a commit with all that it wrote."""

    CHANGED = "changed"
    GENERATED = "generated"
    NO_NAME = "no-name"
    PASSED_ON = "passed-on"
    TWICE = "twice"
    FOREIGN = "foreign"
    MOVED = "moved"
    BEGINNING = "beginning"
    CLOCK = "clock"


_WORDS: Final[Mapping[str, str]] = {
    Doubt.CHANGED: "a kustomization gives the objects of this file other names or fields",
    Doubt.GENERATED: "kustomize generates the object",
    Doubt.NO_NAME: "its name is only made when it is applied",
    Doubt.PASSED_ON: "another tool makes the object of the one that refers",
    Doubt.TWICE: "the object stands twice in this file",
    Doubt.FOREIGN: "it is a reference of another tool, told as Keyhole would write it",
    Doubt.MOVED: "the references moved to another file since",
    Doubt.BEGINNING: "the history that was read begins with this commit, so an older one may have written it",
    Doubt.CLOCK: "the times of this commit and of those before it disagree",
}
OPEN: Final = tuple(sorted({Doubt.CHANGED, Doubt.GENERATED, Doubt.NO_NAME, Doubt.PASSED_ON}))
"""The doubts of objects that may have another name in the cluster."""


def words(doubt: str) -> str:
    """Return what a person is told of a doubt; empty for none."""
    return _WORDS.get(doubt, "")
