"""Custom resource definitions on a testbed."""

import os
import time
from collections.abc import Collection, Sequence
from typing import Any

from testbed.bed import Testbed
from testbed.errors import TestbedError
from testbed.keyhole.objects import apply
from testbed.programs.module_folders import ModuleFolder

_TIMEOUT_SECONDS = 180.0
_POLL_SECONDS = 0.1


def define(bed: Testbed, folders: Sequence[ModuleFolder], kinds: Collection[str] | None = None) -> None:
    """Apply the definitions of the folders and wait until the API server serves them. Raises TestbedError.

    With `kinds` only those: a definition may be half a megabyte, which the API server takes seconds for.
    """
    found = [manifest for folder in folders for manifest in folder.manifests(os.environ)]
    manifests = [one for one in found if kinds is None or one["spec"]["names"]["kind"] in kinds]
    apply(bed, *manifests)
    wait_until_served(bed, manifests)


def wait_until_served(bed: Testbed, manifests: Collection[dict[str, Any]]) -> None:
    """Wait until the API server serves what definitions define. Raises TestbedError."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    # `kubectl wait` fails on a definition that has no conditions yet.
    while not all(_is_served(bed, manifest) for manifest in manifests):
        if time.monotonic() > deadline:
            raise TestbedError(f"custom resources are not served after {_TIMEOUT_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)


def _is_served(bed: Testbed, definition: dict[str, Any]) -> bool:
    """Say whether objects are served, and discovery names them: that comes a moment later."""
    spec = definition["spec"]
    group, plural = f"/apis/{spec['group']}/{spec['versions'][0]['name']}", spec["names"]["plural"]
    discovered = bed.kubernetes.request("GET", group)
    is_named = discovered.ok and plural in {each["name"] for each in discovered.json()["resources"]}
    return is_named and bed.kubernetes.request("GET", f"{group}/{plural}?limit=1").ok
