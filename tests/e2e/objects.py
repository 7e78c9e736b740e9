"""Kubernetes objects as the tests write them."""

import base64
from collections.abc import Mapping
from typing import Any

Manifest = dict[str, Any]


def secret(name: str, annotations: Mapping[str, str] | None = None, **parts: Any) -> Manifest:
    """Return a Secret; `parts` are its further members (data, stringData, type, immutable)."""
    metadata: Manifest = {"name": name}
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **parts}


def filled(name: str, **references: str) -> Manifest:
    """Return a Secret with one annotation `data.keyhole.dev/KEY` for each reference."""
    return secret(name, {f"data.keyhole.dev/{key}": text for key, text in references.items()})


def encoded(text: str | bytes) -> str:
    """Return what stands in a Secret's `data` for a value."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def decoded(text: str) -> str:
    """Return the value that stands in a Secret's `data`."""
    return base64.b64decode(text, validate=True).decode()
