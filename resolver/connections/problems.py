"""What pydantic finds wrong with a file or an option, in words of our own."""

from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError

_WORDS: Final = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "model_type": "must be a map",
    "dict_type": "must be a map",
}


def problems(error: ValidationError) -> Sequence[tuple[str, str]]:
    """Return each problem as the path of a field, with dots, and what is wrong with it. No value is in either."""
    return [
        (
            ".".join(str(part) for part in problem["loc"]),
            _WORDS.get(problem["type"], problem["msg"].removeprefix("Value error, ")),
        )
        for problem in error.errors(include_input=False, include_url=False)
    ]
