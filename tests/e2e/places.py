"""Where a value could come to light: files that programs write, and what the tests were answered."""

from collections.abc import Callable
from pathlib import Path

from tests.e2e.canary import Canary

# So that a form is found that was half written at the search before.
_OVERLAP_BYTES = 256


class Places:
    """Everything that is searched for the canary after each test; each part of it is searched once."""

    def __init__(self, canary: Canary) -> None:
        self._canary = canary
        self._searched_bytes: dict[Path, int] = {}
        self._noted: list[tuple[str, bytes]] = []
        self._sources: dict[str, Callable[[], bytes]] = {}

    def watch(self, file: Path) -> None:
        """Search this file from now on, which may not be there yet."""
        self._searched_bytes.setdefault(file, 0)

    def ask(self, place: str, source: Callable[[], bytes]) -> None:
        """Search what `source` returns at each search."""
        self._sources[place] = source

    def note(self, place: str, text: bytes | str) -> None:
        """Search this text at the next search."""
        self._noted.append((place, text.encode(errors="surrogatepass") if isinstance(text, str) else text))

    def leaks(self) -> list[str]:
        """Search what is new. Each finding names place and form, and never quotes."""
        noted, self._noted = self._noted, []
        asked = [(place, source()) for place, source in self._sources.items()]
        files = [(str(file), self._news(file)) for file in self._searched_bytes]
        return [f"{place}: {form}" for place, text in (*noted, *asked, *files) for form in self._canary.find(text)]

    def _news(self, file: Path) -> bytes:
        if not file.exists():
            return b""
        size = file.stat().st_size
        start = self._searched_bytes[file]
        start = 0 if size < start else max(0, start - _OVERLAP_BYTES)
        with file.open("rb") as log:
            log.seek(start)
            news = log.read()
        self._searched_bytes[file] = start + len(news)
        return news
