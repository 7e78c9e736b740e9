"""The golden files of `keyhole migrate`: each input, what becomes of it, and what is told.

`python -m tests.review.migration.golden` writes the results of now. Read the diff before you commit it: the inputs say
what the other tools' documentation says, and the results what gives the same Secret.
"""

from collections.abc import Iterator
from pathlib import Path

from review.languages.all import LANGUAGES
from review.languages.foreign import Context
from review.migration.plan import planned
from review.migration.rewrite import rewritten
from review.sources.files import File

FOLDER = Path(__file__).resolve().parents[2] / "golden" / "migration"


def inputs() -> list[Path]:
    """Return the inputs."""
    return sorted(
        path for path in FOLDER.glob("*/*") if path.suffix in {".yaml", ".json"} and ".after" not in path.name
    )


def results(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files that belong to an input, and what is to be in them."""
    plan = planned([File(path, path.name)], LANGUAGES, Context())
    done = [rewritten(file) for file in plan.files]
    text = done[0].text if done else path.read_text()
    notes = [*plan.notes, *(note for each in done for note in each.notes)]
    yield path.with_suffix(f".after{path.suffix}"), text
    yield path.with_suffix(".notes"), "".join(f"{note}\n" for note in notes)


if __name__ == "__main__":
    for each in inputs():
        for file, content in results(each):
            file.write_text(content)
