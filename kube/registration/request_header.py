"""How the API server proves itself to the servers behind its aggregation layer.

Source: Kubernetes, *Configure the Aggregation Layer*: the API server publishes its `--requestheader-…` flags in the
ConfigMap `kube-system/extension-apiserver-authentication`, which the Role `extension-apiserver-authentication-reader`
of the same namespace lets one read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from kubernetes import client

from kube.client import call

NAMESPACE = "kube-system"
CONFIG_MAP = "extension-apiserver-authentication"
READER_ROLE = "extension-apiserver-authentication-reader"

_CA = "requestheader-client-ca-file"
_NAMES = "requestheader-allowed-names"
_USERNAME_HEADERS = "requestheader-username-headers"
_CLIENT_CA = "client-ca-file"


class RequestHeaderError(Exception):
    """The ConfigMap is not as it should be; `key` names the entry at fault."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"ConfigMap {NAMESPACE}/{CONFIG_MAP}: {key} {problem}")
        self.key = key
        self.problem = problem


@dataclass(frozen=True, slots=True)
class RequestHeader:
    """What the ConfigMap says.

    `ca_pem` is the CA of the API server's front-proxy client certificate, `allowed_names` are the common names that
    such a certificate may have (none means any), `username_headers` name the headers that tell the user, and
    `client_ca_pem` is the CA of the cluster's ordinary client certificates ("" when it has none).
    """

    ca_pem: str
    allowed_names: frozenset[str]
    username_headers: tuple[str, ...]
    client_ca_pem: str


def parse(data: Mapping[str, str]) -> RequestHeader:
    """Parse the ConfigMap's `data`. Raises `RequestHeaderError`. The PEM texts are not checked."""
    ca_pem = data.get(_CA, "")
    if not ca_pem.strip():
        raise RequestHeaderError(_CA, "is missing: the cluster has no aggregation layer")
    headers = _texts(data, _USERNAME_HEADERS)
    if not headers:
        raise RequestHeaderError(_USERNAME_HEADERS, "is missing or empty")
    return RequestHeader(ca_pem, frozenset(_texts(data, _NAMES)), headers, data.get(_CLIENT_CA, ""))


def _texts(data: Mapping[str, str], key: str) -> tuple[str, ...]:
    """Return the texts of a JSON list; none if it is missing."""
    try:
        found = json.loads(data.get(key) or "[]")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(text, str) and text for text in found):
        raise RequestHeaderError(key, "is not a JSON list of texts")
    return tuple(found)


class RequestHeaders:
    """Reads the ConfigMap."""

    def __init__(self, api: client.ApiClient) -> None:
        self._core = client.CoreV1Api(api)

    def read(self, timeout_seconds: float) -> RequestHeader:
        """Return the current content of the ConfigMap.

        Raises `kube.errors.KubernetesUnavailable`, `KubernetesError` when it is not there or may not be read, or
        `RequestHeaderError`.
        """
        found = call(
            f"reading ConfigMap {NAMESPACE}/{CONFIG_MAP}",
            lambda: self._core.read_namespaced_config_map(CONFIG_MAP, NAMESPACE, _request_timeout=timeout_seconds),
        )
        return parse(found.data or {})
