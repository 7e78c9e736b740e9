"""What the cluster holds, as kubectl shows it."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from demo.shell import Shell

NAMESPACE = "shop"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def jsonpath(key: str) -> str:
    """Return the JSONPath of a Secret's key as kubectl wants it: a dot within the key is escaped."""
    escaped = key.replace(".", "\\.")
    return f"jsonpath={{.data.{escaped}}}"


def value(shell: Shell, secret: str, key: str) -> str:
    """Return what `kubectl get secret -o jsonpath` gives for a key, decoded."""
    return decoded(shell.kubectl("get", "secret", secret, "-n", NAMESPACE, "-o", jsonpath(key)))


def decoded(encoded: str) -> str:
    """Decode a value of `data`; one that is no base64 of UTF-8 text becomes a text that no value equals."""
    try:
        return base64.b64decode(encoded, validate=True).decode(errors="replace")
    except binascii.Error:
        return "(not base64)"


def secrets(shell: Shell) -> list[Mapping[str, Any]]:
    """Return the Secrets of the namespace, with their managed fields, by name."""
    told = shell.kubectl("get", "secrets", "-n", NAMESPACE, "-o", "json", "--show-managed-fields")
    items: list[Mapping[str, Any]] = json.loads(told)["items"]
    return items


def name(secret: Mapping[str, Any]) -> str:
    """Return an object's name."""
    return str(secret["metadata"]["name"])


def metadata_text(secret: Mapping[str, Any]) -> str:
    """Return everything of a Secret but its data, as one text to search in."""
    return json.dumps({key: member for key, member in secret.items() if key != "data"}, ensure_ascii=False)


def data_owners(secret: Mapping[str, Any]) -> list[str]:
    """Return the field managers that own something of the Secret's data."""
    managed = secret["metadata"].get("managedFields", [])
    return [entry["manager"] for entry in managed if "f:data" in entry.get("fieldsV1", {})]
