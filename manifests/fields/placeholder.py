"""What a dry run shows where a new value would stand.

One fixed marker, wrapped where a kind of Secret is checked for its form. It depends on the key alone, so that it tells
nothing, and it is known again when a dry run's result is applied: a marker never becomes a value.
"""

import base64
import json

MARKER = "(keyhole: the value is filled in when this is applied)"

_JSON_KEYS = frozenset({".dockerconfigjson", ".dockercfg"})
_PEM_LABELS = {"tls.crt": "CERTIFICATE", "ca.crt": "CERTIFICATE", "tls.key": "PRIVATE KEY"}


def needs_form(key: str) -> bool:
    """Whether Kubernetes checks the form of what stands under the key of a Secret."""
    return key in _JSON_KEYS


def placeholder(key: str) -> bytes:
    """Return what stands for the value of a Secret's key in a dry run."""
    if key in _JSON_KEYS:
        return json.dumps({"auths": {}, "keyhole.dev/placeholder": MARKER}).encode()
    label = _PEM_LABELS.get(key)
    if label is not None:
        body = base64.b64encode(MARKER.encode()).decode()
        return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode()
    return MARKER.encode()


def is_placeholder(key: str, value: bytes) -> bool:
    """Whether a value is what a dry run showed for this key."""
    return value == placeholder(key)
