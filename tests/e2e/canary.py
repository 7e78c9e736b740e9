"""A text that stands in every value planted in Vault, and the search for it, however it was encoded."""

import base64
import itertools
import re
import secrets
import urllib.parse
from collections.abc import Callable, Iterator

# Three tildes: at each of the three alignments base64 makes a "+" of one of them, and its URL-safe form a "-".
_MARK = "CANARY~~~"
# What Vault and the API server give out as tokens: service, batch and recovery tokens, JSON Web Tokens.
_TOKENS = {
    "a Vault token": re.compile(rb"hv[sbr]\.[A-Za-z0-9_-]{16,}"),
    "a ServiceAccount token": re.compile(rb"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
}
_ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64encode,
    "URL-safe base64": base64.urlsafe_b64encode,
}


class Canary:
    """One run's canary. `value` gives distinct values that contain it."""

    def __init__(self) -> None:
        self.core = _MARK + secrets.token_hex(8)
        self._count = itertools.count(1)
        self._forms = list(_forms(self.core.encode()))

    def value(self, tail: str = "") -> str:
        """Return a value that no other call returns; `tail` ends it."""
        return f"{self.core}.{next(self._count)}{tail}"

    def find(self, text: bytes) -> list[str]:
        """Say in which forms the canary, or any token at all, stands in the text. Never quotes it."""
        found: dict[str, str] = {}
        reading = text
        for how in ("", "URL-encoded ", "twice URL-encoded "):
            names = [name for name, form in self._forms if form in reading]
            names += [name for name, pattern in _TOKENS.items() if pattern.search(reading)]
            for name in names:
                found.setdefault(name, f"{how}{name}")
            reading = urllib.parse.unquote_to_bytes(reading)
        return list(found.values())


def _forms(core: bytes) -> Iterator[tuple[str, bytes]]:
    yield "raw canary", core
    for name, encode in _ENCODERS.items():
        for once in _aligned(core, encode):
            yield f"{name} canary", once
            # What `| base64` makes of a value is encoded again where it stands in a Secret.
            yield from ((f"twice {name} canary", twice) for twice in _aligned(once, encode))


def _aligned(core: bytes, encode: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """Give what is always the same of the encodings of a text that contains `core`: one for each alignment."""
    for shift in range(3):
        encoded = encode(b"\0" * shift + core + b"\0\0")
        yield encoded[(shift * 8 + 5) // 6 : (shift + len(core)) * 8 // 6]
