"""Secrets as the API server sends them."""

import base64
from collections.abc import Mapping
from typing import Any


def encoded(text: str | bytes) -> str:
    raw = text.encode() if isinstance(text, str) else text
    return base64.b64encode(raw).decode()


def secret(
    data: Mapping[str, str | bytes] | None = None,
    annotations: Mapping[str, str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    manifest: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "app", "namespace": "a"}}
    if annotations is not None:
        manifest["metadata"]["annotations"] = dict(annotations)
    if data is not None:
        manifest["data"] = {key: encoded(value) for key, value in data.items()}
    return {**manifest, **more}
