"""Objects of the cluster, as its administrator applies them."""

import json
from collections.abc import Mapping
from typing import Any

from testbed.bed import Testbed


def apply(bed: Testbed, *manifests: Mapping[str, Any]) -> None:
    """Apply manifests as the administrator, server-side."""
    text = "\n---\n".join(json.dumps(manifest) for manifest in manifests)
    bed.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", input_text=text)
