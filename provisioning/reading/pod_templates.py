"""The pod templates of a manifest, of whatever kind, and the references in them.

Operators and Argo Rollouts make pods whose owner Keyhole does not know, and then the pod itself is filled. So every
map that looks like a pod template counts, wherever it stands.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jsonpointer

from manifests.annotations import asks_for_variables
from manifests.variables import wanted
from manifests.variables.asked import AskedFor
from manifests.variables.prepare import prepare
from manifests.variables.templates import BY_GROUP_AND_KIND
from resolver.references.characters import named, visible

_POD: Final = BY_GROUP_AND_KIND["", "Pod"]
_CONTAINERS: Final = ("initContainers", "containers")
_FILLED: Final = re.compile(r"/spec/(?:initContainers|containers)/\d+/env/\d+/value")
_ANNOTATIONS: Final = "/metadata/annotations/"


@dataclass(frozen=True, slots=True)
class PodTemplate:
    """A pod template, as far as variables matter. `pointer` is its JSON Pointer (RFC 6901) in the manifest.

    `problems` are about members of a wrong type, which are not in `manifest`.
    """

    pointer: str
    manifest: Mapping[str, Any]
    problems: Sequence[str]

    def asked_for(self) -> tuple[Sequence[AskedFor], Sequence[str], Sequence[str]]:
        """Return what the template asks for, the problems for which admission would refuse it, and the warnings."""
        found = prepare(_POD, "", self.manifest)
        told = [f"{problem.origin}: {problem.message}" for problem in found.problems]
        return found.variables, [*self.problems, *told], found.warnings

    def reads(self, origin: str) -> bool:
        """Whether what stands at this JSON Pointer of the manifest is among what the template asks for."""
        if not origin.startswith(f"{self.pointer}/"):
            return False
        inner = origin.removeprefix(self.pointer)
        if inner.startswith(_ANNOTATIONS):
            return asks_for_variables(jsonpointer.unescape(inner.removeprefix(_ANNOTATIONS)))
        return _FILLED.fullmatch(inner) is not None


def pod_templates(manifest: Mapping[str, Any]) -> Iterator[PodTemplate]:
    """Yield the pod templates of a manifest. What stands in several places, by YAML's aliases, is told once."""
    is_pod = (manifest.get("apiVersion"), manifest.get("kind")) == ("v1", "Pod")
    stack: list[tuple[str, Any]] = [("", manifest)]
    seen: set[int] = set()
    while stack:
        pointer, value = stack.pop()
        if not isinstance(value, dict | list) or id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, dict) and (pointer or is_pod) and _is_template(value):
            problems: list[str] = []
            yield PodTemplate(pointer, _cleaned(value, problems.append), problems)
        members = value.items() if isinstance(value, dict) else enumerate(value)
        stack.extend(
            reversed([(f"{pointer}/{jsonpointer.escape(visible(str(name), 253))}", each) for name, each in members])
        )


def _is_template(value: Mapping[str, Any]) -> bool:
    notes = _map(_map(value.get("metadata")).get("annotations"))
    if any(isinstance(name, str) and asks_for_variables(name) for name in notes):
        return True
    return isinstance(_map(value.get("spec")).get("containers"), list)


def _cleaned(template: Mapping[str, Any], tell: Callable[[str], None]) -> Mapping[str, Any]:
    """Return the members that are read, with the types that the API server wants; tell of the others."""
    notes: dict[str, str] = {}
    for name, text in _map(_map(template.get("metadata")).get("annotations")).items():
        if isinstance(name, str) and isinstance(text, str | None):
            notes[name] = text or ""
        elif asks_for_variables(str(name)):
            tell(f"annotation {named(str(name))}: is no string; put it in quotes")
    spec = _map(template.get("spec"))
    containers = {part: [*_containers(spec.get(part))] for part in _CONTAINERS}
    if not any(containers.values()):
        # Whoever makes the pod adds the containers. By their names the annotations tell which ones.
        known = {variable.container for variable in wanted.read(notes).variables}
        containers["containers"] = [{"name": name} for name in sorted(known)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"annotations": notes}, "spec": containers}


def _containers(entries: Any) -> Iterator[Mapping[str, Any]]:
    for entry in _maps(entries):
        if isinstance(entry.get("name"), str):
            env = [one for one in _maps(entry.get("env")) if isinstance(one.get("name"), str)]
            yield {"name": entry["name"], "env": env}


def _maps(entries: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
