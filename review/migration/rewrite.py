"""From a plan to the new text of a file. What cannot be proved is left out and told, and the rest is done."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from review.migration.plan import FilePlan, Note, Unit
from review.sources.edits import Edit, NotProved, Remove, edited


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A file's new text, which objects it converts, and what could not be proved."""

    plan: FilePlan
    text: str = field(repr=False)
    units: Sequence[Unit]
    notes: Sequence[Note]

    @property
    def has_changed(self) -> bool:
        """Whether there is anything to write."""
        return self.text != self.plan.text.content


def rewritten(plan: FilePlan) -> Rewritten:
    """Return a file's new text. If not everything can be proved, each object is tried by itself."""
    try:
        return Rewritten(plan, edited(plan.text, _edits(plan.units)), plan.units, ())
    except NotProved:
        pass
    done: list[Unit] = []
    notes: list[Note] = []
    text = plan.text.content
    for unit in plan.units:
        try:
            text = edited(plan.text, _edits([*done, unit]))
        except NotProved as error:
            notes.append(Note(error.place, unit.object, "", unit.language, f"not edited: {error.reason}"))
        else:
            done.append(unit)
    return Rewritten(plan, text, done, notes)


def diff(result: Rewritten) -> Iterator[str]:
    """Yield the lines of a unified diff, which `git apply` and `patch` read."""
    name = result.plan.file.name
    before, after = (_lines(text) for text in (result.plan.text.content, result.text))
    for line in difflib.unified_diff(before, after, f"a/{name}", f"b/{name}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(text: str) -> list[str]:
    """Return the lines of a text as patch counts them: by line feeds alone."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _edits(units: Sequence[Unit]) -> Mapping[int, Sequence[Edit]]:
    """Return the edits by document. Items of lists go last, from the end on, so that the others keep their numbers."""
    edits: dict[int, list[Edit]] = {}
    for unit in units:
        edits.setdefault(unit.number, []).extend(unit.edits)
    return {number: sorted(found, key=_when) for number, found in edits.items()}


def _when(edit: Edit) -> tuple[bool, list[int]]:
    if not isinstance(edit, Remove) or not isinstance(edit.path[-1], int):
        return False, []
    return True, [-step for step in edit.path if isinstance(step, int)]
