"""One object of each form, with one value from Vault."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from manifests.variables import marker
from testbed import Testbed
from testbed.gitops.kept import Kept
from testbed.keyhole.definitions import definition

NAMESPACE = "gitops-forms"
GROUP, RESOURCE = "example.org", "routers"
KEPT = (
    Kept("", "Secret", "secrets"),
    Kept("", "ConfigMap", "configmaps"),
    Kept("apps", "Deployment", "deployments"),
    Kept("apps", "ReplicaSet", "replicasets"),
    Kept(GROUP, "Router", RESOURCE),
)
_STRING = {"type": "string"}
# Without a merge key: the list belongs to one owner as a whole.
_SERVERS = {"type": "array", "items": {"type": "object", "properties": {"host": _STRING, "password": _STRING}}}
_SPEC = {"type": "object", "properties": {"token": _STRING, "servers": _SERVERS}}
DEFINITION = definition(GROUP, "Router", RESOURCE, _SPEC)
KINDS = {
    "kinds": [
        {"kind": "ConfigMap"},
        {
            "group": GROUP,
            "kind": "Router",
            "resource": RESOURCE,
            "version": "v1",
            "fields": ["/spec/token", "/spec/servers/*/password"],
        },
    ]
}


@dataclass(frozen=True)
class Form:
    """A form: what is written in Git, where it is stored, and how the value is read from there."""

    name: str
    kind: str
    collection: str
    written: Callable[[str, str], dict[str, Any]]
    read: Callable[[Testbed, Mapping[str, Any]], str | None]

    def manifest(self, name: str) -> dict[str, Any]:
        """Return the manifest of one object, whose value stands at `secret/e2e/NAME`."""
        return {**self.written(name, f"secret/e2e/{name}"), "kind": self.kind}

    def live(self, bed: Testbed, name: str) -> dict[str, Any]:
        """Return the object as it is stored."""
        answer = bed.kubernetes.request("GET", f"{self.collection.format(NAMESPACE)}/{name}")
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def value(self, bed: Testbed, name: str) -> str | None:
        """Return the value that is in the cluster; None where there is none yet."""
        answer = bed.kubernetes.request("GET", f"{self.collection.format(NAMESPACE)}/{name}")
        return self.read(bed, answer.json()) if answer.ok else None


def secret_behind(bed: Testbed, found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the Secret behind a Deployment's variables; None where it is not made yet."""
    known = marker.parse(found["spec"]["template"]["metadata"]["annotations"].get("keyhole.dev/env-secret", ""))
    answer = bed.kubernetes.request("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets/{known.secret}") if known else None
    made: dict[str, Any] | None = answer.json() if answer is not None and answer.ok else None
    return made


def desired(live: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object without what its own controller says of it, which comes a moment after the object."""
    kept = {name: live["metadata"].get(name) for name in ("uid", "generation", "labels")}
    return {"metadata": kept, **{name: part for name, part in live.items() if name in {"spec", "data"}}}


def _decoded(found: Mapping[str, Any] | None, key: str) -> str | None:
    held = ((found or {}).get("data") or {}).get(key)
    return None if held is None else base64.b64decode(held).decode()


def _named(name: str, version: str = "v1", **annotations: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE, "annotations": annotations}
    return {"apiVersion": version, "metadata": metadata}


def _deployment(name: str, env: list[dict[str, Any]], notes: Mapping[str, str]) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {"app": name}, "annotations": {"example.com/note": "kept", **notes}},
        "spec": {"containers": [{"name": "app", "image": "example.com/app:1", "env": env}]},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {**_named(name, "apps/v1"), "spec": spec}


def _variable(name: str, path: str) -> dict[str, Any]:
    others = [{"name": "URL", "value": "db://app:$(PASSWORD)@db"}, {"name": "LEVEL", "value": "info"}]
    return _deployment(name, others, {"env.keyhole.dev/PASSWORD": f"vault:{path}#password"})


def _variable_in_place(name: str, path: str) -> dict[str, Any]:
    in_git = [{"name": "LEVEL", "value": "info"}, {"name": "PASSWORD", "value": f"vault:{path}#password"}]
    return _deployment(name, in_git, {})


def _file(name: str, path: str) -> dict[str, Any]:
    data = {"app.yaml.tmpl": f"host: db\npassword: ((vault:{path}#password))\n"}
    return {**_named(name, **{"data.keyhole.dev/app.yaml": "key:app.yaml.tmpl"}), "data": data}


def _read_file(_bed: Testbed, found: Mapping[str, Any]) -> str | None:
    text = (found.get("data") or {}).get("app.yaml")
    return None if text is None else str(text).partition("password: ")[2].strip()


def _field(name: str, path: str) -> dict[str, Any]:
    fields = {"keyhole.dev/fields": f"/spec/token: vault:{path}#password"}
    return {**_named(name, f"{GROUP}/v1", **fields), "spec": {"servers": [{"host": "one"}]}}


def _in_a_list(name: str, path: str) -> dict[str, Any]:
    fields = {"keyhole.dev/fields": f"/spec/servers/0/password: vault:{path}#password"}
    return {**_named(name, f"{GROUP}/v1", **fields), "spec": {"servers": [{"host": "one"}]}}


_DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
_ROUTERS = f"/apis/{GROUP}/v1/namespaces/{{}}/{RESOURCE}"
VARIABLE = Form(
    "variable",
    "Deployment",
    _DEPLOYMENTS,
    _variable,
    lambda bed, found: _decoded(secret_behind(bed, found), "PASSWORD"),
)
VARIABLE_IN_PLACE = Form(
    "variable-in-place",
    "Deployment",
    _DEPLOYMENTS,
    _variable_in_place,
    lambda bed, found: _decoded(secret_behind(bed, found), "app.PASSWORD"),
)
WHOLE = Form(
    "whole",
    "Secret",
    "/api/v1/namespaces/{}/secrets",
    lambda name, path: _named(name, **{"keyhole.dev/from": path}),
    lambda _, found: _decoded(found, "password"),
)
FILE = Form("file", "ConfigMap", "/api/v1/namespaces/{}/configmaps", _file, _read_file)
FIELD = Form("field", "Router", _ROUTERS, _field, lambda _, found: found["spec"].get("token"))
IN_A_LIST = Form(
    "in-a-list", "Router", _ROUTERS, _in_a_list, lambda _, found: found["spec"]["servers"][0].get("password")
)
FORMS = (VARIABLE, VARIABLE_IN_PLACE, WHOLE, FILE, FIELD, IN_A_LIST)
