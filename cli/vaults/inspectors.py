"""Looks at the Vaults of connections without reading a value, with a person's own token or with a login of CI's."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

from cli.errors import NotDoneError
from cli.vaults.known import NotAsked, Vaults, for_login, jwt_of, known_vaults
from cli.vaults.login import Login
from resolver.connections.model import Connection
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.inspection import Inspector
from resolver.references.reference import Reference
from resolver.references.value import SecretValue
from resolver.vault.mounts import V2
from resolver.vault.socket_watch import SocketWatch
from review.lint.with_vault.answers import NoAnswer
from review.lint.with_vault.facts import why

_LOGIN_SECONDS: Final = 15.0
_QUESTION_SECONDS: Final = 30.0

Inspectors = Callable[[str], Inspector | NoAnswer]
"""Returns what looks at the Vault of a connection, opened when it is first asked for; or why nothing does."""


@contextmanager
def inspectors(connections: Path | None, login: Login | None) -> Iterator[Inspectors]:
    """Give inspectors of the connections of a file, or of `default` at VAULT_ADDR; tokens of logins are given back.

    Raises `NotDoneError` for settings that cannot be meant, here or when one is opened.
    """
    known, opened = known_vaults(connections), dict[str, Inspector | NoAnswer]()
    with ExitStack() as ending:
        watch = ending.enter_context(closing(SocketWatch()))

        def of(name: str) -> Inspector | NoAnswer:
            if name not in opened:
                found = opened[name] = _opened(known, name, login, watch)
                if isinstance(found, Inspector):
                    ending.enter_context(closing(found))
            return opened[name]

        yield of


def keys_at(of: Inspectors, tell: Callable[[str], None]) -> Callable[[str, str], Sequence[str] | None]:
    """Return what gives the names of the fields at a connection's path, None if they are not known.

    Each path is asked for once. `tell` is called with each reason why something is not known, once.
    """
    answers: dict[tuple[str, str], Sequence[str] | NoAnswer] = {}
    told: set[str] = set()

    def at(connection: str, path: str) -> Sequence[str] | None:
        key = (connection, path)
        if key not in answers:
            answers[key] = _keys(of(connection), Reference(path, "", connection))
        found = answers[key]
        if not isinstance(found, NoAnswer):
            return found
        if found.reason not in told:
            told.add(found.reason)
            tell(found.reason)
        return None

    return at


def _keys(vault: Inspector | NoAnswer, reference: Reference) -> Sequence[str] | NoAnswer:
    if isinstance(vault, NoAnswer):
        return vault
    deadline = Deadline.after(_QUESTION_SECONDS)
    try:
        location = vault.locate(reference, deadline)
        if location.mount.version != V2:
            return NoAnswer(f"{location.mount.path} is a KV v1 mount, which shows no names without the values")
        return sorted(vault.outline(location, deadline).fields)
    except ResolverError as error:
        return why(error)


def _opened(known: Vaults, name: str, login: Login | None, watch: SocketWatch) -> Inspector | NoAnswer:
    connection = known.connection(name)
    if isinstance(connection, NotAsked):
        return _told(connection)
    if login is not None:
        connection, jwt = for_login(connection, login), jwt_of(login)
        return _told(jwt) if isinstance(jwt, NotAsked) else _logged_in(connection, jwt, watch)
    token = known.token()
    if isinstance(token, NotAsked):
        return _told(token)
    inspector = _inspector(connection, watch)
    inspector.use(token)
    return inspector


def _told(why_not: NotAsked) -> NoAnswer:
    return NoAnswer(why_not.reason, why_not.is_away)


def _logged_in(connection: Connection, jwt: SecretValue, watch: SocketWatch) -> Inspector | NoAnswer:
    inspector = _inspector(connection, watch)
    try:
        inspector.log_in(jwt, Deadline.after(_LOGIN_SECONDS))
    except ResolverError as error:
        inspector.close()
        return why(error)
    return inspector


def _inspector(connection: Connection, watch: SocketWatch) -> Inspector:
    try:
        return Inspector(connection, watch)
    except OSError:
        raise NotDoneError(f"the CA bundle for {connection.address} cannot be used") from None
