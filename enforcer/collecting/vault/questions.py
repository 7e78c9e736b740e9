"""What Vault is to be asked, from the cluster's records and from the connections. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from enforcer.facts.base import is_known
from enforcer.facts.cluster import ClusterFacts, Namespace
from enforcer.facts.vault import ConnectionFacts, MountFacts, split
from provisioning.policy_paths import NAMESPACE
from provisioning.vault_role import policy_name
from resolver.connections.model import Connection
from resolver.vault.mounts import V2

Paths: TypeAlias = Mapping[str, frozenset[int]]
"""The paths that a namespace uses at one connection, and the versions that records name of each."""


@dataclass(frozen=True, slots=True)
class LoginRole:
    """A role and its policy at one connection, and the namespaces that log in with it."""

    connection: str
    mount: str
    name: str
    policy: str
    namespaces: tuple[str, ...]


def paths(cluster: ClusterFacts) -> Mapping[tuple[str, str], Paths]:
    """Return what is to be asked as each namespace at each connection, in the order of their names.

    Only records that are proved count: anybody can write one that is not, and name whatever paths they like.
    """
    found: dict[tuple[str, str], dict[str, set[int]]] = {}
    for namespace in cluster.namespaces:
        for each in namespace.objects if is_known(namespace.objects) else ():
            for field in each.fields if each.proof == "proved" else ():
                for name, version in field.versions.items():
                    connection, path = split(name)
                    versions = found.setdefault((namespace.name, connection), {}).setdefault(path, set())
                    versions.update(() if version is None else (version,))
    return {key: {path: frozenset(found[key][path]) for path in sorted(found[key])} for key in sorted(found)}


def roles(cluster: ClusterFacts, connections: Mapping[str, Connection]) -> list[LoginRole]:
    """Return the roles with which namespaces log in at each connection: for each its own, or one for all."""
    names = tuple(sorted(each.name for each in cluster.namespaces if _logs_in(each)))
    found: list[LoginRole] = []
    for name in sorted(connections):
        auth = connections[name].auth
        if NAMESPACE not in auth.role:
            found.append(LoginRole(name, auth.mount_point, auth.role, policy_name(auth.role), names))
            continue
        own = [(auth.role_for(namespace), namespace) for namespace in names]
        found += [LoginRole(name, auth.mount_point, role, policy_name(role), (one,)) for role, one in own]
    return [role for role in found if role.namespaces]


def connection_facts(
    connections: Mapping[str, Connection], shown: Iterable[tuple[str, str, int]]
) -> tuple[ConnectionFacts, ...]:
    """Return the connections. `shown` are mounts that Vault told of: connection, path and version."""
    mounts: dict[str, dict[str, int]] = {name: dict(one.mounts) for name, one in connections.items()}
    for connection, path, version in shown:
        mounts[connection][path] = version
    return tuple(
        ConnectionFacts(
            name=name,
            address=one.address,
            method=one.auth.method,
            mount_point=one.auth.mount_point,
            role=one.auth.role,
            audience=one.auth.audience,
            mounts=tuple(
                MountFacts(path=path, version=2 if version == V2 else 1)
                for path, version in sorted(mounts[name].items())
            ),
        )
        for name, one in sorted(connections.items())
    )


def _logs_in(namespace: Namespace) -> bool:
    return namespace.enabled or (is_known(namespace.objects) and any(each.fields for each in namespace.objects))
