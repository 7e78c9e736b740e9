"""Which Secrets the pods of a workload use.

Source: Kubernetes, *Secrets*, "Using Secrets": a container gets one as variables (`env`, `envFrom`) or as files
(volumes of the type `secret`, and `projected` ones). Pull secrets are read by kubelet at each pull, and those of other
types of volume when the volume is mounted; neither comes to a container, so neither asks for a restart.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_CONTAINERS: Final = ("containers", "initContainers", "ephemeralContainers")


def secrets_used(workload: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the Secrets that the pod template of a workload refers to.

    `workload` is the object as the API server sends it. What is not as Kubernetes defines it counts as missing.
    """
    return frozenset(name for name in _names(_part(workload, "spec", "template", "spec")) if name)


def has_template(workload: Mapping[str, Any]) -> bool:
    """Whether the workload says itself what its pods are.

    A Rollout may refer to a Deployment instead (Argo Rollouts, `spec.workloadRef`). Those Secrets are not found.
    """
    return bool(_part(workload, "spec", "template"))


def _names(pod: Mapping[str, Any]) -> Iterator[str]:
    for kind in _CONTAINERS:
        for container in _entries(pod, kind):
            for variable in _entries(container, "env"):
                yield _text(_part(variable, "valueFrom", "secretKeyRef"), "name")
            for source in _entries(container, "envFrom"):
                yield _text(_part(source, "secretRef"), "name")
    for volume in _entries(pod, "volumes"):
        yield _text(_part(volume, "secret"), "secretName")
        for source in _entries(_part(volume, "projected"), "sources"):
            yield _text(_part(source, "secret"), "name")


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
