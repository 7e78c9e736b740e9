"""What kubelet puts into a pod's folders: its volumes, read from the objects on the API server.

Source: Kubernetes, *Volumes* and *Projected Volumes*.
"""

import base64
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from testbed.errors import TestbedError
from testbed.servers.kubernetes import Kubernetes

_USUAL_MODE = 0o644
_WRITTEN_INTO = {"emptyDir", "persistentVolumeClaim"}
# What the API server adds to every pod, so that it finds the cluster; `pods` has another way for that.
_ACCESS = "/var/run/secrets/kubernetes.io/serviceaccount"


@dataclass(frozen=True, slots=True)
class MountedFile:
    """One file of a volume; `path` is relative to where the volume is mounted. Its content is not shown."""

    path: str
    content: bytes
    mode: int

    def __repr__(self) -> str:
        return f"MountedFile({self.path!r}, mode={self.mode:o})"


def mount(kubernetes: Kubernetes, namespace: str, pod: Mapping[str, Any], prefix: Path) -> None:
    """Make the folders of a pod's only container below `prefix`, and write what its volumes hold now.

    Called again, it takes over what changed and removes what is gone, as kubelet does every minute or so; an emptyDir
    and a claim keep what was written into them. Paths of mounts that stand in a file are put behind `prefix` too.
    Raises TestbedError for an object or a key that is missing, where kubelet waits.
    """
    volumes = {volume["name"]: volume for volume in pod.get("volumes", ())}
    for path, name in _mounts(pod).items():
        folder = prefix / path.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        if not _WRITTEN_INTO & volumes[name].keys():
            files = _files(kubernetes, namespace, volumes[name])
            _fill(folder, [replace(file, content=_moved(file.content, prefix, pod)) for file in files])


def _mounts(pod: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the volume at each path of the pod's only container."""
    (container,) = pod["containers"]
    mounted = {each["mountPath"]: str(each["name"]) for each in container.get("volumeMounts", ())}
    return {path: name for path, name in mounted.items() if path != _ACCESS}


def _moved(content: bytes, prefix: Path, pod: Mapping[str, Any]) -> bytes:
    for path in _mounts(pod):
        content = content.replace(f" {path}/".encode(), f" {prefix}{path}/".encode())
    return content


def _fill(folder: Path, files: list[MountedFile]) -> None:
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.read_bytes() == file.content:
            continue
        # A reader sees the old content or the new one, as with kubelet's links.
        unfinished = path.with_name(f".{path.name}.unfinished")
        unfinished.write_bytes(file.content)
        unfinished.chmod(file.mode)
        unfinished.rename(path)
    wanted = {folder / file.path for file in files}
    for found in sorted(folder.rglob("*")):
        if found.is_file() and found not in wanted:
            found.unlink()


def _files(kubernetes: Kubernetes, namespace: str, volume: Mapping[str, Any]) -> Iterator[MountedFile]:
    if "projected" in volume:
        for source in volume["projected"]["sources"]:
            mode = volume["projected"].get("defaultMode", _USUAL_MODE)
            yield from _files(kubernetes, namespace, {**source, "mode": mode})
    elif "configMap" in volume:
        yield from _of_object(kubernetes, namespace, "configmaps", volume["configMap"], volume)
    elif "secret" in volume:
        yield from _of_object(kubernetes, namespace, "secrets", volume["secret"], volume)
    else:
        raise TestbedError(f"a volume of this kind is not known: {sorted(volume)}")


def _of_object(
    kubernetes: Kubernetes, namespace: str, plural: str, source: Mapping[str, Any], volume: Mapping[str, Any]
) -> Iterator[MountedFile]:
    name = source.get("secretName") or source["name"]
    mode = source.get("defaultMode", volume.get("mode", _USUAL_MODE))
    answer = kubernetes.request("GET", f"/api/v1/namespaces/{namespace}/{plural}/{name}")
    if not answer.ok:
        raise TestbedError(f"{plural} {namespace}/{name}, which is to be mounted, is not there ({answer.status_code})")
    found = answer.json()
    texts = {key: text.encode() for key, text in (found.get("data") or {}).items()}
    contents = texts if plural == "configmaps" else {key: base64.b64decode(text) for key, text in texts.items()}
    for item in source.get("items") or [{"key": key, "path": key} for key in contents]:
        if item["key"] not in contents:
            raise TestbedError(f"{plural} {namespace}/{name} has no key {item['key']}")
        yield MountedFile(item["path"], contents[item["key"]], item.get("mode", mode))


def behind(prefix: Path, pod: Mapping[str, Any], text: str) -> str:
    """Put paths in a text that lead into the pod's mounts behind `prefix`."""
    for path in _mounts(pod):
        head, found, tail = text.partition(path)
        # The path begins the text or an option's value, and goes on with a segment or ends.
        if found and (not head or head.endswith("=")) and (not tail or tail.startswith(os.sep)):
            return f"{head}{prefix}{path}{tail}"
    return text
