"""The Vault for which a tenant is set up, as far as the connections file describes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.errors import PathRefused
from resolver.connections.allow import AllowPattern
from resolver.connections.model import Authentication, ConfigurationError
from resolver.connections.model import read as read_connections
from resolver.references.reference import DEFAULT_CONNECTION
from resolver.vault.mounts import KvLocation

DEFAULT_ROLE = "keyhole-{namespace}"
DEFAULT_SHARED_ROLE = "keyhole"


@dataclass(frozen=True, slots=True)
class Target:
    """How Keyhole logs in, the key/value mounts with a known version, and the allowed paths.

    `allow` is None for everything. `address` is for comments.
    """

    auth: Authentication
    connection: str = DEFAULT_CONNECTION
    mounts: Mapping[str, int] = field(default_factory=dict)
    vault_namespace: str | None = None
    address: str | None = None
    allow: Sequence[AllowPattern] | None = None

    def check_allowed(self, locations: Sequence[KvLocation], namespace: str | None) -> None:
        """Raise `PathRefused` for the first path that the connection does not allow a namespace (None: some namespace).

        A policy that has it would be wider than what Keyhole ever asks for.
        """
        for location in locations:
            segments = str(location).split("/")
            if self.allow is not None and not any(
                pattern.covers(segments) if namespace is None else pattern.matches(segments, namespace)
                for pattern in self.allow
            ):
                allowed = ", ".join(map(str, self.allow)) or "nothing"
                raise PathRefused(str(location), f"the connection {self.connection!r} allows {allowed}")


def assumed(*, shared: bool) -> Target:
    """Return the target for no given connection: the method `jwt`, and defaults for everything else."""
    return Target(Authentication(method="jwt", role=DEFAULT_SHARED_ROLE if shared else DEFAULT_ROLE))


def read(file: Path, connection: str) -> Target:
    """Read one connection from a connections file.

    The CA file is not needed: it lies where the webhook runs and not where the administrator sits.
    Raises `ConfigurationError` naming file, field and cause.
    """
    known = read_connections(file)
    found = known.get(connection)
    if found is None:
        raise ConfigurationError(f"{file}: there is no connection {connection!r}; known: {', '.join(known)}")
    return Target(found.auth, connection, found.mounts, found.vault_namespace, found.address, found.allow)
