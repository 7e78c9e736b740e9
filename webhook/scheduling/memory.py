"""How much memory large things take in one worker: bodies that are read, and what Vault answers.

All of them share one room. A namespace takes another part of it only while it holds less than is free, as with places
(`webhook.scheduling.fair_queue`): one alone gets half of it, two a third each, and whoever comes next finds room.
"""

from collections import Counter
from typing import Final

_MIB: Final = 1024 * 1024
MOST_BYTES: Final = 96 * _MIB
"""With two workers, and what they take at rest, it stays below the 512 MiB that the chart gives a pod."""


class Memory:
    """The room of one worker. Greenlets may share it. `held_bytes` is how much of it is taken now."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.held_bytes = 0
        self._most_bytes = most_bytes
        self._held: Counter[str] = Counter()

    def take(self, namespace: str, size_bytes: int) -> bool:
        """Take a part of the room for a namespace; return False, at once, when there is none for it."""
        free = self._most_bytes - self.held_bytes
        if size_bytes and (self._held[namespace] >= free or size_bytes > free):
            return False
        self.held_bytes += size_bytes
        self._held[namespace] += size_bytes
        return True

    def give(self, namespace: str, size_bytes: int) -> None:
        """Give a part back."""
        self.held_bytes -= size_bytes
        self._held[namespace] -= size_bytes
        if not self._held[namespace]:
            del self._held[namespace]
