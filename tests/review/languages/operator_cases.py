"""What the External Secrets Operator gives for some objects and the content of a Vault.

The files have the results of the operator's own functions (`buildPath`, `getSecretValue`, `GetByteValue`,
`ConvertKeys`, `Decode`, its templates with its own library; in its source of August 2026), run once. Objects and values
are made up.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from resolver.vault.mounts import KvLocation

_FOLDER: Final = Path(__file__).parents[2] / "golden" / "external-secrets"
_CONTENT: Final = json.loads((_FOLDER / "cases.json").read_text(encoding="utf-8"))
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


@dataclass(frozen=True)
class Found:
    """An object as teams have them, what a Vault holds for it, and its Secret; these two are empty if it is told."""

    object: Any
    vault: Mapping[str, Mapping[str, Any]]
    secret: Mapping[str, Any]

    @property
    def text(self) -> str:
        return yaml.safe_dump(self.object, allow_unicode=True, sort_keys=False, width=10**6)

    @property
    def mappings(self) -> Mapping[str, str]:
        """Return what `--map` says of its stores."""
        spec = self.object["spec"]
        entries = [each for part in ("data", "dataFrom") for each in spec.get(part) or [] if isinstance(each, dict)]
        refs = [spec.get("secretStoreRef"), *((each.get("sourceRef") or {}).get("storeRef") for each in entries)]
        return {ref["name"]: "default/secret" for ref in refs if ref and "name" in ref}

    def content(self, place: KvLocation) -> Mapping[str, Any]:
        version = f"?version={place.version}" if place.version else ""
        return self.vault[f"{place.policy_path}{version}"]


CORPUS: Final = [
    Found(each["object"], each.get("vault", {}), each.get("secret", {}))
    for each in json.loads((_FOLDER / "corpus.json").read_text(encoding="utf-8"))
]


def keys_at(_connection: str, path: str) -> Sequence[str] | None:
    """Return the fields at a path, as `--vault` knows them."""
    for mount, secrets in VAULT.items():
        if path.startswith(f"{mount}/"):
            versions = secrets.get(path.removeprefix(f"{mount}/").removeprefix("data/"))
            return list(versions[-1]) if versions else []
    return None
