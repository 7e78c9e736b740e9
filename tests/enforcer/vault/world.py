"""A cluster and a Vault as `keyhole tenant` sets them up, for tests to put something wrong in it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from enforcer.collecting.inventory import nothing_yet
from enforcer.collecting.vault import questions, reading
from enforcer.facts.base import NotKnown, is_known
from enforcer.facts.cluster import ClusterFacts, ClusterObject, FilledField, Namespace
from enforcer.facts.inventory import Inventory
from enforcer.facts.vault import (
    PathFacts,
    PathVersions,
    PolicyFacts,
    RoleFacts,
    RoleParameters,
    RuleFacts,
    VaultFacts,
    VersionFacts,
)
from enforcer.judging import identities, least_privilege, values_current
from enforcer.judging.answers import Answer, Held, NotChecked
from enforcer.judging.standard import Parameters, Standard
from provisioning import grants, vault_setup
from provisioning.target import Target
from provisioning.vault_role import TokenType
from provisioning.vault_setup import VaultSetup
from resolver.connections.model import Authentication, Connection
from resolver.references.jsontext import parse
from review.findings.finding import Finding

STANDARDS: Sequence[Standard] = (values_current.STANDARD, least_privilege.STANDARD, identities.STANDARD)
NOW = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)
FILLED = NOW - timedelta(days=10)
WRITTEN = NOW - timedelta(days=20)
MOUNTS: Mapping[str, Literal[1, 2]] = {"secret": 2, "teams/eu": 2, "legacy": 1}
JWT = Authentication(method="jwt", role="keyhole-{namespace}")
# What Vault tells of a role beside what it was given.
DEFAULTS: Mapping[str, Any] = {
    "token_bound_cidrs": [],
    "token_explicit_max_ttl": 0,
    "token_num_uses": 0,
    "token_period": 0,
    "bound_claims_type": "string",
    "groups_claim": "",
    "bound_claims": None,
    "allowed_redirect_uris": None,
    "max_age": 0,
}


def setup(
    namespace: str | None, paths: Iterable[str], auth: Authentication = JWT, token_type: TokenType = "service"
) -> VaultSetup:
    """Return what `keyhole tenant` prints for a namespace, or for all."""
    target = Target(auth, mounts=MOUNTS)
    if namespace is None:
        return vault_setup.for_all(target, grants.of_every_namespace(list(paths), MOUNTS), token_type, "auth_jwt_1a2b")
    return vault_setup.for_namespace(target, namespace, grants.of_paths(list(paths), MOUNTS), token_type)


def rules(text: str) -> tuple[RuleFacts, ...]:
    found = reading.rules(text, "test")
    assert is_known(found)
    return found


def parameters(given: Mapping[str, Any]) -> RoleParameters:
    """Return a role's parameters as they are read from Vault's answer."""
    data = parse(json.dumps({**DEFAULTS, **given}))
    assert isinstance(data, dict)
    found = reading.parameters(data)
    assert is_known(found)
    return found


@dataclass
class World:
    """A namespace `shop` that uses two paths, each at version 3, and `bank` that uses one. Vault has what they need."""

    uses: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {"shop": ("secret/shop/db", "teams/eu/shop/mail"), "bank": ("secret/bank/key",)}
    )
    auth: Authentication = JWT
    connection: str = "default"
    policies: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, Any] = field(default_factory=dict)
    versions: dict[tuple[str, str], Any] = field(default_factory=dict)
    objects: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for namespace, paths in self.uses.items():
            is_shared = "{namespace}" not in self.auth.role
            found = (
                setup(None, ["secret/{namespace}/*"], self.auth) if is_shared else setup(namespace, paths, self.auth)
            )
            self.policies[namespace] = rules(found.policy_text)
            self.roles[namespace] = parameters(found.role.parameters)
            self.objects[namespace] = (secret(namespace, paths, connection=self.connection),)
            for path in paths:
                self.versions[namespace, path] = versions(3)

    def rule(self, path: str, *capabilities: str, namespace: str = "shop") -> "World":
        """Add a rule to a namespace's policy."""
        self.policies[namespace] = (*self.policies[namespace], RuleFacts(path=path, capabilities=capabilities))
        return self

    def role(self, namespace: str = "shop", **changes: Any) -> "World":
        """Change parameters of a namespace's role."""
        self.roles[namespace] = RoleParameters.model_validate({**self.roles[namespace].model_dump(), **changes})
        return self

    def version(self, path: str, versions: PathVersions | NotKnown | None, namespace: str = "shop") -> "World":
        """Change what Vault has at a path."""
        self.versions[namespace, path] = versions
        return self

    def object(self, namespace: str = "shop", **changes: Any) -> "World":
        """Change the object of a namespace."""
        self.objects[namespace] = tuple(each.model_copy(update=changes) for each in self.objects[namespace])
        return self

    def inventory(self, **sections: Any) -> Inventory:
        connections = {self.connection: Connection(address="https://vault.example", auth=self.auth, mounts=MOUNTS)}
        roles = questions.roles(self.cluster, connections)
        vault = VaultFacts(
            connections=questions.connection_facts(connections, ()),
            paths=tuple(
                PathFacts(namespace=namespace, connection=self.connection, path=path, mount="secret", versions=found)
                for (namespace, path), found in self.versions.items()
            ),
            policies=tuple(
                PolicyFacts(
                    connection=each.connection,
                    name=each.policy,
                    namespaces=each.namespaces,
                    rules=self.policies[each.namespaces[0]],
                )
                for each in roles
            ),
            roles=tuple(
                RoleFacts(
                    connection=each.connection,
                    mount=each.mount,
                    name=each.name,
                    namespaces=each.namespaces,
                    parameters=self.roles[each.namespaces[0]],
                )
                for each in roles
            ),
        )
        known = {"cluster": self.cluster, "vault": vault, "ended": NOW, **sections}
        return nothing_yet("test", NOW).model_copy(update=known)

    @property
    def cluster(self) -> ClusterFacts:
        return ClusterFacts(
            namespaces=tuple(
                Namespace(name=name, enabled=True, variables=False, objects=objects)
                for name, objects in sorted(self.objects.items())
            )
        )


def secret(namespace: str, paths: Iterable[str], version: int = 3, connection: str = "default") -> ClusterObject:
    """Return a Secret that was filled from these paths, each at the same version."""
    return ClusterObject(
        group="",
        kind="Secret",
        namespace=namespace,
        name="app",
        uid="1",
        record=True,
        proof="proved",
        fields=tuple(
            FilledField(pointer=f"/data/{number}", reference="", versions={f"{connection}:{path}": version})
            for number, path in enumerate(paths)
        ),
        admitted=FILLED,
    )


def version(number: int, state: str = "readable", created: datetime | None = WRITTEN) -> VersionFacts:
    return VersionFacts.model_validate({"number": number, "state": state, "created": created})


def versions(current: int, *kept: VersionFacts) -> PathVersions:
    """Return the versions at a path: those given, or the current one alone."""
    return PathVersions(current=current, versions=kept or (version(current),))


def answers(inventory: Inventory, standard: Standard, chosen: Parameters | None = None) -> list[Answer]:
    return list(standard.judge(inventory, chosen or standard.parameters()))


def findings(inventory: Inventory, standard: Standard, chosen: Parameters | None = None) -> list[Finding]:
    return [each for each in answers(inventory, standard, chosen) if isinstance(each, Finding)]


def unchecked(inventory: Inventory, standard: Standard) -> list[str]:
    return [each.reason for each in answers(inventory, standard) if isinstance(each, NotChecked)]


def all_held(inventory: Inventory, standard: Standard, chosen: Parameters | None = None) -> bool:
    found = answers(inventory, standard, chosen)
    return bool(found) and all(isinstance(each, Held) for each in found)
