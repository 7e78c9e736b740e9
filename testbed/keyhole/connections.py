"""The connections file, by which a webhook finds the testbed's Vault."""

from pathlib import Path
from typing import Any

import yaml

from testbed.bed import Testbed

AUDIENCE = "vault"


def write_connections(bed: Testbed, file: Path, **changes: Any) -> Path:
    """Write a connections file whose `default` is the testbed's Vault; `changes` replace its keys."""
    connection = {
        "address": bed.vault.url,
        "caFile": str(bed.vault.ca_file),
        "auth": {"method": "jwt", "role": "keyhole-{namespace}", "audience": AUDIENCE},
        "mounts": {"secret": 2, "legacy": 1},
        **changes,
    }
    file.write_text(yaml.safe_dump({"connections": {"default": connection}}))
    return file
