"""Asks Vault for versions with a person's own token, which goes to no other server than theirs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli.errors import NotDoneError
from cli.following.rows import Answer, NotKnown, path_of
from cli.following.rows import Path as VaultPath
from cli.own_vault import own_connection, own_token
from resolver.connections.files import load
from resolver.connections.model import ConfigurationError, Connection
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.references.reference import DEFAULT_CONNECTION, Reference
from resolver.references.value import SecretValue
from resolver.tenancy.static_token import StaticToken
from resolver.vault.denials import DeniedForNow, MountDenied, OwnTokenUnknown
from resolver.vault.errors import ConnectionUnusable, SecretNotFound, VaultDenied, VaultUnavailable
from resolver.versions import Versions

_DEADLINE_SECONDS: Final = 10.0
_DENIED: Final = (VaultDenied, MountDenied, DeniedForNow)
_UNREACHABLE: Final = (VaultUnavailable, ConnectionUnusable, OwnTokenUnknown)


@dataclass(frozen=True, slots=True)
class OwnVault:
    """The connections that are asked, with the token for them, and how often each connection is followed."""

    connections: Mapping[str, Connection]
    intervals: Mapping[str, float]
    token: SecretValue | None

    @classmethod
    def found(cls, connections_file: Path | None) -> "OwnVault":
        """Take the settings of the `vault` command, and the connections file for what it says.

        Of the connections in the file only those with the address VAULT_ADDR are asked.
        Raises `NotDoneError`.
        """
        own, token = own_connection(), own_token()
        if connections_file is None:
            return cls({DEFAULT_CONNECTION: own} if own else {}, {}, token)
        try:
            known = load(connections_file)
        except ConfigurationError as error:
            raise NotDoneError(str(error)) from None
        intervals = {name: one.follow_interval_seconds for name, one in known.items()}
        asked = {
            # What the administrator allows to namespaces does not limit a person.
            name: one.model_copy(update={"allow": None})
            for name, one in known.items()
            if own is not None and one.address == own.address
        }
        return cls(asked, intervals, token)

    def ask(self, references: Iterable[Reference], tell: Callable[[str], None]) -> Mapping[VaultPath, Answer]:
        """Return the newest version of each path, one question each. `tell` is told once why a Vault cannot be asked.

        Connections that are not asked, and all of them without a token, have no answers.
        """
        if self.token is None:
            return {}
        wanted = {path_of(each): each for each in references if each.connection in self.connections}
        if not wanted:
            return {}
        try:
            versions = Versions(self.connections, StaticToken(self.token))
        except OSError:
            raise NotDoneError("the CA bundle of a Vault connection cannot be used") from None
        answers: dict[VaultPath, Answer] = {}
        away: set[str] = set()
        try:
            for path, reference in sorted(wanted.items()):
                answers[path] = NotKnown("unreachable") if path[0] in away else _ask(versions, reference, away, tell)
        finally:
            versions.close()
        return answers


def _ask(versions: Versions, reference: Reference, away: set[str], tell: Callable[[str], None]) -> Answer:
    try:
        with versions.asking(reference.connection, "", Deadline.after(_DEADLINE_SECONDS), _free) as questions:
            return questions.version(reference)
    except _UNREACHABLE as error:
        away.add(reference.connection)
        tell(f"note: {reference.connection}: {error.cause}: {error.message}")
        return NotKnown("denied" if isinstance(error, OwnTokenUnknown) else "unreachable")
    except _DENIED:
        return NotKnown("denied")
    except SecretNotFound:
        return NotKnown("missing")
    except ResolverError as error:
        return NotKnown(str(error.cause))


def _free() -> None:
    """Allow any number of questions."""
