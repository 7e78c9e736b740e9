"""Pod templates, of whatever kind the object is, and of each the part that admission reads.

Operators and Argo Rollouts make pods whose owner Keyhole does not know, and then the pod itself is filled. So every map
that looks like a pod template counts, wherever it stands.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from manifests.annotations import ENV_SECRET, asks_for_variables
from manifests.variables import names, wanted
from manifests.variables.templates import BY_GROUP_AND_KIND, Workload
from review.lint.forms import notes
from review.lint.objects import Manifest
from review.sources.nodes import Path

POD: Final = BY_GROUP_AND_KIND["", "Pod"]
_CONTAINERS: Final = ("initContainers", "containers")


@dataclass(frozen=True, slots=True)
class Template:
    """A pod template. `path` is where it stands in the object, and `notes` are where its annotations stand.

    `variables` has the path of each variable's entry by container and name; of several of a name, of the last one.
    """

    path: Path
    notes: Path
    workload: Workload
    manifest: Mapping[str, Any]
    variables: Mapping[tuple[str, str], Path]
    containers: Mapping[str, Path]
    copied: tuple[Path, ...] = ()
    """Variables that come from a Secret of Keyhole's own making."""


def templates(manifest: Manifest) -> Iterator[Template]:
    """Yield the pod templates of an object. What stands in several places, by YAML's aliases, is told once."""
    workload = BY_GROUP_AND_KIND.get((manifest.name_inside.group, manifest.name_inside.kind))
    if workload is not None:
        pod: Path = tuple(workload.pointer.split("/")[1:])
        if manifest.part(*pod):
            yield _template(manifest, pod, (*pod, "metadata", "annotations"), workload)
        return
    waiting: list[tuple[Path, Any]] = [((), manifest.content)]
    seen: set[int] = set()
    while waiting:
        path, value = waiting.pop()
        if not isinstance(value, dict | list) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict) and path and _is_template(value):
            yield _template(manifest, path, (*path, "metadata", "annotations"), POD)
        elif isinstance(value, dict) and path and path[-1] != "metadata" and _asks(value.get("annotations")):
            # `podMetadata` of operators: the annotations of a template that nobody sees whole.
            yield _template(manifest, path, (*path, "annotations"), POD)
        members = value.items() if isinstance(value, dict) else enumerate(value)
        waiting += reversed([((*path, name), member) for name, member in members])


def _is_template(value: Mapping[str, Any]) -> bool:
    metadata, spec = value.get("metadata"), value.get("spec")
    if isinstance(metadata, dict) and _asks(metadata.get("annotations")):
        return True
    return isinstance(spec, dict) and isinstance(spec.get("containers"), list)


def _asks(found: Any) -> bool:
    return isinstance(found, dict) and any(map(asks_for_variables, found))


def _template(manifest: Manifest, path: Path, at: Path, workload: Workload) -> Template:
    own = notes.texts(manifest.part(*at))
    # What was copied from a cluster is told, and the rest read as if it were not there.
    own.pop(ENV_SECRET, None)
    variables: dict[tuple[str, str], Path] = {}
    containers: dict[str, Path] = {}
    copied: list[Path] = []
    spec: dict[str, list[Any]] = {}
    for part in _CONTAINERS:
        for number, entry in enumerate(_list(manifest.part(*path, "spec").get(part))):
            name = entry.get("name") if isinstance(entry, dict) else None
            if not isinstance(name, str):
                continue
            where = (*path, "spec", part, number)
            containers[name] = where
            env = []
            for at_env, one in enumerate(_list(entry.get("env"))):
                if isinstance(one, dict) and isinstance(one.get("name"), str):
                    entry_path = (*where, "env", at_env)
                    if _is_copied(one):
                        copied.append(entry_path)
                        continue
                    variables[name, one["name"]] = entry_path
                    env.append(one)
            spec.setdefault(part, []).append({"name": name, "env": env})
    if not containers:
        # Whoever makes the pod adds the containers. By their names the annotations tell which ones.
        known = sorted({variable.container for variable in wanted.read(own).variables} - {""})
        spec["containers"] = [{"name": name} for name in known]
    content: Any = {"metadata": {"annotations": own}, "spec": spec}
    for segment in reversed(workload.pointer.split("/")[1:]):
        content = {segment: content}
    return Template(path, at, workload, content, variables, containers, tuple(copied))


def _is_copied(entry: Mapping[str, Any]) -> bool:
    source = entry.get("valueFrom")
    source = source.get("secretKeyRef") if isinstance(source, dict) else None
    return isinstance(source, dict) and names.is_ours(source.get("name"))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
