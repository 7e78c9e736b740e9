"""The Vault for which a tenant is set up, as far as the connections file tells of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import ValidationError

from resolver.connections import Authentication, ConfigurationError, Connection
from resolver.reference import DEFAULT_CONNECTION

DEFAULT_ROLE = "keyhole-{namespace}"
DEFAULT_SHARED_ROLE = "keyhole"


@dataclass(frozen=True, slots=True)
class Target:
    """How Keyhole logs in, and the key/value mounts whose version is known. `address` is for comments."""

    auth: Authentication
    connection: str = DEFAULT_CONNECTION
    mounts: Mapping[str, int] = field(default_factory=dict)
    vault_namespace: str | None = None
    address: str | None = None


def assumed(*, shared: bool) -> Target:
    """Return what stands for a connection that was not given: the method `jwt`, and everything by default."""
    return Target(Authentication(method="jwt", role=DEFAULT_SHARED_ROLE if shared else DEFAULT_ROLE))


def read(file: Path, connection: str) -> Target:
    """Read one connection of a connections file.

    Unlike `resolver.connections.load` this does not need the CA file, which lies where the webhook runs and not where
    the administrator sits. Raises `ConfigurationError` naming file, field and cause.
    """
    try:
        content = yaml.safe_load(file.read_bytes())
    except (OSError, yaml.YAMLError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else "not YAML"
        raise ConfigurationError(f"{file}: cannot be read: {cause}") from None
    known = content.get("connections") if isinstance(content, dict) else None
    if not isinstance(known, dict):
        raise ConfigurationError(f"{file}: connections: is missing, or no map")
    if connection not in known:
        raise ConfigurationError(f"{file}: there is no connection {connection!r}; known: {', '.join(map(str, known))}")
    try:
        found = Connection.model_validate(known[connection], by_alias=True, by_name=False)
    except ValidationError as error:
        problems = "; ".join(
            f"connections.{connection}.{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError(f"{file}: {problems}") from None
    return Target(found.auth, connection, found.mounts, found.vault_namespace, found.address)
