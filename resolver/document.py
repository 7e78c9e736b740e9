"""The tables of docs/references.md that follow from the code: `python -m resolver.document docs/references.md`."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from resolver.causes import Cause
from resolver.references.functions import FUNCTIONS


def renewed(document: str) -> str:
    """Return the document with each table between its two comments as the code has it today."""
    return _replaced(_replaced(document, "functions", _functions()), "causes", _causes())


def _replaced(document: str, name: str, lines: Iterator[str]) -> str:
    first, last = f"<!-- {name}: written by `python -m resolver.document` -->", f"<!-- end of {name} -->"
    table = "\n".join((first, *lines, last))
    renewed, found = re.subn(f"{re.escape(first)}.*?{re.escape(last)}", lambda _: table, document, flags=re.DOTALL)
    if found != 1:
        raise ValueError(f"the document has {found} places for {name}, not one")
    return renewed


def _functions() -> Iterator[str]:
    yield "| function | result |\n|---|---|"
    for name, function in FUNCTIONS.items():
        yield f"| `{name}{function.argument.partition(' ')[0]}` | {function.result} |"


def _causes() -> Iterator[str]:
    yield "| word | code | what happened |\n|---|---|---|"
    for cause in Cause:
        codes = ", ".join(str(status.value) for status in cause.statuses)
        yield f"| `{cause}` | {codes} | {cause.sentence} |"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(renewed(path.read_text()))
