"""Asks the Vaults behind a tree's references: with a person's own token, or with a login of CI's.

Credentials go to a Vault that the environment names (VAULT_ADDR). Without that, they go where the connections file
leads: a JWT to each Vault of it, a token only if all connections lead to the same one.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from cli.commands.review.known_connections import read
from cli.errors import NotDoneError
from cli.own_vault import own_connection, own_token
from resolver.connections.files import look, usable, with_bundle
from resolver.connections.model import ConfigurationError, Connection
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.inspection import Inspector, logging_in
from resolver.references.reference import DEFAULT_CONNECTION
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
# RFC 7519, section 3, in the compact form of RFC 7515: three parts in base64 for URLs.
_JWT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


def judged(options: "WithVault", uses: Sequence[Use]) -> tuple[list[Finding | NotChecked], bool]:
    """Ask about the uses, and return what there is to tell, and whether Vault was missing for any of it.

    Raises `NotDoneError` for settings that cannot be meant.
    """
    known = _known(options.connections)
    with ExitStack() as ending:
        watch = ending.enter_context(closing(SocketWatch()))
        vaults = {name: _opened(options, known, name, watch) for name in sorted({u.reference.connection for u in uses})}
        for vault in vaults.values():
            if isinstance(vault, Inspector):
                ending.enter_context(closing(vault))
        facts = ask(uses, vaults, _policies(options.connections))
    most_behind = MOST_BEHIND if options.most_behind is None else options.most_behind
    return list(judged_by(uses, facts, most_behind)), facts.lack_vault


@dataclass(frozen=True, slots=True)
class _Known:
    """The connections by name, or why one cannot be used, and what the environment says."""

    connections: Mapping[str, Connection | NoAnswer]
    own: Connection | None
    is_from_file: bool

    @property
    def addresses(self) -> set[str]:
        """Where the connections lead."""
        return {each.address for each in self.connections.values() if isinstance(each, Connection)}


def _known(file: Path | None) -> _Known:
    own = own_connection()
    if file is None:
        return _Known({DEFAULT_CONNECTION: own} if own else {}, own, is_from_file=False)
    try:
        seen = look(file)
        found = usable(seen, file)
    except ConfigurationError as error:
        raise NotDoneError(str(error)) from None
    connections: dict[str, Connection | NoAnswer] = dict(found.connections)
    for name, problem in found.rejected.items():
        # The file names the CA bundle where the webhook runs.
        connections[name] = _with_own_bundle(seen.connections[name], problem)
    return _Known(connections, own, is_from_file=True)


def _with_own_bundle(connection: Connection, problem: str) -> Connection | NoAnswer:
    own = os.environ.get("VAULT_CACERT")
    if not own:
        return NoAnswer(f"{problem}; VAULT_CACERT can name another bundle", is_away=True)
    try:
        return with_bundle(connection.model_copy(update={"ca_file": Path(own)}), "VAULT_CACERT")
    except ConfigurationError as error:
        raise NotDoneError(str(error)) from None


def _opened(options: "WithVault", known: _Known, name: str, watch: SocketWatch) -> Inspector | NoAnswer:
    """Return what asks the Vault of a connection, logged in; or why it is not asked."""
    connection = known.connections.get(name)
    if connection is None:
        what = "is not in the connections file" if known.is_from_file else "has no address: set VAULT_ADDR"
        hint = "" if known.is_from_file or name == DEFAULT_CONNECTION else ", or give --connections"
        return NoAnswer(f"the connection {name} {what}{hint}", is_away=not known.is_from_file)
    if isinstance(connection, NoAnswer):
        return connection
    if known.own is not None and connection.address != known.own.address:
        elsewhere = f"the connection {name} leads to another Vault than VAULT_ADDR, and credentials go there only"
        return NoAnswer(elsewhere, is_away=True)
    if options.role is not None and options.jwt_env is not None:
        return _logged_in(_for_login(connection, options.role, options.auth_mount), options.jwt_env, watch)
    return _with_own_token(connection, known, watch)


def _with_own_token(connection: Connection, known: _Known, watch: SocketWatch) -> Inspector | NoAnswer:
    token = own_token()
    if token is None:
        return NoAnswer("there is no token: VAULT_TOKEN is not set, and there is no ~/.vault-token", is_away=True)
    if known.own is None and len(known.addresses) > 1:
        return NoAnswer("the connections lead to several Vaults: VAULT_ADDR must say whose the token is", is_away=True)
    inspector = _inspector(connection, watch)
    inspector.use(token)
    return inspector


def _for_login(connection: Connection, role: str, mount: str) -> Connection:
    try:
        return logging_in(connection, role, mount)
    except ValidationError as error:
        problem = error.errors(include_input=False, include_url=False)[0]
        raise NotDoneError(f"--{'role' if problem['loc'] == ('role',) else 'auth-mount'}: {problem['msg']}") from None


def _logged_in(connection: Connection, variable: str, watch: SocketWatch) -> Inspector | NoAnswer:
    jwt = os.environ.get(variable, "").strip()
    if not _JWT.fullmatch(jwt):
        none = f"the variable {variable} {'holds no JWT' if jwt else 'is empty or not set'}"
        return NoAnswer(f"there is no identity to ask as, as for a pull request from a fork: {none}", is_away=True)
    inspector = _inspector(connection, watch)
    try:
        inspector.log_in(SecretValue(jwt), Deadline.after(_LOGIN_SECONDS))
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
