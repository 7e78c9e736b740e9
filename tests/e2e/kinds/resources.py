"""The objects of one kind in a namespace, and how the tests write them."""

import json
from collections.abc import Mapping
from typing import Any

from testbed import Testbed
from tests.e2e.cluster import Cluster
from tests.e2e.kinds.definitions import GROUP
from tests.e2e.objects import Manifest
from tests.e2e.places import Places

Shown = dict[str, Any]


class Resources(Cluster):
    """Objects of one kind: what `Cluster` does with Secrets, done with them."""

    def __init__(self, bed: Testbed, places: Places, namespace: str, api: str, plural: str) -> None:
        super().__init__(bed, places, namespace)
        self._api = api
        self._plural = plural

    def shown(self, manifest: Manifest, *flags: str) -> Shown:
        """Return what a dry run of `kubectl apply` shows, which may hold what the cluster holds."""
        done = self.bed.kubectl(
            *("apply", "--dry-run=server", "-o", "json", "-f", "-", *flags, "-n", self.namespace),
            input_text=json.dumps(manifest),
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: Shown = json.loads(done.stdout)
        return found

    def refusal(self, manifest: Manifest, *flags: str) -> str:
        """Return what `kubectl apply` is told; empty when the object was applied."""
        done = self.kubectl("apply", "-f", "-", *flags, text=json.dumps(manifest), check=False)
        return "" if done.returncode == 0 else done.stderr

    def _path(self, name: str | None = None) -> str:
        return f"/{self._api}/namespaces/{self.namespace}/{self._plural}" + (f"/{name}" if name else "")


def database(
    name: str, fields: Mapping[str, str], spec: Mapping[str, Any] | None = None, version: str = "v1"
) -> Manifest:
    """Return a custom resource whose fields come from references, by JSON Pointer."""
    text = "".join(f"{pointer}: {reference}\n" for pointer, reference in fields.items())
    return {
        "apiVersion": f"{GROUP}/{version}",
        "kind": "Database",
        "metadata": {"name": name, "annotations": {"keyhole.dev/fields": text}},
        "spec": dict(spec or {}),
    }
