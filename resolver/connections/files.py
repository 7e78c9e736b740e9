"""The connections file and the CA files that it names, and the connections that follow from them.

A change in any of these files counts: when a CA bundle is renewed, the name of its file stays the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from resolver.connections import bounded_file, tls_trust
from resolver.connections.model import ConfigurationError, Connection, parse, read_bytes

# The CA bundle of an operating system has a quarter of a megabyte.
MAX_BUNDLE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Look:
    """The content of the files at one time. Two looks are equal if every byte is the same.

    `content` is that of the connections file; `problem` says why it has no usable connections; `bundles` are the
    contents of the CA files, or a message why one cannot be read.
    """

    content: bytes | None
    problem: str = field(compare=False)
    connections: Mapping[str, Connection] = field(compare=False)
    bundles: Mapping[Path, bytes | str]


@dataclass(frozen=True, slots=True)
class Found:
    """The usable connections with their CA bundles, and for each other name why it cannot be used."""

    connections: Mapping[str, Connection]
    rejected: Mapping[str, str]


def look(file: Path, before: Look | None = None) -> Look:
    """Read a connections file and the CA files that it names. Never raises. Parses only what differs from `before`."""
    try:
        content = read_bytes(file)
    except ConfigurationError as error:
        return Look(None, str(error), {}, {})
    if before is not None and content == before.content:
        problem, connections = before.problem, before.connections
    else:
        problem, connections = _parsed(content, file)
    named = {connection.ca_file for connection in connections.values() if connection.ca_file is not None}
    return Look(content, problem, connections, {path: _bundle(path) for path in sorted(named)})


def usable(seen: Look, file: Path) -> Found:
    """Return the connections of a look. An unusable CA file only affects the connections that name it.

    Raises `ConfigurationError` if the connections file as a whole cannot be used.
    """
    if seen.problem:
        raise ConfigurationError(seen.problem)
    connections, rejected = {}, {}
    for name, connection in seen.connections.items():
        bundle = seen.bundles[connection.ca_file] if connection.ca_file is not None else None
        try:
            connections[name] = connection.trusting(_checked(bundle, connection.ca_file))
        except ConfigurationError as error:
            rejected[name] = f"{file}: connections.{name}.caFile: {error}"
    return Found(connections, rejected)


def load(file: Path) -> Mapping[str, Connection]:
    """Read a connections file with its CA files.

    Raises `ConfigurationError` if it or a CA file cannot be used.
    """
    found = usable(look(file), file)
    if found.rejected:
        raise ConfigurationError("; ".join(found.rejected.values()))
    return found.connections


def with_bundle(connection: Connection, field: str) -> Connection:
    """Read the CA file of a connection. Raises `ConfigurationError` naming `field` if it cannot be used."""
    if connection.ca_file is None:
        return connection
    try:
        return connection.trusting(_checked(_bundle(connection.ca_file), connection.ca_file))
    except ConfigurationError as error:
        raise ConfigurationError(f"{field}: {error}") from None


def _parsed(content: bytes, file: Path) -> tuple[str, Mapping[str, Connection]]:
    try:
        return "", parse(content, file)
    except ConfigurationError as error:
        return str(error), {}


def _bundle(path: Path) -> bytes | str:
    try:
        return bounded_file.read_bytes(path, MAX_BUNDLE_BYTES)
    except FileNotFoundError:
        return f"no such file: {path}"
    except bounded_file.TooLarge as error:
        return f"{error}: {path}"
    except OSError as error:
        return f"cannot be read ({error.strerror}): {path}"
    except ValueError:
        # NUL or half of a surrogate pair, which no file name can contain.
        return "not the name of a file"


def _checked(bundle: bytes | str | None, path: Path | None) -> bytes | None:
    if isinstance(bundle, str):
        raise ConfigurationError(bundle)
    try:
        tls_trust.tls_context(bundle)
    except OSError:
        raise ConfigurationError(f"holds no certificate in PEM: {path}") from None
    return bundle
