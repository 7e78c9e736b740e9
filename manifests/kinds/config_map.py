"""ConfigMaps: text in `data`, references in annotations only. `binaryData` is never filled, and counts."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from manifests.kinds.codec import Codec


class _ConfigMap(Codec):
    kind = "ConfigMap"
    resource = "configmaps"
    is_listed = True
    renders_files = True

    def other_bytes(self, manifest: Mapping[str, Any], keys: Collection[str]) -> int:
        binary = (manifest.get("binaryData") or {}).values()
        # Three bytes for four characters. Two padding characters more or less do not matter to the limit.
        return super().other_bytes(manifest, keys) + sum(len(str(value)) * 3 // 4 for value in binary)

    def obstacles(self, manifest: Mapping[str, Any], keys: Collection[str]) -> Iterator[tuple[str, str]]:
        binary = manifest.get("binaryData") or {}
        for key in keys:
            if key in binary:
                yield key, "binaryData has the same key, and Kubernetes allows a key in one of the two only"


CONFIG_MAP: Final[Codec] = _ConfigMap()
