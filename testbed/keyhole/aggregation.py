"""Keyhole behind the API server's aggregation layer, on a testbed.

The Service is of type ExternalName and leads to localhost: its port is the one that is dialled.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from certs.files import CertificateFiles
from kube.registration.request_header import NAMESPACE as KUBE_SYSTEM
from kube.registration.request_header import READER_ROLE
from manifests.registration.api_service import ADMISSION_PATH, api_service
from manifests.registration.webhook_configuration import aggregated_webhook_configuration
from testbed.bed import Testbed
from testbed.errors import TestbedError
from testbed.keyhole.identities import WEBHOOK_USER
from testbed.keyhole.installation import SERVICE_HOST, Webhook, serving
from testbed.keyhole.objects import apply, delete
from testbed.keyhole.registration import guarded, wait_until_asked, withdraw

_SERVICE, _NAMESPACE, _ = SERVICE_HOST.split(".")
_AVAILABLE_SECONDS = 180.0
_POLL_SECONDS = 0.1


@contextlib.contextmanager
def serving_aggregated(
    bed: Testbed,
    directory: Path,
    connections: Path,
    *,
    arguments: Sequence[str] = (),
    certificate: CertificateFiles | None = None,
    from_secret: bool = False,
    until_ready: bool = True,
    port: int | None = None,
    health_port: int | None = None,
) -> Iterator[Webhook]:
    """Run `keyhole serve --caller-auth aggregation` until the block ends. Its `url` goes around the API server.

    The further arguments are those of `testbed.keyhole.installation.serving`.
    """
    rbac = "rbac.authorization.k8s.io"
    binding = {
        "apiVersion": f"{rbac}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "keyhole-webhook", "namespace": KUBE_SYSTEM},
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": READER_ROLE},
        "subjects": [{"apiGroup": rbac, "kind": "User", "name": WEBHOOK_USER}],
    }
    apply(bed, binding)
    caller = ("--caller-auth", "aggregation")
    with serving(
        bed,
        directory,
        connections,
        caller=caller,
        arguments=arguments,
        certificate=certificate,
        from_secret=from_secret,
        until_ready=until_ready,
        port=port,
        health_port=health_port,
    ) as webhook:
        origin = webhook.url.removesuffix(urlsplit(webhook.url).path)
        yield replace(webhook, url=origin + ADMISSION_PATH)


@contextlib.contextmanager
def routed(bed: Testbed, webhook: Webhook) -> Iterator[None]:
    """Lead the APIService to the webhook until the block ends; it is available before the block begins."""
    port = urlsplit(webhook.url).port or 443
    with led_to_localhost(bed, api_service(_NAMESPACE, _SERVICE, port, webhook.ca_file.read_bytes())):
        yield


@contextlib.contextmanager
def led_to_localhost(bed: Testbed, leading: Mapping[str, Any]) -> Iterator[None]:
    """Have an APIService lead to its port on this machine until the block ends; it is available when that begins.

    Its namespace is made, and stays; its Service is made, and goes.
    """
    name, service = str(leading["metadata"]["name"]), leading["spec"]["service"]
    named = {"name": service["name"], "namespace": service["namespace"]}
    spec = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": service["port"]}]}
    apply(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": service["namespace"]}})
    made = {"apiVersion": "v1", "kind": "Service", "metadata": named, "spec": spec}
    apply(bed, made, leading)
    try:
        _wait_until_available(bed, name)
        yield
    finally:
        delete(bed, leading, made)


@contextlib.contextmanager
def aggregated(
    bed: Testbed, webhook: Webhook, *, timeout_seconds: int = 10, policy: bool = False, variables: bool = False
) -> Iterator[None]:
    """Have the API server ask the webhook through its aggregation layer until the block ends.

    With `policy`, the policy stands behind it. With `variables`, workloads are sent too.
    """
    asking = aggregated_webhook_configuration(timeout_seconds=timeout_seconds, variables=variables)
    with guarded(bed, variables=variables) if policy else contextlib.nullcontext(), routed(bed, webhook):
        apply(bed, asking)
        try:
            wait_until_asked(bed)
            yield
        finally:
            withdraw(bed, asking)


def _wait_until_available(bed: Testbed, api_service_name: str) -> None:
    deadline = time.monotonic() + _AVAILABLE_SECONDS
    while not _is_available(bed, api_service_name):
        if time.monotonic() > deadline:
            raise TestbedError(f"after {_AVAILABLE_SECONDS:.0f} s the APIService {api_service_name} is not available")
        time.sleep(_POLL_SECONDS)


def _is_available(bed: Testbed, api_service_name: str) -> bool:
    answer = bed.kubernetes.request("GET", f"/apis/apiregistration.k8s.io/v1/apiservices/{api_service_name}")
    answer.raise_for_status()
    conditions = answer.json().get("status", {}).get("conditions", [])
    return any(each["type"] == "Available" and each["status"] == "True" for each in conditions)
