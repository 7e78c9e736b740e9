"""`python -m bench.lint.compose FOLDER`: has libyaml compose every manifest below a folder, and does nothing with it.

This is the least that anything must do that knows where in a file a value stands.
"""

import sys
from pathlib import Path
from typing import Any

import yaml

_LOADER: Any = yaml.CSafeLoader


def compose(folder: Path) -> int:
    """Return how many documents there are."""
    files = (path for path in sorted(folder.rglob("*")) if path.suffix in {".yaml", ".json"})
    return sum(sum(1 for _ in yaml.compose_all(path.read_bytes(), Loader=_LOADER)) for path in files)


if __name__ == "__main__":
    print(compose(Path(sys.argv[1])))
