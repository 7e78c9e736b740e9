"""Asks the Vaults behind a tree's references: with a person's own token, or with a login of CI's."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cli.commands.review.known_connections import read
from cli.errors import NotDoneError
from cli.vaults.known import NotAsked, Vaults, for_login, jwt_of, known_vaults
from resolver.connections.model import Connection
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.inspection import Inspector
from resolver.references.value import SecretValue
from resolver.vault.socket_watch import SocketWatch
from review.findings.finding import Finding
from review.lint.judges.connection import ASSUMED
from review.lint.uses import Use
from review.lint.with_vault.answers import NoAnswer
from review.lint.with_vault.facts import ask, why
from review.lint.with_vault.judge import MOST_BEHIND
from review.lint.with_vault.judge import judged as judged_by
from review.sources.text import NotChecked

if TYPE_CHECKING:
    from cli.commands.review.vault_options import WithVault

_LOGIN_SECONDS: Final = 15.0


def judged(options: "WithVault", uses: Sequence[Use]) -> tuple[list[Finding | NotChecked], bool]:
    """Ask about the uses, and return what there is to tell, and whether Vault was missing for any of it.

    Raises `NotDoneError` for settings that cannot be meant.
    """
    known = known_vaults(options.connections)
    with ExitStack() as ending:
        watch = ending.enter_context(closing(SocketWatch()))
        vaults = {name: _opened(options, known, name, watch) for name in sorted({u.reference.connection for u in uses})}
        for vault in vaults.values():
            if isinstance(vault, Inspector):
                ending.enter_context(closing(vault))
        facts = ask(uses, vaults, _policies(options.connections))
    most_behind = MOST_BEHIND if options.most_behind is None else options.most_behind
    return list(judged_by(uses, facts, most_behind)), facts.lack_vault


def _opened(options: "WithVault", known: Vaults, name: str, watch: SocketWatch) -> Inspector | NoAnswer:
    """Return what asks the Vault of a connection, logged in; or why it is not asked."""
    connection = known.connection(name)
    if isinstance(connection, NotAsked):
        return _told(connection)
    login = options.login
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


def _policies(file: Path | None) -> Callable[[str, str], str]:
    connections = read(file) if file is not None else {}
    return lambda connection, namespace: connections.get(connection, ASSUMED).policy(namespace)
