"""Keyhole behind the API server's aggregation layer, on a testbed.

The Service is of type ExternalName and leads to localhost: its port is the one that is dialled.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from kube.request_header import NAMESPACE as KUBE_SYSTEM
from kube.request_header import READER_ROLE
from manifests.aggregation import ADMISSION_PATH, api_service
from manifests.registration import aggregated_webhook_configuration
from testbed.bed import Testbed
from testbed.installation import SERVICE_HOST, WEBHOOK_USER, Webhook, apply, guarded, serving

_SERVICE, _NAMESPACE, _ = SERVICE_HOST.split(".")
_AVAILABLE_SECONDS = 60.0


@contextlib.contextmanager
def serving_aggregated(
    bed: Testbed, directory: Path, connections: Path, *, arguments: Sequence[str] = ()
) -> Iterator[Webhook]:
    """Run `keyhole serve --caller-auth aggregation` until the block ends. Its `url` goes around the API server."""
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
    with serving(bed, directory, connections, caller=caller, arguments=arguments) as webhook:
        origin = webhook.url.removesuffix(urlsplit(webhook.url).path)
        yield replace(webhook, url=origin + ADMISSION_PATH)


@contextlib.contextmanager
def routed(bed: Testbed, webhook: Webhook) -> Iterator[None]:
    """Lead the APIService to the webhook until the block ends; it is available before the block begins."""
    port = urlsplit(webhook.url).port or 443
    named = {"name": _SERVICE, "namespace": _NAMESPACE}
    spec = {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]}
    leading = api_service(_NAMESPACE, _SERVICE, port, webhook.ca_file.read_bytes())
    name = str(leading["metadata"]["name"])
    apply(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}})
    apply(bed, {"apiVersion": "v1", "kind": "Service", "metadata": named, "spec": spec}, leading)
    try:
        _wait_until_available(bed, name)
        yield
    finally:
        bed.kubectl("delete", "apiservice", name)
        bed.kubectl("delete", "service", _SERVICE, "-n", _NAMESPACE)


@contextlib.contextmanager
def aggregated(bed: Testbed, webhook: Webhook, *, timeout_seconds: int = 10, policy: bool = False) -> Iterator[None]:
    """Have the API server ask the webhook through its aggregation layer until the block ends.

    With `policy`, the policy stands behind it.
    """
    asking = aggregated_webhook_configuration(timeout_seconds=timeout_seconds)
    with guarded(bed) if policy else contextlib.nullcontext(), routed(bed, webhook):
        apply(bed, asking)
        try:
            yield
        finally:
            bed.kubectl("delete", "mutatingwebhookconfiguration", asking["metadata"]["name"])


def _wait_until_available(bed: Testbed, api_service_name: str) -> None:
    bed.kubectl(
        "wait", "--for=condition=Available", f"--timeout={_AVAILABLE_SECONDS:.0f}s", "apiservice", api_service_name
    )
