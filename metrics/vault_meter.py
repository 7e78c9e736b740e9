"""Counts the requests of a process to Vault. Its methods are those of `resolver.vault.observer.Observer`."""

from collections.abc import Callable

from metrics.catalogue import BREAKER_REFUSALS, LOGINS, VAULT_REQUESTS, VAULT_RETRIES
from metrics.meters import Meters, status_word


class VaultMeter:
    """Counts the requests of one connection. Operations and logins are words of closed sets, enums of the resolver."""

    def __init__(self, meters: Meters, connection: str) -> None:
        self._meters = meters
        self._connection = connection

    def exchanged(self, operation: str, status: str, seconds: float) -> None:
        """Count a request."""
        self._meters.observe(VAULT_REQUESTS, seconds, self._connection, str(operation), status_word(status))

    def repeated(self, operation: str) -> None:
        """Count a retry."""
        self._meters.add(VAULT_RETRIES, self._connection, str(operation))

    def turned_away(self) -> None:
        """Count a request that was not sent."""
        self._meters.add(BREAKER_REFUSALS, self._connection)

    def logged_in(self, login: str) -> None:
        """Count a login."""
        self._meters.add(LOGINS, self._connection, str(login))


def vault_meters(meters: Meters) -> Callable[[str], VaultMeter]:
    """Return what gives the meter of each connection, by its name."""
    return lambda connection: VaultMeter(meters, connection)
