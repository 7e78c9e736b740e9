"""CustomResourceDefinitions for kinds that tests and benchmarks make up, or whose controller they do without."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

ANYTHING: Final[Mapping[str, Any]] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def definition(
    group: str, kind: str, plural: str, spec: Mapping[str, Any] = ANYTHING, versions: Sequence[str] = ("v1",)
) -> dict[str, Any]:
    """Return the definition of a namespaced kind with this schema of `spec`; the first version is stored."""
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": ANYTHING}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [
                {"name": name, "served": True, "storage": index == 0, "schema": schema, "subresources": {"status": {}}}
                for index, name in enumerate(versions)
            ],
        },
    }
