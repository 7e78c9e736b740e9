"""Where a secret of Vault's key/value engine lies on its mount, and what a policy calls it. Asks nobody.

Source: Vault's HTTP API for the KV v1 and v2 engines.
"""

from dataclasses import dataclass, field
from typing import Final

from resolver.references.reference import Reference
from resolver.vault.errors import ReferenceRefused

V1, V2 = 1, 2
_V2_DATA_BRANCH: Final = "data"
# The other branches of a KV v2 mount's API. `secret/metadata/app` means the API's path to whoever writes it, so to
# read a secret that happens to be called `metadata/app` would surprise them.
_V2_OTHER_BRANCHES: Final = frozenset({"metadata", "delete", "undelete", "destroy", "subkeys", "config"})


@dataclass(frozen=True, slots=True)
class KvMount:
    """A mount of the key/value engine: its path without slashes at the ends, and the engine's version.

    `asked_at_seconds` is when Vault was asked about it last, in monotonic seconds; None means never. `is_configured`
    says that the administrator names it, and that Vault never said otherwise.
    """

    path: str
    version: int
    asked_at_seconds: float | None = field(default=None, compare=False)
    is_configured: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class KvLocation:
    """One secret, at one version or the newest: what a single read of Vault returns."""

    mount: KvMount
    path: str
    version: int | None = None

    def __str__(self) -> str:
        return f"{self.mount.path}/{self.path}"

    @property
    def policy_path(self) -> str:
        """The path that a Vault policy has to name."""
        branch = f"{_V2_DATA_BRANCH}/" if self.mount.version == V2 else ""
        return f"{self.mount.path}/{branch}{self.path}"


def is_branch_of_v2(mount: KvMount, path: str) -> bool:
    """Whether a path that is plain on a KV v1 mount would be a branch of the API if the mount became KV v2."""
    branch = path.removeprefix(mount.path + "/").partition("/")[0]
    return mount.version == V1 and branch in {_V2_DATA_BRANCH, *_V2_OTHER_BRANCHES}


def location(reference: Reference, mount: KvMount) -> KvLocation:
    """Return where a reference's secret lies on a mount; raises `ReferenceRefused`."""
    path = reference.path.removeprefix(mount.path + "/")
    if mount.version == V1:
        if reference.version is not None:
            raise ReferenceRefused(f"{mount.path} is a KV v1 mount, which keeps no versions")
        return KvLocation(mount, path)
    branch, _, below = path.partition("/")
    if branch == _V2_DATA_BRANCH and below:
        path = below
    elif branch in _V2_OTHER_BRANCHES:
        raise ReferenceRefused(
            f"{mount.path} is a KV v2 mount, and {mount.path}/{branch} a branch of its API that holds no values; "
            f"a secret that is called {path} is written {mount.path}/{_V2_DATA_BRANCH}/{path}"
        )
    return KvLocation(mount, path, reference.version)
