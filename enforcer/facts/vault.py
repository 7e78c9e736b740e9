"""What Vault has: versions of the paths that are used, policies and roles. No data.

What people write beside a secret or a policy (`custom_metadata`, comments) is dropped where it comes in.
"""

from typing import Literal

from pydantic import AwareDatetime, Field

from enforcer.facts.base import Facts, NotKnown


class MountFacts(Facts):
    """A key/value mount, without a slash at its end, and its version."""

    path: str
    version: Literal[1, 2]


class ConnectionFacts(Facts):
    """A connection, as the connections file has it: where Keyhole logs in, and how.

    `role` is the role's name, with {namespace} in it if each namespace has one of its own. `mount_point` and `audience`
    are what Keyhole uses, defaults included. `mounts` are the key/value mounts that the file names or Vault showed.
    """

    name: str
    address: str
    method: Literal["jwt", "kubernetes"]
    mount_point: str
    role: str
    audience: str
    mounts: tuple[MountFacts, ...] = ()


class VersionFacts(Facts):
    """One version of a secret. `created` is when it was written, by Vault's clock; None if Vault does not say."""

    number: int
    state: Literal["readable", "deleted", "destroyed"]
    created: AwareDatetime | None = None


class PathVersions(Facts):
    """The versions at a path on KV v2.

    `current` is 0 if none was ever written. `created` is when the path got its metadata: versions that began anew began
    then. None if Vault does not say. Of all that Vault keeps, `versions` has the oldest, the current one, those
    that a record names, and the one after each of these, in the order of their numbers.
    """

    current: int
    created: AwareDatetime | None = None
    versions: tuple[VersionFacts, ...] = ()

    def version(self, number: int) -> VersionFacts | None:
        """Return one version; None if Vault keeps it no longer, or never had it."""
        return next((each for each in self.versions if each.number == number), None)


class PathFacts(Facts):
    """A path that records of a namespace name, as that namespace sees it.

    `path` is the path of the references, `mount` the mount that it is on; empty if that is not known. `versions` is
    None if there is nothing at the path.
    """

    namespace: str
    connection: str
    path: str
    mount: str = ""
    versions: PathVersions | NotKnown | None


class RuleFacts(Facts):
    """A rule of a policy: a path of Vault's API, and what may be done there, in the order of the alphabet.

    `conditions` are the names of attributes that narrow the grant by what is in a request.
    """

    path: str
    capabilities: tuple[str, ...]
    conditions: tuple[str, ...] = ()


class PolicyFacts(Facts):
    """The policy of a namespace's role, or of the role for all of them, in the order in which it is written.

    `namespaces` are those that log in with it. `rules` is None if Vault has no such policy.
    """

    connection: str
    name: str
    namespaces: tuple[str, ...]
    rules: tuple[RuleFacts, ...] | NotKnown | None


class RoleParameters(Facts):
    """The parameters of a role that say whom it lets in, and as what, by the names of Vault's API. Times in seconds.

    A parameter that the method does not have is empty. `bound_claims` has lists, also where the role has a single text.
    """

    role_type: str = ""
    user_claim: str = ""
    bound_audiences: tuple[str, ...] = ()
    bound_subject: str = ""
    bound_claims: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    bound_claims_type: str = ""
    claim_mappings: dict[str, str] = Field(default_factory=dict)
    groups_claim: str = ""
    expiration_leeway: int = 0
    clock_skew_leeway: int = 0
    bound_service_account_names: tuple[str, ...] = ()
    bound_service_account_namespaces: tuple[str, ...] = ()
    bound_service_account_namespace_selector: str = ""
    audience: str = ""
    token_policies: tuple[str, ...] = ()
    token_no_default_policy: bool = False
    token_ttl: int = 0
    token_max_ttl: int = 0
    token_explicit_max_ttl: int = 0
    token_period: int = 0
    token_type: str = ""


class RoleFacts(Facts):
    """The role with which namespaces log in: each its own, or one for all.

    `namespaces` are those that log in with it. `parameters` is None if Vault has no such role.
    """

    connection: str
    mount: str
    name: str
    namespaces: tuple[str, ...]
    parameters: RoleParameters | NotKnown | None


class VaultFacts(Facts):
    """What Vault has. Each part is in the order of its names: connection first, then namespace, then path."""

    connections: tuple[ConnectionFacts, ...] = ()
    paths: tuple[PathFacts, ...] = ()
    policies: tuple[PolicyFacts, ...] = ()
    roles: tuple[RoleFacts, ...] = ()


def split(name: str) -> tuple[str, str]:
    """Return the connection and the path of a name of `FilledField.versions`."""
    connection, _, path = name.partition(":")
    return connection, path
