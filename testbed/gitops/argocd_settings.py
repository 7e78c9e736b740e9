"""What Argo CD's own installation brings: rights, settings, a project and the cluster's own Secret.

Source: Argo CD, *Declarative Setup*, https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/
"""

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from testbed.gitops.kept import SECRETS, Kept, rules
from testbed.keyhole.rights import granted
from testbed.programs.module_folders import ModuleFolder

USER = "system:serviceaccount:argocd:argocd-application-controller"
NAMESPACE = "argocd"
# The address by which Applications name the cluster that Argo CD runs in.
IN_CLUSTER = "https://kubernetes.default.svc"
_MODULE = "github.com/argoproj/argo-cd/v3"
DEFINITIONS = ModuleFolder("argocd", _MODULE, "manifests/crds")
_ROLES = ModuleFolder("argocd", _MODULE, "manifests/base/application-controller-roles")


def settings(namespaces: Sequence[str], kept: Sequence[Kept] = SECRETS) -> Iterator[Mapping[str, Any]]:
    """Give what is to be applied before Argo CD starts, which then may keep these kinds in `namespaces` only."""
    part = {"app.kubernetes.io/part-of": "argocd"}
    inclusions = json.dumps([{"apiGroups": [each.group], "kinds": [each.kind], "clusters": ["*"]} for each in kept])
    project = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]}
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    yield from _rights(namespaces, kept)
    yield from (
        _named("v1", "ConfigMap", "argocd-cm", labels=part) | {"data": {"resource.inclusions": inclusions}},
        _named("v1", "Secret", "argocd-secret", labels=part)
        | {"stringData": {"server.secretkey": secrets.token_urlsafe()}},
        _named("v1", "Secret", "in-cluster", labels={"argocd.argoproj.io/secret-type": "cluster"})
        | {
            "stringData": {
                "name": "in-cluster",
                "server": IN_CLUSTER,
                "namespaces": ",".join(namespaces),
                "config": '{"tlsClientConfig": {"insecure": false}}',
            }
        },
        _named("argoproj.io/v1alpha1", "AppProject", "default") | {"spec": project},
    )


def _named(api_version: str, kind: str, name: str, **metadata: Any) -> dict[str, Any]:
    metadata = {"namespace": NAMESPACE, **metadata, "name": name}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _rights(namespaces: Sequence[str], kept: Sequence[Kept]) -> Iterator[Mapping[str, Any]]:
    """Give the Role that Argo CD ships for its own namespace, and one for what it keeps in each of the others."""
    shipped = (role["rules"] for role in _ROLES.manifests(os.environ) if role["kind"] == "Role")
    name = "argocd-application-controller"
    for namespace in namespaces:
        yield from granted(name, USER, rules(kept), namespace)
    yield from granted(name, USER, next(shipped), NAMESPACE)
