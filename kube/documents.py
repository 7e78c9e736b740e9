"""Objects as the API server sends them, read without the models of the kubernetes package.

Go writes a list or a map that was never made as `null`, and leaves out others that are empty. So a part that is null,
a part that is missing and an empty part are the same thing here, and a part of another kind counts as missing.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from kube.errors import KubernetesUnavailable

Document = Mapping[str, Any]


def parsed(content: bytes) -> Document:
    """Parse an answer that must be a JSON object. Raises `KubernetesUnavailable` if it is not."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise KubernetesUnavailable("sent an answer that cannot be read")
    return document


def part(document: Document, *names: str) -> Document:
    """Return the nested map that the names lead to."""
    for name in names:
        found = document.get(name)
        document = found if isinstance(found, dict) else {}
    return document


def entries(document: Document, name: str) -> Sequence[Document]:
    """Return the maps in the list of this name."""
    found = document.get(name)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def text(document: Document, name: str) -> str:
    """Return the text of this name, or ""."""
    found = document.get(name)
    return found if isinstance(found, str) else ""


def decoded(value: object) -> bytes:
    """Decode a base64 text (RFC 4648). Returns b"" for anything else."""
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        return b""
