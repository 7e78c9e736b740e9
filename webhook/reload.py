"""What a worker does besides admissions: it reloads its connections, and gives idle tokens back."""

import logging
from collections.abc import Callable, Collection
from pathlib import Path

from resolver.connections.files import Look, look, usable
from resolver.connections.model import ConfigurationError
from resolver.resolve import Resolver
from resolver.tenancy.token_cache import TokenCache
from runtime.poller import FOR_EVER, Poller, What

log = logging.getLogger("keyhole.server")

# A change is in use after two to three of these.
FOLLOW_SECONDS = 1.0
_SWEEP_SECONDS = 30.0
_CONNECTIONS = What("the connections", "those in use stay", "those in use stay")
_TOKENS = What("idle tokens", "they are kept", "they are kept")


class Reloader:
    """Two pollers of a worker: one reads the connections again, the other gives back tokens that nobody uses."""

    def __init__(
        self,
        file: Path,
        resolver: Resolver,
        tokens: TokenCache,
        on_reload: Callable[[bool], None] = lambda _is_taken: None,
    ) -> None:
        """Follow `file`; `on_reload` is told of each change, and whether all of it is in use."""
        self.rejects_connections = False
        self.rejected: Collection[str] = ()
        """The connections that are not used as the file says."""
        self._on_reload = on_reload
        self._file = file
        self._resolver = resolver
        self._last: Look | None = None
        self._decided: Look | None = None
        self._following = Poller(self.follow, FOLLOW_SECONDS, FOR_EVER, _CONNECTIONS, log=log)
        self._sweeping = Poller(tokens.drop_idle, _SWEEP_SECONDS, FOR_EVER, _TOKENS, log=log)

    @property
    def last_read_at(self) -> float | None:
        """When the connections were looked at last, in seconds since 1970; None before the first time."""
        return self._following.last_read_at

    @property
    def last_swept_at(self) -> float | None:
        """When idle tokens were given back last, in seconds since 1970; None before the first time."""
        return self._sweeping.last_read_at

    def start(self) -> None:
        """Begin."""
        self._following.start()
        self._sweeping.start()

    def close(self) -> None:
        """End, after what is under way."""
        self._following.close()
        self._sweeping.close()

    def follow(self) -> None:
        """Look at the connections file and the CA files that it names, and take a change over.

        Only what two looks in a row saw is taken over: somebody may be writing. Contents are compared, not times: a
        ConfigMap is mounted through links that are swapped. What cannot be used changes nothing, and the log says so
        once; a CA file that cannot be used concerns the connections that name it, which are decided on again as soon
        as there is anything else in it.
        """
        seen = look(self._file, self._last)
        is_settled, self._last = seen == self._last, seen
        if is_settled and seen != self._decided:
            self._decide(seen)
            self._decided = seen

    def _decide(self, seen: Look) -> None:
        try:
            found = usable(seen, self._file)
        except ConfigurationError as error:
            log.error("the new connections are not used, the old ones stay: %s", error)  # noqa: TRY400
            self._reloaded(is_taken=False, rejected=())
            return
        changed = self._resolver.replace(found.connections, found.rejected)
        for reason in found.rejected.values():
            log.error("a connection cannot be used; the one from before, if there was one, stays: %s", reason)
        if changed:
            log.info("connections taken over: %s", ", ".join(changed))
        # A worker that finds at its start what it began with has nothing to tell.
        if changed or found.rejected or self._decided is not None:
            self._reloaded(is_taken=not found.rejected, rejected=found.rejected.keys())

    def _reloaded(self, *, is_taken: bool, rejected: Collection[str]) -> None:
        self.rejects_connections = not is_taken
        self.rejected = rejected
        self._on_reload(is_taken)
