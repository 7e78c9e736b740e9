"""Which Vaults may be asked, and with whose credentials.

Credentials go to a Vault that the environment names (VAULT_ADDR). Without that, they go where the connections file
leads: a JWT to each Vault of it, a token only if all connections lead to the same one. A file that Git has decides
nothing of that, for whoever sends a pull request would.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from cli.errors import NotDoneError
from cli.own_vault import own_connection, own_token
from cli.vaults.login import Login
from resolver.connections.files import look, usable, with_bundle
from resolver.connections.model import ConfigurationError, Connection
from resolver.connections.problems import problems
from resolver.inspection import logging_in
from resolver.references.reference import DEFAULT_CONNECTION
from resolver.references.value import SecretValue
from review.sources.git import GitError, would_take

# RFC 7519, section 3, in the compact form of RFC 7515: three parts in base64 for URLs.
_JWT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_IN_GIT: Final = (
    "the connections file is in a repository, where a pull request could have it lead anywhere: set VAULT_ADDR, or give"
    " a file that is in none"
)


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Why a Vault is not asked. `is_away` says that it is not there, or that there is nobody to ask as."""

    reason: str
    is_away: bool


@dataclass(frozen=True, slots=True)
class Vaults:
    """The connections by name, or why one cannot be used, and what the environment says."""

    connections: Mapping[str, Connection | NotAsked]
    own: Connection | None
    is_from_file: bool
    is_in_git: bool = False

    def connection(self, name: str) -> Connection | NotAsked:
        """Return a connection, if credentials may go there."""
        found = self.connections.get(name)
        if found is None:
            what = "is not in the connections file" if self.is_from_file else "has no address: set VAULT_ADDR"
            hint = "" if self.is_from_file or name == DEFAULT_CONNECTION else ", or give --connections"
            return NotAsked(f"the connection {name} {what}{hint}", is_away=not self.is_from_file)
        if isinstance(found, Connection) and self.own is not None and found.address != self.own.address:
            elsewhere = f"the connection {name} leads to another Vault than VAULT_ADDR, and credentials go there only"
            return NotAsked(elsewhere, is_away=True)
        if self.own is None and self.is_in_git:
            return NotAsked(_IN_GIT, is_away=True)
        return found

    def token(self) -> SecretValue | NotAsked:
        """Return a person's own token, if it is clear whose it is."""
        token = own_token()
        if token is None:
            return NotAsked("there is no token: VAULT_TOKEN is not set, and there is no ~/.vault-token", is_away=True)
        addresses = {each.address for each in self.connections.values() if isinstance(each, Connection)}
        if self.own is None and len(addresses) > 1:
            return NotAsked("the connections lead to several Vaults: VAULT_ADDR must say whose the token is", True)
        return token


def known_vaults(file: Path | None) -> Vaults:
    """Return the connections of a file, or the one that VAULT_ADDR names. Raises `NotDoneError`."""
    own = own_connection()
    if file is None:
        return Vaults({DEFAULT_CONNECTION: own} if own else {}, own, is_from_file=False)
    try:
        seen = look(file)
        found = usable(seen, file)
    except ConfigurationError as error:
        raise NotDoneError(str(error)) from None
    connections: dict[str, Connection | NotAsked] = dict(found.connections)
    for name, problem in found.rejected.items():
        # The file names the CA bundle where the webhook runs.
        connections[name] = _with_own_bundle(seen.connections[name], problem)
    return Vaults(connections, own, is_from_file=True, is_in_git=own is None and _is_in_git(file))


def _is_in_git(file: Path) -> bool:
    try:
        return would_take(file)
    except GitError:
        return True


def jwt_of(login: Login) -> SecretValue | NotAsked:
    """Return the JWT of a job."""
    jwt = os.environ.get(login.jwt_env, "").strip()
    if _JWT.fullmatch(jwt):
        return SecretValue(jwt)
    none = f"the variable {login.jwt_env} {'holds no JWT' if jwt else 'is empty or not set'}"
    return NotAsked(f"there is no identity to log in with, as in a pull request from a fork: {none}", is_away=True)


def for_login(connection: Connection, login: Login) -> Connection:
    """Return the same connection for a job's login. Raises `NotDoneError` for a role or a mount that none can be."""
    try:
        return logging_in(connection, login.role, login.auth_mount)
    except ValidationError as error:
        field, problem = problems(error)[0]
        raise NotDoneError(f"--{'role' if field == 'role' else 'auth-mount'}: {problem}") from None


def _with_own_bundle(connection: Connection, problem: str) -> Connection | NotAsked:
    own = os.environ.get("VAULT_CACERT")
    if not own:
        return NotAsked(f"{problem}; VAULT_CACERT can name another bundle", is_away=True)
    try:
        return with_bundle(connection.model_copy(update={"ca_file": Path(own)}), "VAULT_CACERT")
    except ConfigurationError as error:
        raise NotDoneError(str(error)) from None
