"""What the External Secrets Operator gives for some objects and the content of a Vault.

The file has the results of the operator's own functions (its release 1.x of August 2026: `buildPath`, `getSecretValue`,
`GetByteValue`, `ConvertKeys`, `Decode`, and its templates with its own library), cut out of its source and run once.
Objects and values are made up.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

_FILE: Final = Path(__file__).parents[2] / "golden" / "external-secrets" / "cases.json"
_CONTENT: Final = json.loads(_FILE.read_text(encoding="utf-8"))
VAULT: Final[Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]] = _CONTENT["vault"]
"""By mount and path the versions of a secret, the oldest first."""
VERSIONS: Final[Mapping[str, int]] = _CONTENT["versions"]
"""The version of the engine of each mount."""


@dataclass(frozen=True)
class Case:
    """An ExternalSecret and its Secret. `keys_known` where only Vault can say what a property means."""

    keys_known: bool
    object: Any
    secret: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.object["metadata"]["name"])

    @property
    def text(self) -> str:
        """Return the object with the stores, as a stream."""
        return yaml.safe_dump_all([*STORES, self.object], allow_unicode=True, sort_keys=False)


STORES: Final = [
    {
        "apiVersion": "external-secrets.io/v1",
        "kind": "SecretStore",
        "metadata": {"name": name},
        "spec": {
            "provider": {
                "vault": {
                    "server": "https://vault.example:8200",
                    "version": store["version"],
                    **({} if store["path"] is None else {"path": store["path"]}),
                }
            }
        },
    }
    for name, store in _CONTENT["stores"].items()
]
CASES: Final = [Case(case["keys_known"], case["object"], case["secret"]) for case in _CONTENT["cases"]]


def keys_at(_connection: str, path: str) -> Sequence[str] | None:
    """Return the fields at a path, as `--vault` knows them."""
    for mount, secrets in VAULT.items():
        if path.startswith(f"{mount}/"):
            versions = secrets.get(path.removeprefix(f"{mount}/").removeprefix("data/"))
            return list(versions[-1]) if versions else []
    return None
