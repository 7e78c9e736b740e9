"""The API server as a person uses it: what kubectl says is searched for canaries, what a test reads on purpose not."""

import json
import subprocess
from typing import Any

import requests

from testbed import Testbed
from tests.e2e.canary import Canary
from tests.e2e.objects import Manifest, decoded
from tests.e2e.places import Places


class Cluster:
    """One namespace of the testbed's cluster."""

    def __init__(self, bed: Testbed, places: Places, namespace: str) -> None:
        self.bed = bed
        self.namespace = namespace
        self._places = places

    def kubectl(self, *args: str, check: bool = True, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl in the namespace; what it writes must hold no value."""
        done = self.bed.kubectl(*args, "-n", self.namespace, input_text=text, check=False)
        self._places.note(f"kubectl {args[0]}: stdout", done.stdout)
        self._places.note(f"kubectl {args[0]}: stderr", done.stderr)
        assert not check or done.returncode == 0, done.stderr
        return done

    def apply(
        self, *manifests: Manifest, server_side: bool = False, dry_run: bool = False, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Apply manifests, as `kubectl apply` does."""
        flags = [*(["--server-side"] if server_side else []), *(["--dry-run=server"] if dry_run else [])]
        documents = "\n---\n".join(json.dumps(manifest) for manifest in manifests)
        return self.kubectl("apply", *flags, "-f", "-", text=documents, check=check)

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> requests.Response:
        """POST a Secret to the API server. A refusal is searched, the object that is sent back is not."""
        query = "?dryRun=All" if dry_run else ""
        return self._noted(self.bed.kubernetes.request("POST", self._path() + query, manifest))

    def replace(self, manifest: Manifest, *, dry_run: bool = False) -> requests.Response:
        """PUT a Secret. A refusal is searched, the object that is sent back is not."""
        path = self._path(manifest["metadata"]["name"]) + ("?dryRun=All" if dry_run else "")
        return self._noted(self.bed.kubernetes.request("PUT", path, manifest))

    def delete(self, *names: str) -> None:
        """Delete Secrets."""
        for name in names:
            answer = self.bed.kubernetes.request("DELETE", self._path(name))
            assert answer.ok, answer.text

    def get(self, name: str) -> Manifest:
        """Read a Secret, values and all; fails when it is not there."""
        answer = self.bed.kubernetes.request("GET", self._path(name))
        answer.raise_for_status()
        found: Manifest = answer.json()
        return found

    def exists(self, name: str) -> bool:
        """Say whether the Secret is stored."""
        return self.bed.kubernetes.request("GET", self._path(name)).ok

    def values(self, name: str) -> dict[str, str]:
        """Return a Secret's decoded data."""
        return {key: decoded(value) for key, value in self.get(name).get("data", {}).items()}

    def _path(self, name: str | None = None) -> str:
        return f"/api/v1/namespaces/{self.namespace}/secrets" + (f"/{name}" if name else "")

    def _noted(self, answer: requests.Response) -> requests.Response:
        if not answer.ok:
            self._places.note("the API server's refusal", answer.content)
        return answer


def events(bed: Testbed) -> bytes:
    """Return the events of all namespaces, of both API groups."""
    paths = ("/api/v1/events", "/apis/events.k8s.io/v1/events")
    answers: list[requests.Response] = [bed.kubernetes.request("GET", path) for path in paths]
    for answer in answers:
        answer.raise_for_status()
    return b"\n".join(answer.content for answer in answers)


def watched(canary: Canary, bed: Testbed) -> Places:
    """Return what is searched for values and tokens after each test on a testbed."""
    places = Places(canary)
    for file in (bed.kubernetes.audit_log, bed.kubernetes.log_file, bed.vault.audit_log, bed.vault.log_file):
        places.watch(file)
    places.ask("Kubernetes events", lambda: events(bed))
    return places


def owners_of_data(manifest: dict[str, Any]) -> list[str]:
    """Return the field managers that own anything in a Secret's data."""
    return [
        entry["manager"]
        for entry in manifest["metadata"].get("managedFields", [])
        if {"f:data", "f:stringData"} & entry.get("fieldsV1", {}).keys()
    ]
