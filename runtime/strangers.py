"""Places for connections that have not proved anything yet. There are few, but every newcomer gets one."""

from collections import Counter
from collections.abc import Hashable
from typing import Generic, TypeVar

_Connection = TypeVar("_Connection", bound=Hashable)


class Strangers(Generic[_Connection]):
    """At most `most` connections hold a place. The caller makes sure that only one thread uses this at a time.

    If all places are taken, a newcomer takes the oldest one of the address that holds the most. So a single address
    that opens thousands of connections only ever displaces its own.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._address_of: dict[_Connection, str] = {}  # the oldest comes first
        self._held_by: Counter[str] = Counter()

    def __contains__(self, connection: object) -> bool:
        return connection in self._address_of

    def __len__(self) -> int:
        return len(self._address_of)

    def admit(self, connection: _Connection, address: str) -> _Connection | None:
        """Give a place to a connection from an address. Returns the connection that lost its place for it, if any."""
        self._address_of[connection] = address
        self._held_by[address] += 1
        if len(self._address_of) <= self._most:
            return None
        most = max(self._held_by.values())
        displaced = next(each for each, host in self._address_of.items() if self._held_by[host] == most)
        self.forget(displaced)
        return displaced

    def forget(self, connection: _Connection) -> None:
        """Free the connection's place, if it has one."""
        address = self._address_of.pop(connection, None)
        if address is None:
            return
        self._held_by[address] -= 1
        if not self._held_by[address]:
            del self._held_by[address]
