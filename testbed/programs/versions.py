"""Version numbers as programs print them."""

import re
from typing import NamedTuple, Self

_NUMBERS = re.compile(r"(?<![\d.])v?(\d+)\.(\d+)\.(\d+)(?![\d.])")


class Version(NamedTuple):
    """Three numbers; what follows them (`-rc.1`, `+ent`) is not looked at."""

    major: int
    minor: int
    patch: int

    @classmethod
    def first_in(cls, text: str) -> Self | None:
        """Return the first version that stands in `text`, or None."""
        found = _NUMBERS.search(text)
        return cls(*map(int, found.groups())) if found else None

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"
