"""From the path of a secret to the paths that a policy must name."""

from collections.abc import Mapping

from provisioning.errors import MountUnknown, PathRefused
from resolver.references import paths
from resolver.references.paths import PathError
from resolver.references.reference import Reference
from resolver.vault.errors import ReferenceRefused
from resolver.vault.mounts import KvLocation, KvMount, location
from resolver.vault.policy_rule import why_not_literal

NAMESPACE = "{namespace}"
"""The segment that stands for the namespace in paths for all namespaces."""


def for_any_namespace(name: str) -> str:
    """Return the name of a role or policy as a rule has it that is about those of all namespaces.

    Vault takes `*` for a wildcard at the end of a path alone (*Policies*), so what stands behind the namespace goes.
    """
    before, found, _ = name.partition(NAMESPACE)
    return f"{before}*" if found else name


def locate(reference: Reference, mounts: Mapping[str, int]) -> KvLocation:
    """Return where the secret of a reference is, without its version.

    `mounts` are the known key/value mounts and their versions. Nothing is asked of a server.
    Raises `MountUnknown` or `PathRefused`.
    """
    mount = _longest(reference.path, mounts)
    if mount is None:
        raise MountUnknown(reference.path)
    try:
        found = location(reference, mount)
    except ReferenceRefused as error:
        raise PathRefused(reference.path, error.message) from None
    return KvLocation(found.mount, found.path)


def locate_path(path: str, mounts: Mapping[str, int]) -> KvLocation:
    """Do the same for a bare path, as `vault kv get` takes it or with `data/` on KV v2."""
    if path.startswith(("vault:", "vault+")):
        raise PathRefused(path, "is a reference; expected a path such as secret/shop/app")
    try:
        paths.check(path)
    except PathError as error:
        raise PathRefused(path, error.reason) from None
    return locate(Reference(path, "any"), mounts)


def check_literal(location: KvLocation) -> None:
    """Raise `PathRefused` if a policy with this path would not mean exactly this path."""
    path = str(location)
    reason = why_not_literal(path)
    if reason is not None:
        raise PathRefused(path, reason)
    if NAMESPACE in path.split("/"):
        raise PathRefused(path, f"{NAMESPACE} has a meaning with --templated only")


def check_shared(location: KvLocation) -> None:
    """Raise `PathRefused` unless the path has a segment for the namespace and is literal except for a final `*`."""
    segments = location.path.split("/")
    if segments[-1] == "*":
        segments.pop()
    if NAMESPACE not in segments:
        raise PathRefused(str(location), f"no segment is {NAMESPACE}: every namespace could read it")
    literal = [segment for segment in segments if segment != NAMESPACE]
    check_literal(KvLocation(location.mount, "/".join(literal)))


def _longest(path: str, mounts: Mapping[str, int]) -> KvMount | None:
    segments = path.split("/")
    for length in range(len(segments) - 1, 0, -1):
        mount = "/".join(segments[:length])
        if mount in mounts:
            return KvMount(mount, mounts[mount])
    return None
