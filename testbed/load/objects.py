"""The Secrets that are measured: with one reference, with many, and with none."""

from collections.abc import Mapping
from typing import Any

KEY, CONSTANT_BASE64 = "password", "bWVhc3VyZWQtdmFsdWU="
FIELDS, PATHS = 50, 10
# What was created in a cell, and goes after it. What is applied stays, as it does where GitOps applies it.
CREATED = "bench.keyhole.dev/created"


def one_reference(namespace: str, name: str) -> dict[str, Any]:
    """Return the Secret that most is measured with: one reference in an annotation."""
    return _secret(namespace, name, annotations={f"data.keyhole.dev/{KEY}": f"vault:secret/app#{KEY}"})


def many_references(namespace: str, name: str) -> dict[str, Any]:
    """Return a Secret of 50 fields from 10 paths."""
    notes = {f"data.keyhole.dev/key-{n}": f"vault:secret/app-{n % PATHS}#field-{n // PATHS}" for n in range(FIELDS)}
    return _secret(namespace, name, annotations=notes)


def no_reference(namespace: str, name: str) -> dict[str, Any]:
    """Return a Secret that is none of Keyhole's business, and as large as one of its own."""
    return {**_secret(namespace, name, annotations={"example.com/owner": "bench"}), "data": {KEY: CONSTANT_BASE64}}


def to_be_cleared(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object with the label by which it is deleted after its cell."""
    return {**manifest, "metadata": {**manifest["metadata"], "labels": {CREATED: "true"}}}


def _secret(namespace: str, name: str, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace, **metadata}}
