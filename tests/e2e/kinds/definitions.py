"""Two CustomResourceDefinitions, and the administrator's list that has them filled."""

from pathlib import Path
from typing import Any, Final

import yaml

from testbed.keyhole.definitions import definition

GROUP: Final = "example.org"
DATABASES: Final = "databases"
BOXES: Final = "boxes"
# The list of the examples has ConfigMaps and Applications.
EXAMPLES: Final = Path(__file__).resolve().parents[3] / "examples"
LIST: Final[dict[str, Any]] = {
    "kinds": [
        *yaml.safe_load((EXAMPLES / "kinds.yaml").read_text())["kinds"],
        {"group": GROUP, "kind": "Database", "resource": DATABASES, "version": "v1", "fields": ["/spec/**"]},
        {
            "group": GROUP,
            "kind": "Box",
            "resource": BOXES,
            "version": "v1",
            "fields": ["/spec/source/helm/values", "/spec/source/helm/parameters/*/value"],
        },
    ]
}

# What schemas ask for in the wild: required fields, bounds, enums, patterns, rules in CEL, lists with keys.
_SPEC: Final = yaml.safe_load(
    """
    type: object
    required: [password, port]
    x-kubernetes-validations:
      - rule: "!has(self.tls) || !self.tls || self.port > 1024"
        message: a port above 1024 goes with TLS
    properties:
      host: {type: string}
      password: {type: string, minLength: 4}
      port: {type: integer, minimum: 1, maximum: 65535}
      tls: {type: boolean}
      mode: {type: string, enum: [fast, safe]}
      code: {type: string, pattern: '^[A-Z]{3}$'}
      users:
        type: array
        x-kubernetes-list-type: map
        x-kubernetes-list-map-keys: [name]
        items:
          type: object
          required: [name]
          properties:
            name: {type: string}
            password: {type: string}
            limits: {type: object, properties: {most: {type: integer}}}
    """
)


def definitions() -> list[dict[str, Any]]:
    """Return the CustomResourceDefinitions."""
    return [
        definition(GROUP, "Database", DATABASES, _SPEC, ["v1", "v1beta1"]),
        definition(GROUP, "Box", BOXES),
        definition("argoproj.io", "Application", "applications", versions=["v1alpha1"]),
    ]
