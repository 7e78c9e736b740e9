"""Custom resource definitions on a testbed."""

import os
from collections.abc import Sequence

from testbed.bed import Testbed
from testbed.installation import apply
from testbed.module_folders import ModuleFolder

_TIMEOUT = "60s"


def define(bed: Testbed, folders: Sequence[ModuleFolder]) -> None:
    """Apply the definitions of the folders and wait until the API server serves them."""
    manifests = [manifest for folder in folders for manifest in folder.manifests(os.environ)]
    apply(bed, *manifests)
    names = [f"crd/{manifest['metadata']['name']}" for manifest in manifests]
    bed.kubectl("wait", "--for=condition=Established", f"--timeout={_TIMEOUT}", *names)
