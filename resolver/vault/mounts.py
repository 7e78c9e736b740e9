"""The mounts of Vault's key/value engine, and where a secret lies on one. Nothing here asks Vault.

Source: Vault's HTTP API for the KV v1 and v2 engines.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from resolver.references.reference import Reference
from resolver.vault.errors import ReferenceRefused

V1, V2 = 1, 2
_V2_DATA_BRANCH: Final = "data"
# The other branches of a KV v2 mount's API. Whoever writes `secret/metadata/app` means the API's path, so reading a
# secret that happens to be called `metadata/app` would surprise them.
_V2_OTHER_BRANCHES: Final = frozenset({"metadata", "delete", "undelete", "destroy", "subkeys", "config"})


@dataclass(frozen=True, slots=True)
class KvMount:
    """A mount of the key/value engine: its path without slashes at the ends, and the engine's version.

    `asked_at_seconds` is when Vault was last asked about it, in monotonic seconds; None means never. `is_configured`
    means that the administrator configured it and Vault has not contradicted.
    """

    path: str
    version: int
    asked_at_seconds: float | None = field(default=None, compare=False)
    is_configured: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class KvLocation:
    """One secret, at one version or the newest: what one read returns."""

    mount: KvMount
    path: str
    version: int | None = None

    def __str__(self) -> str:
        return f"{self.mount.path}/{self.path}"

    @property
    def policy_path(self) -> str:
        """The path that a Vault policy must name."""
        branch = f"{_V2_DATA_BRANCH}/" if self.mount.version == V2 else ""
        return f"{self.mount.path}/{branch}{self.path}"


def is_branch_of_v2(mount: KvMount, path: str) -> bool:
    """Whether a path that is plain on KV v1 would be a branch of the API if the mount became KV v2."""
    branch = path.removeprefix(mount.path + "/").partition("/")[0]
    return mount.version == V1 and branch in {_V2_DATA_BRANCH, *_V2_OTHER_BRANCHES}


def location(reference: Reference, mount: KvMount) -> KvLocation:
    """Return where the secret of a reference is on a mount. Raises `ReferenceRefused`."""
    path = reference.path.removeprefix(mount.path + "/")
    if mount.version == V1:
        if reference.version is not None:
            raise ReferenceRefused(f"{mount.path} is a KV v1 mount, which keeps no versions; leave the version out")
        return KvLocation(mount, path)
    branch, _, below = path.partition("/")
    if branch == _V2_DATA_BRANCH and below:
        path = below
    elif branch in _V2_OTHER_BRANCHES:
        raise ReferenceRefused(
            f"{mount.path} is a KV v2 mount, and {mount.path}/{branch} is a branch of its API that holds no values; "
            f"if the secret is called {path}, write {mount.path}/{_V2_DATA_BRANCH}/{path}"
        )
    return KvLocation(mount, path, reference.version)


class Mounts:
    """The known mounts of one connection: configured ones, and those Vault told us about. Threads may share it."""

    def __init__(self, configured: Mapping[str, int]) -> None:
        self._known = {path: KvMount(path, version, is_configured=True) for path, version in configured.items()}
        self._lock = threading.Lock()

    def known(self, path: str) -> KvMount | None:
        """Return the known mount of a path, or None. It may have changed since."""
        segments = path.split("/")
        for length in range(len(segments) - 1, 0, -1):
            mount = self._known.get("/".join(segments[:length]))
            if mount is not None:
                return mount
        return None

    def remember(self, mount: KvMount, instead_of: KvMount | None = None) -> None:
        """Remember what Vault said about a mount; `instead_of` is what was known about it before."""
        with self._lock:
            if instead_of is not None:
                self._known.pop(instead_of.path, None)
            is_configured = instead_of is not None and instead_of.is_configured and instead_of == mount
            self._known[mount.path] = replace(mount, is_configured=is_configured)

    def forget(self, mount: KvMount) -> None:
        """Forget the mount, unless it is configured."""
        if not mount.is_configured:
            with self._lock:
                self._known.pop(mount.path, None)
