"""Templates and workloads for tests, and the template that comes out."""

import copy
from collections.abc import Mapping
from typing import Any

import jsonpatch

from manifests.variables.prepare import Prepared, prepare
from manifests.variables.templates import BY_GROUP_AND_KIND, Workload

DEPLOYMENT = BY_GROUP_AND_KIND["apps", "Deployment"]
CRON_JOB = BY_GROUP_AND_KIND["batch", "CronJob"]
JOB = BY_GROUP_AND_KIND["batch", "Job"]
POD = BY_GROUP_AND_KIND["", "Pod"]
PASSWORD = {"env.keyhole.dev/PASSWORD": "vault:secret/app#password"}
MARKER = "keyhole.dev/env-secret"


def container(name: str = "web", *env: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "image": "example/app", **({"env": list(env)} if env else {}), **more}


def template(notes: Mapping[str, str] | None, *containers: Mapping[str, Any], **spec: Any) -> dict[str, Any]:
    metadata = {"labels": {"app": "web"}, **({"annotations": dict(notes)} if notes else {})}
    return {"metadata": metadata, "spec": {"containers": list(containers or [container()]), **spec}}


def workload(of: Workload, pod_template: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object of a kind with this template."""
    manifest: Any = copy.deepcopy(dict(pod_template))
    for segment in reversed(of.pointer.split("/")[1:]):
        manifest = {segment: manifest}
    return dict(manifest)


def deployment(notes: Mapping[str, str] | None, *containers: Mapping[str, Any], **spec: Any) -> dict[str, Any]:
    return workload(DEPLOYMENT, template(notes, *containers, **spec))


def patched(manifest: Mapping[str, Any], found: Prepared) -> dict[str, Any]:
    assert not found.problems, found.problems
    result: dict[str, Any] = jsonpatch.apply_patch(copy.deepcopy(dict(manifest)), list(found.operations))
    return result


def done(
    manifest: Mapping[str, Any], old: Mapping[str, Any] | None = None, *, of: Workload = DEPLOYMENT, name: str = "web"
) -> dict[str, Any]:
    """Return the object as it is stored; by then nothing is left to do."""
    result = patched(manifest, prepare(of, name, manifest, old))
    assert not prepare(of, name, result, old).operations
    return result


def env(manifest: Mapping[str, Any], index: int = 0, *, of: Workload = DEPLOYMENT) -> list[str]:
    """Return the variables of a container: NAME=VALUE, or NAME<KEY for one of ours."""
    pod_template = of.template(manifest)
    assert pod_template is not None
    found = []
    for entry in pod_template["spec"]["containers"][index].get("env", []):
        source = (entry.get("valueFrom") or {}).get("secretKeyRef")
        found.append(f"{entry['name']}<{source['key']}" if source else f"{entry['name']}={entry.get('value', '')}")
    return found


def notes_of(manifest: Mapping[str, Any], *, of: Workload = DEPLOYMENT) -> dict[str, str]:
    pod_template = of.template(manifest)
    assert pod_template is not None
    return dict(pod_template["metadata"].get("annotations") or {})


def problems(
    manifest: Mapping[str, Any], old: Mapping[str, Any] | None = None, *, of: Workload = DEPLOYMENT
) -> list[str]:
    found = prepare(of, "web", manifest, old)
    assert not found.problems or not found.operations
    return [f"{problem.origin}: {problem.message}" for problem in found.problems]
