"""The objects other than Secrets with annotations that are measured: each form with one reference."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from testbed.keyhole.definitions import definition
from testbed.load.objects import CONSTANT_BASE64, CREATED, KEY

_GROUP, _RESOURCE = "bench.example.com", "settings"
_VALUE = "measured-value"
_TEMPLATE = {"containers": [{"name": "app", "image": "example.com/app:1"}]}


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """A kind of object with one reference. Each is equal to itself alone.

    `collection` is the path of its objects with `{}` for the namespace, `manifest` the object without its names, and
    `filled` what a constant answer does to it on CREATE (JSON Patch, RFC 6902): about as much as Keyhole does.
    """

    name: str
    resource: str
    collection: str
    manifest: Mapping[str, Any]
    filled: tuple[Mapping[str, Any], ...]

    @property
    def path(self) -> str:
        """Where a constant answer does that."""
        return "/fill-" + self.name.replace(" ", "-")

    def is_filled(self, found: Mapping[str, Any]) -> bool:
        """Return whether an object came back with what stands at the last place that is filled."""
        part: Any = found
        for segment in str(self.filled[-1]["path"]).split("/")[1:]:
            try:
                part = part[int(segment)] if isinstance(part, list) else part[segment]
            except (KeyError, IndexError):
                return False
        return True

    def named(self, namespace: str, name: str, *, passing: bool = False) -> dict[str, Any]:
        """Return the object; `passing` gives it the label by which it is deleted after its cell."""
        metadata = {**self.manifest.get("metadata", {}), "name": name, "namespace": namespace}
        labels = {"labels": {CREATED: "true"}} if passing else {}
        return {**self.manifest, "metadata": {**metadata, **labels}}


_REFERENCE: Final = {"annotations": {f"data.keyhole.dev/{KEY}": f"vault:secret/app#{KEY}"}}
_DATA: Final = {"op": "add", "path": "/data", "value": {KEY: _VALUE}}
_ENV: Final = [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "constant", "key": "PASSWORD"}}}]

FORMS: Final = (
    Form(
        "variable of a Deployment",
        "deployments",
        "/apis/apps/v1/namespaces/{}/deployments",
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {"app": "bench"}},
                "template": {
                    "metadata": {
                        "labels": {"app": "bench"},
                        "annotations": {"env.keyhole.dev/PASSWORD": f"vault:secret/app#{KEY}"},
                    },
                    "spec": _TEMPLATE,
                },
            },
        },
        (
            {"op": "add", "path": "/spec/template/metadata/labels/constant", "value": "true"},
            {"op": "add", "path": "/spec/template/metadata/annotations/constant", "value": "constant"},
            {"op": "add", "path": "/spec/template/spec/containers/0/env", "value": _ENV},
        ),
    ),
    Form(
        "ConfigMap",
        "configmaps",
        "/api/v1/namespaces/{}/configmaps",
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _REFERENCE},
        (_DATA,),
    ),
    Form(
        "custom resource",
        _RESOURCE,
        f"/apis/{_GROUP}/v1/namespaces/{{}}/{_RESOURCE}",
        {
            "apiVersion": f"{_GROUP}/v1",
            "kind": "Setting",
            "metadata": {"annotations": {"keyhole.dev/fields": f"/spec/password: vault:secret/app#{KEY}"}},
            "spec": {"host": "db"},
        },
        ({"op": "add", "path": "/spec/password", "value": _VALUE},),
    ),
    Form(
        "whole secret",
        "secrets",
        "/api/v1/namespaces/{}/secrets",
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"annotations": {"keyhole.dev/from": "secret/app"}},
        },
        ({"op": "add", "path": "/data", "value": {KEY: CONSTANT_BASE64}},),
    ),
)

_STRING: Final = {"type": "string"}
DEFINITION: Final = definition(
    _GROUP, "Setting", _RESOURCE, {"type": "object", "properties": {"host": _STRING, "password": _STRING}}
)
KINDS: Final = {
    "kinds": [
        {"kind": "ConfigMap"},
        {"group": _GROUP, "kind": "Setting", "resource": _RESOURCE, "version": "v1", "fields": ["/spec/password"]},
    ]
}
