"""Workloads with variables, as the webhook leaves them: marker, label, and the variables taken from the Secret."""

from collections.abc import Mapping
from typing import Any

from manifests.annotations import ENV_DOMAIN, ENV_FROM, ENV_SECRET, USES_VARIABLES
from manifests.variables import marker, names, wanted
from manifests.variables.generated import marker_of
from tests.e2e.objects import Manifest

REFERENCE = "vault:secret/e2e/app#password"
_GROUPS = {"Job": "batch", "CronJob": "batch", "Pod": "", "Rollout": "argoproj.io"}


def template(kind: str, name: str, variables: Mapping[str, str], paths: str = "") -> dict[str, Any]:
    """Return the pod template of a workload whose one container has these variables, and all fields of these paths."""
    notes = {f"{ENV_DOMAIN}{variable}": text for variable, text in variables.items()}
    if paths:
        notes[ENV_FROM] = paths
    asked = wanted.read(notes)
    assert not asked.problems
    found = marker_of(names.owner(_GROUPS.get(kind, "apps"), kind, name), asked)
    env = [
        {"name": each.name, "valueFrom": {"secretKeyRef": {"name": found.secret, "key": each.key}}}
        for each in asked.variables
    ]
    metadata = {
        "labels": {"app": name, USES_VARIABLES: "true"},
        "annotations": {**notes, ENV_SECRET: marker.dump(found)},
    }
    container: dict[str, Any] = {"name": "app", "image": "example/app:1", "env": env}
    if found.whole:
        container["envFrom"] = [{"secretRef": {"name": found.whole}}]
    return {"metadata": metadata, "spec": {"containers": [container]}}


def secret_of(of: Mapping[str, Any]) -> str:
    """Return the name of the Secret behind the variables of a template or a pod."""
    return _marker_in(of).secret


def whole_secret_of(of: Mapping[str, Any]) -> str:
    """Return the name of the Secret that has whole secrets for a template or a pod."""
    return _marker_in(of).whole


def _marker_in(of: Mapping[str, Any]) -> marker.Marker:
    found = marker.parse(of["metadata"]["annotations"][ENV_SECRET])
    assert found is not None
    return found


def workload(kind: str, name: str, variables: Mapping[str, str], **spec: Any) -> Manifest:
    """Return a workload of one replica; `spec` has further members."""
    pod = template(kind, name, variables)
    version = {"Job": "batch/v1", "CronJob": "batch/v1", "Pod": "v1", "Rollout": "argoproj.io/v1alpha1"}
    whole: dict[str, Any] = {"apiVersion": version.get(kind, "apps/v1"), "kind": kind}
    if kind == "Pod":
        return {**whole, "metadata": {"name": name, **pod["metadata"]}, "spec": {**pod["spec"], **spec}}
    if kind in {"Job", "CronJob"}:
        pod["spec"]["restartPolicy"] = "Never"
        job = {"template": pod}
        inner = job if kind == "Job" else {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": job}}
        return {**whole, "metadata": {"name": name}, "spec": {**inner, **spec}}
    body: dict[str, Any] = {"selector": {"matchLabels": {"app": name}}, "template": pod, **spec}
    if kind == "StatefulSet":
        body["serviceName"] = name
    if kind in {"Deployment", "StatefulSet"}:
        body.setdefault("replicas", 1)
    return {**whole, "metadata": {"name": name}, "spec": body}
