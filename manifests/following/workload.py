"""Which Secrets and ConfigMaps the pods of a workload use.

Sources: Kubernetes, *Secrets*, "Using Secrets", and *ConfigMaps*: a container gets one as variables (`env`, `envFrom`)
or as files (volumes of the type `secret` or `configMap`, and `projected` ones). Pull secrets are read by kubelet at
each pull, and those of other types of volume when the volume is mounted; neither comes to a container, so neither asks
for a restart. Custom resources are read by their own controllers, which do what they do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from manifests.kinds.codec import Codec

SECRET: Final = "Secret"  # noqa: S105 - the name of a kind
CONFIG_MAP: Final = "ConfigMap"
_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")


@dataclass(frozen=True, slots=True, order=True)
class Used:
    """A Secret or ConfigMap of the workload's namespace. `str` gives KIND NAME."""

    kind: str
    name: str

    @classmethod
    def of(cls, codec: Codec, name: str) -> "Used | None":
        """Return how pods refer to an object of a kind; None if they cannot use it."""
        return cls(codec.kind, name) if is_used_by_pods(codec) else None

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def is_used_by_pods(codec: Codec) -> bool:
    """Whether containers get values from objects of this kind, so that a change may ask for a restart."""
    return not codec.group and codec.kind in {SECRET, CONFIG_MAP}


def objects_used(workload: Mapping[str, Any]) -> frozenset[Used]:
    """Return the Secrets and ConfigMaps that the pod template of a workload refers to.

    `workload` is the object as the API server sends it. What is not as Kubernetes defines it counts as missing.
    """
    return frozenset(used for used in _used(_part(workload, "spec", "template", "spec")) if used.name)


def has_template(workload: Mapping[str, Any]) -> bool:
    """Whether the workload says itself what its pods are.

    A Rollout may refer to a Deployment instead (Argo Rollouts, `spec.workloadRef`). What that one uses is not found.
    """
    return bool(_part(workload, "spec", "template"))


def _used(pod: Mapping[str, Any]) -> Iterator[Used]:
    for kind in _CONTAINERS:
        for container in _entries(pod, kind):
            for variable in _entries(container, "env"):
                yield Used(SECRET, _text(_part(variable, "valueFrom", "secretKeyRef"), "name"))
                yield Used(CONFIG_MAP, _text(_part(variable, "valueFrom", "configMapKeyRef"), "name"))
            for source in _entries(container, "envFrom"):
                yield Used(SECRET, _text(_part(source, "secretRef"), "name"))
                yield Used(CONFIG_MAP, _text(_part(source, "configMapRef"), "name"))
    for volume in _entries(pod, "volumes"):
        yield Used(SECRET, _text(_part(volume, "secret"), "secretName"))
        yield Used(CONFIG_MAP, _text(_part(volume, "configMap"), "name"))
        for source in _entries(_part(volume, "projected"), "sources"):
            yield Used(SECRET, _text(_part(source, "secret"), "name"))
            yield Used(CONFIG_MAP, _text(_part(source, "configMap"), "name"))


def _part(document: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        found = document.get(name)
        document = found if isinstance(found, Mapping) else {}
    return document


def _entries(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = document.get(name)
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []


def _text(document: Mapping[str, Any], name: str) -> str:
    found = document.get(name)
    return found if isinstance(found, str) else ""
