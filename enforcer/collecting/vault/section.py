"""Asks every Vault: at most one request for each path of a namespace, each policy and each role; never for `data/`."""

import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from itertools import groupby
from operator import attrgetter
from typing import Final, TypeVar

from enforcer.collecting.run import Run, Stopped
from enforcer.collecting.sources import Sources
from enforcer.collecting.vault import questions, reading
from enforcer.collecting.vault.logins import Logins, NotAsked, soon, told
from enforcer.collecting.vault.questions import LoginRole, Paths
from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import ClusterFacts
from enforcer.facts.inventory import Inventory
from enforcer.facts.vault import PathFacts, PolicyFacts, RoleFacts, RoleParameters, RuleFacts, VaultFacts
from kube.client import connect
from kube.errors import KubernetesUnavailable
from kube.tokens import ServiceAccountTokens
from resolver.connections.files import look, usable
from resolver.connections.model import ConfigurationError, Connection
from resolver.errors import ResolverError
from resolver.inspection import Inspector
from resolver.references import paths
from resolver.references.paths import PathError
from resolver.references.reference import Reference
from resolver.vault.errors import SecretNotFound
from resolver.vault.mounts import V1
from resolver.vault.socket_watch import SocketWatch
from runtime.bugs import described

_log = logging.getLogger("keyhole.enforcer")
AT_ONCE: Final = 8
"""How many requests are under way at most, to all Vaults together."""
_Found = TypeVar("_Found")


def collect(sources: Sources, run: Run, so_far: Inventory) -> VaultFacts | NotKnown:
    """Ask what Vault has of what the cluster uses. Never raises for what servers do."""
    if sources.connections is None:
        return NotKnown(not_known="no connections file was given (--connections)")
    if isinstance(so_far.cluster, NotKnown):
        return NotKnown(not_known=f"which namespaces there are is not known: {so_far.cluster.not_known}")
    try:
        seen = look(sources.connections)
        found = usable(seen, sources.connections)
        api = connect(sources.kubeconfig)
    except ConfigurationError as error:
        return NotKnown(not_known=str(error))
    except KubernetesUnavailable as error:
        return NotKnown(not_known=str(error))
    account = (sources.own_namespace, f"{sources.name}-enforcer")
    with ExitStack() as ending:
        ending.callback(api.close)
        watch = ending.enter_context(closing(SocketWatch()))
        vaults: dict[str, Inspector | str] = dict(found.rejected)
        for name, connection in found.connections.items():
            vaults[name] = ending.enter_context(closing(Inspector(connection, watch)))
        logins = Logins(vaults, ServiceAccountTokens(api), account)
        return _Asking(logins, seen.connections, so_far.cluster, run).all()


class _Asking:
    """Asks everything, a few questions at once."""

    def __init__(self, logins: Logins, connections: Mapping[str, Connection], cluster: ClusterFacts, run: Run) -> None:
        self._logins = logins
        self._connections = connections
        self._cluster = cluster
        self._run = run
        self._mounts: set[tuple[str, str, int]] = set()

    def all(self) -> VaultFacts:
        """Ask everything. Never raises for what servers do, or when the run has to end."""
        roles = questions.roles(self._cluster, self._connections)
        policies: list[PolicyFacts] = []
        parameters: list[RoleFacts] = []
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="enforcer-vault") as pool:
            for connection, own in groupby(roles, key=attrgetter("connection")):
                for policy, role in self._configured(pool, connection, list(own)):
                    policies.append(policy)
                    parameters.append(role)
            wanted = questions.paths(self._cluster)
            counted = enumerate(wanted.items(), start=1)
            seen = pool.map(lambda each: self._tenant(each[0], len(wanted), *each[1]), counted)
            found = [each for one in seen for each in one]
        return VaultFacts(
            connections=questions.connection_facts(self._connections, self._mounts),
            paths=tuple(found),
            policies=tuple(policies),
            roles=tuple(parameters),
        )

    def _configured(
        self, pool: ThreadPoolExecutor, connection: str, roles: list[LoginRole]
    ) -> list[tuple[PolicyFacts, RoleFacts]]:
        """Ask for the policies and roles of one connection, with one login for all."""
        self._run.tell(f"Vault: {len(roles)} roles of the connection {connection}")
        try:
            with self._logins.as_enforcer(connection, self._run) as vault:
                return list(pool.map(lambda role: _configured(vault, role, self._run), roles))
        except NotAsked as error:
            why = error.reason
        except Stopped as stopped:
            why = stopped.reason
        return [_facts(role, NotKnown(not_known=why), NotKnown(not_known=why)) for role in roles]

    def _tenant(self, number: int, total: int, who: tuple[str, str], wanted: Paths) -> list[PathFacts]:
        """Ask for all paths that one namespace uses at one connection, with one login."""
        namespace, connection = who
        found: list[PathFacts] = []
        try:
            self._run.tell(f"Vault: namespace {number} of {total}")
            with self._logins.as_tenant(connection, namespace, self._run) as vault:
                for path, recorded in wanted.items():
                    self._run.go_on()
                    found.append(self._path(vault, who, path, recorded))
        except NotAsked as error:
            why = error.reason
        except Stopped as stopped:
            why = stopped.reason
        except Exception as error:  # noqa: BLE001 - a bug that one namespace brings out must not take the others away
            why = _bug(f"asking Vault as {namespace}", error)
        else:
            return found
        left, unknown = list(wanted)[len(found) :], NotKnown(not_known=why)
        rest = [PathFacts(namespace=namespace, connection=connection, path=path, versions=unknown) for path in left]
        return found + rest

    def _path(self, vault: Inspector, who: tuple[str, str], path: str, recorded: Iterable[int]) -> PathFacts:
        namespace, connection = who
        facts = PathFacts(namespace=namespace, connection=connection, path=path, versions=None)
        try:
            paths.check(path)
            location = vault.locate(Reference(path, "any", connection), soon())
            mount = location.mount.path
            self._mounts.add((connection, mount, location.mount.version))
            facts = facts.model_copy(update={"mount": mount})
            if not vault.connection.allows(str(location), namespace):
                why = f"the connection {connection} no longer lets namespace {namespace} refer to {location}"
            elif location.mount.version == V1:
                why = f"{mount} is a KV v1 mount, which keeps no versions"
            else:
                listed = vault.versions(location, soon())
                return facts.model_copy(update={"versions": reading.versions(listed, tuple(recorded))})
        except SecretNotFound:
            return facts
        except PathError as error:
            why = f"no secret can be at this path: {error.reason}"
        except ResolverError as error:
            why = told(error)
        return facts.model_copy(update={"versions": NotKnown(not_known=why)})


def _configured(vault: Inspector, role: LoginRole, run: Run) -> tuple[PolicyFacts, RoleFacts]:
    data = _answer(lambda: vault.role(role.mount, role.name, soon()), run)
    text = _answer(lambda: vault.policy(role.policy, soon()), run)
    return _facts(
        role,
        reading.rules(text, role.policy) if isinstance(text, str) else text,
        data if data is None or isinstance(data, NotKnown) else reading.parameters(data),
    )


def _facts(
    role: LoginRole,
    rules: tuple[RuleFacts, ...] | NotKnown | None,
    parameters: RoleParameters | NotKnown | None,
) -> tuple[PolicyFacts, RoleFacts]:
    policy = PolicyFacts(connection=role.connection, name=role.policy, namespaces=role.namespaces, rules=rules)
    mount = role.mount
    return policy, RoleFacts(
        connection=role.connection, mount=mount, name=role.name, namespaces=role.namespaces, parameters=parameters
    )


def _answer(ask: Callable[[], _Found], run: Run) -> _Found | NotKnown:
    try:
        run.go_on()
        return ask()
    except Stopped as stopped:
        return NotKnown(not_known=stopped.reason)
    except ResolverError as error:
        return NotKnown(not_known=told(error))
    except Exception as error:  # noqa: BLE001 - as above, with roles
        return NotKnown(not_known=_bug("asking Vault for a role and its policy", error))


def _bug(doing: str, error: Exception) -> str:
    _log.error("%s failed: %s", doing, described(error))
    return f"a bug in Keyhole: {type(error).__name__}"
