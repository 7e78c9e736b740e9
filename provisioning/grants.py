"""What a policy has to allow, from given paths or from the references in manifests."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from provisioning.errors import MountUnknown, PathRefused
from provisioning.policy_paths import NAMESPACE, check_literal, check_shared, locate, locate_path
from provisioning.target import Target
from resolver.vault.mounts import KvLocation

if TYPE_CHECKING:
    # Who gives paths reads no manifests, and a start must be quick.
    from provisioning.reading.usage import Usage


def of_paths(paths: Sequence[str], mounts: Mapping[str, int]) -> list[KvLocation]:
    """Return where the paths lead, each taken literally. Raises `MountUnknown` or `PathRefused`."""
    locations = [locate_path(path, mounts) for path in paths]
    for location in locations:
        check_literal(location)
    return locations


def of_every_namespace(paths: Sequence[str], mounts: Mapping[str, int]) -> list[KvLocation]:
    """Return where paths with a segment `{namespace}` lead; without paths, everything below that segment on each mount.

    Raises `MountUnknown` or `PathRefused`.
    """
    locations = [locate_path(path, mounts) for path in paths or [f"{mount}/{NAMESPACE}/*" for mount in sorted(mounts)]]
    for location in locations:
        check_shared(location)
    return locations


def of_usage(
    usage: "Usage", mounts: Mapping[str, int], target: Target, namespace: str
) -> tuple[list[KvLocation], list[str]]:
    """Return where the references of manifests lead, and the findings: those of the usage and of this.

    A path that the target keeps from the namespace is a finding, for admission would refuse it.

    Raises `MountUnknown`.
    """
    locations, findings = [], list(usage.findings)
    for used in usage.used:
        try:
            location = locate(used.reference, mounts)
            check_literal(location)
            target.check_allowed([location], namespace)
        except MountUnknown as error:
            raise MountUnknown(error.path, used.place) from None
        except PathRefused as error:
            findings.append(f"{used.place}: {error.message}")
        else:
            locations.append(location)
    return locations, findings
