"""Which workers are ready. All workers know, so that one that is not can leave new connections to the others."""

import mmap

_MOST_PLACES = 128


class ReadyWorkers:
    """One byte for each worker's place, in memory that the master shares with all processes that it forks."""

    def __init__(self) -> None:
        self._ready = mmap.mmap(-1, _MOST_PLACES)

    def tell(self, place: int, *, is_ready: bool) -> None:
        """Note whether the worker with this place is ready. The master does that for a worker that has died."""
        self._ready[place] = is_ready

    def is_another(self, place: int) -> bool:
        """Return whether a worker with another place is ready."""
        return any(is_ready for other, is_ready in enumerate(self._ready[:]) if other != place)
