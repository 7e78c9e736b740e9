"""Reads the connections file again and again, and gives back tokens that nobody uses."""

import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Protocol

from resolver.connections.files import Look, look, usable
from resolver.connections.model import ConfigurationError, Connection
from runtime.poller import FOR_EVER, Poller, What

_LOG = logging.getLogger("keyhole.server")
# A change takes effect after two or three of these.
FOLLOW_SECONDS = 1.0
_SWEEP_SECONDS = 30.0
_CONNECTIONS = What("the connections", "those in use stay", "those in use stay")
_TOKENS = What("idle tokens", "they are kept", "they are kept")


class UsesConnections(Protocol):
    """What asks Vault, such as `resolver.resolve.Resolver`."""

    def replace(self, connections: Mapping[str, Connection], rejected: Collection[str] = ()) -> list[str]:
        """Use these connections from now on. Returns the names of those that changed."""
        ...


class Reloader:
    """Two pollers of a process: one reads the connections again, the other gives back tokens that nobody uses."""

    def __init__(
        self,
        file: Path,
        user: UsesConnections,
        drop_idle: Callable[[], object],
        on_reload: Callable[[bool], None] = lambda _is_taken: None,
        *,
        log: logging.Logger = _LOG,
    ) -> None:
        """Read `file` for `user`, and call `drop_idle` for the tokens.

        `on_reload` is called after each change, with True if all of it is in use.
        """
        self.rejects_connections = False
        self.rejected: Collection[str] = ()
        """The connections that are not in use as the file has them."""
        self._on_reload = on_reload
        self._file = file
        self._user = user
        self._log = log
        self._last: Look | None = None
        self._decided: Look | None = None
        self._following = Poller(self.follow, FOLLOW_SECONDS, FOR_EVER, _CONNECTIONS, log=log)
        self._sweeping = Poller(drop_idle, _SWEEP_SECONDS, FOR_EVER, _TOKENS, log=log)

    @property
    def last_read_at(self) -> float | None:
        """When the file was last looked at, in seconds since 1970; None before the first time."""
        return self._following.last_read_at

    @property
    def last_swept_at(self) -> float | None:
        """When idle tokens were last given back, in seconds since 1970; None before the first time."""
        return self._sweeping.last_read_at

    def start(self) -> None:
        """Start both."""
        self._following.start()
        self._sweeping.start()

    def close(self) -> None:
        """Stop both, once what they are doing is done."""
        self._following.close()
        self._sweeping.close()

    def follow(self) -> None:
        """Look at the connections file and at the CA files that it names, and use what has changed.

        A change is used once two looks in a row saw the same, because somebody may still be writing. Contents are
        compared, not times, because a ConfigMap is mounted through links that are swapped. What cannot be used changes
        nothing, and the log says so once. A CA file that cannot be used affects only the connections that name it;
        they are tried again as soon as its content changes.
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
            self._log.error("the new connections cannot be used, and the old ones stay: %s", error)
            self._reloaded(is_taken=False, rejected=())
            return
        changed = self._user.replace(found.connections, found.rejected)
        for reason in found.rejected.values():
            self._log.error("a connection cannot be used; its previous version, if there is one, stays: %s", reason)
        if changed:
            self._log.info("connections now in use: %s", ", ".join(changed))
        # A process that starts and finds what it began with has nothing to report.
        if changed or found.rejected or self._decided is not None:
            self._reloaded(is_taken=not found.rejected, rejected=found.rejected.keys())

    def _reloaded(self, *, is_taken: bool, rejected: Collection[str]) -> None:
        self.rejects_connections = not is_taken
        self.rejected = rejected
        self._on_reload(is_taken)
