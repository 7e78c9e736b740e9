"""Which workers are ready, as all of them know it: one that is not leaves new connections to those that are."""

import mmap

_MOST_PLACES = 128


class ReadyWorkers:
    """A byte for each worker's place, in memory that the master shares with every process that it forks."""

    def __init__(self) -> None:
        self._ready = mmap.mmap(-1, _MOST_PLACES)

    def tell(self, place: int, *, is_ready: bool) -> None:
        """Say whether the worker with this place is ready. The master says for a dead one that it is not."""
        self._ready[place] = is_ready

    def is_another(self, place: int) -> bool:
        """Return whether a worker with another place is ready."""
        return any(is_ready for other, is_ready in enumerate(self._ready[:]) if other != place)
