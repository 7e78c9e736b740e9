"""Pods that use a variable, made at a steady pace, and when they and their Secrets came: from the API server's log."""

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench.errors import BenchError
from bench.loop.logs import Tail, seconds_of
from manifests.annotations import ENV_DOMAIN, ENV_SECRET, USES_VARIABLES
from manifests.variables import marker, names, wanted
from manifests.variables.generated import marker_of
from testbed import Testbed

_THREADS = 8
PATH = "loop/variables"


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod and the Secret that it needs."""

    namespace: str
    name: str
    secret: str
    manifest: Mapping[str, Any]


def pod_of(namespace: str, name: str, text: str) -> Pod:
    """Return a bare pod with one variable, as the webhook leaves it."""
    notes = {f"{ENV_DOMAIN}PASSWORD": text}
    found = marker_of(names.owner("", "Pod", name), wanted.read(notes))
    source = {"valueFrom": {"secretKeyRef": {"name": found.secret, "key": "PASSWORD"}}}
    container = {"name": "app", "image": "example/app:1", "env": [{"name": "PASSWORD", **source}]}
    metadata = {
        "name": name,
        "namespace": namespace,
        "labels": {USES_VARIABLES: "true"},
        "annotations": {**notes, ENV_SECRET: marker.dump(found)},
    }
    return Pod(namespace, name, found.secret, {"metadata": metadata, "spec": {"containers": [container]}})


def make(bed: Testbed, pods: Sequence[Pod], per_second: float | None) -> None:
    """Make pods, so many a second or as fast as it goes. Raises BenchError."""
    began = time.monotonic()

    def one(numbered: tuple[int, Pod]) -> None:
        number, pod = numbered
        if per_second is not None:
            time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        answer = bed.kubernetes.request("POST", f"/api/v1/namespaces/{pod.namespace}/pods", pod.manifest)
        if not answer.ok:
            raise BenchError(f"pod {pod.name} was refused: {answer.status_code} {answer.json().get('message', '')}")

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(one, enumerate(pods)))


class Arrivals:
    """When pods and Secrets were there, from the moment this is made: by (namespace, name), seconds since the epoch."""

    def __init__(self, bed: Testbed) -> None:
        self._tail = Tail(bed.kubernetes.audit_log)
        self.pods: dict[tuple[str, str], float] = {}
        self.secrets: dict[tuple[str, str], float] = {}

    def read(self) -> "Arrivals":
        """Read on. An entry may come a moment after its answer."""
        for line in self._tail.read():
            if b'"verb":"create"' in line and (b'"resource":"pods"' in line or b'"resource":"secrets"' in line):
                self._note(json.loads(line))
        return self

    def _note(self, entry: Mapping[str, Any]) -> None:
        about = entry.get("objectRef", {})
        kind = {"pods": self.pods, "secrets": self.secrets}.get(about.get("resource", ""))
        if kind is not None and entry.get("responseStatus", {}).get("code") == 201:
            kind[about.get("namespace", ""), about.get("name", "")] = seconds_of(entry["stageTimestamp"])
