"""The webhook's connections file, as judges of references want it. No Vault is asked, and no CA file is read."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from provisioning.errors import MountUnknown, PathRefused
from provisioning.policy_paths import locate
from provisioning.vault_role import policy_name
from resolver.connections import model
from review.lint.judges.connection import Connection, Location, Refused
from review.lint.uses import Use


def read(file: Path) -> Mapping[str, Connection]:
    """Return the connections of a file by name. Raises `ConfigurationError` naming file, field and cause."""
    return {name: _connection(one) for name, one in model.read(file).items()}


def _connection(one: model.Connection) -> Connection:
    return Connection(one.allow, one.mounts, _policy(one.auth), partial(_located, one.mounts))


def _policy(auth: model.Authentication) -> Callable[[str], str]:
    return lambda namespace: policy_name(auth.role_for(namespace))


def _located(mounts: Mapping[str, int], use: Use) -> Location | Refused | None:
    try:
        found = locate(use.reference, mounts)
    except MountUnknown:
        return None
    except PathRefused as error:
        return Refused(error.message)
    return Location(found.mount.path, found.mount.version, found.path)
