"""Writes a tree of manifests: the same one for the same number of files."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from bench.lint import shapes

# Of ten files, how many documents each has: two on average.
_DOCUMENTS = (1, 2, 1, 1, 4, 1, 2, 1, 2, 5)
_TEAMS = 200
_EVERY_JSON = 25
_SEED = 15


@dataclass(frozen=True, slots=True)
class Size:
    """How large a tree is."""

    files: int
    documents: int
    mib: float


def write(folder: Path, files: int) -> Size:
    """Write `files` files below a folder, as platform repositories lay them out."""
    random = Random(_SEED)
    documents = characters = 0
    for number in range(files):
        team = f"team-{number % _TEAMS}"
        app = folder / "clusters" / f"c{number % 7}" / team / f"app-{number // _TEAMS}"
        app.mkdir(parents=True, exist_ok=True)
        count = _DOCUMENTS[number % len(_DOCUMENTS)]
        if count == 1 and number % _EVERY_JSON == 0:
            name, text = f"{number}.json", shapes.document_in_json(random, team)
        else:
            name = f"{shapes.name_of(random)}-{number}.yaml"
            text = "---\n".join(shapes.document(random, team) for _ in range(count))
        (app / name).write_text(text)
        documents += count
        characters += len(text)
    return Size(files, documents, characters / 2**20)
