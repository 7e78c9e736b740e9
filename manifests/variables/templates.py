"""The kinds of workloads whose pod templates get variables, and where the template stands in each.

ReplicaSets are none of them: their controller would find another template than its own, and make new ones without end.
Source: Kubernetes API reference, *Workload resources* (`PodTemplateSpec`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Workload:
    """A kind of workload.

    `pointer` is the JSON Pointer (RFC 6901) of its pod template, empty for a Pod, which is its own template. Its
    segments have nothing to escape. `is_bare` says that objects of the kind are pods themselves, and `is_fixed` that
    their containers cannot change once they exist.
    """

    group: str
    kind: str
    resource: str
    versions: tuple[str, ...]
    pointer: str
    is_bare: bool = False
    is_fixed: bool = False

    def template(self, manifest: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return the pod template of an object of this kind; None if it has none, or there is no object."""
        found: Any = manifest
        for segment in self.pointer.split("/")[1:]:
            found = found.get(segment) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else None


WORKLOADS: Final[tuple[Workload, ...]] = (
    Workload("apps", "Deployment", "deployments", ("v1",), "/spec/template"),
    Workload("apps", "StatefulSet", "statefulsets", ("v1",), "/spec/template"),
    Workload("apps", "DaemonSet", "daemonsets", ("v1",), "/spec/template"),
    Workload("batch", "Job", "jobs", ("v1",), "/spec/template", is_fixed=True),
    Workload("batch", "CronJob", "cronjobs", ("v1",), "/spec/jobTemplate/spec/template"),
    Workload("", "Pod", "pods", ("v1",), "", is_bare=True, is_fixed=True),
)
BY_GROUP_AND_KIND: Final[Mapping[tuple[str, str], Workload]] = MappingProxyType(
    {(workload.group, workload.kind): workload for workload in WORKLOADS}
)
