"""Workloads of some namespaces are sent to the webhook, as in production; those of the others keep what tests write."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from manifests.registration.variables_policies import excluded_variables_policy, variables_policy
from manifests.registration.webhook_configuration import (
    VARIABLES_ENTRY,
    VARIABLES_IN_PLACE_ENTRY,
    webhook_configuration,
)
from testbed import Testbed
from testbed.keyhole.installation import Webhook
from testbed.keyhole.objects import apply, delete
from tests.e2e.objects import Manifest

_ENTRIES = (VARIABLES_ENTRY, VARIABLES_IN_PLACE_ENTRY)
_POLICY = "ValidatingAdmissionPolicy"


@contextlib.contextmanager
def sending(bed: Testbed, webhook: Webhook, sent: Sequence[str], guarded: Sequence[str]) -> Iterator[None]:
    """Have workloads of the namespaces `sent` sent, and the policy stand behind those of `guarded`."""
    written = webhook_configuration(webhook.url, webhook.ca_file.read_bytes(), name="workloads", variables=True)
    entries = [narrowed(entry, sent) for entry in written["webhooks"] if entry["name"] in _ENTRIES]
    policy, binding = variables_policy()
    constraints = narrowed(policy["spec"]["matchConstraints"], guarded)
    policies = [
        *excluded_variables_policy(),
        {**policy, "spec": {**policy["spec"], "matchConstraints": constraints}},
        binding,
    ]
    configuration = {**written, "webhooks": entries}
    apply(bed, *policies, configuration)
    try:
        _wait_until(bed, f"no Pod is sent from {sent[0]}", lambda: VARIABLES_ENTRY in _told(bed, sent[0]))
        for namespace in set(guarded) - set(sent):
            _wait_until(bed, f"no policy is behind {namespace}", lambda: _POLICY in _told(bed, namespace))  # noqa: B023
        yield
    finally:
        delete(bed, configuration, *policies)
        for namespace in {*sent, *guarded}:
            _wait_until(bed, f"{namespace} is not left alone", lambda: not _is_refused(bed, namespace))  # noqa: B023


def narrowed(selected: Mapping[str, Any], namespaces: Sequence[str]) -> Manifest:
    """Return an entry of a webhook, or what a policy is for, that counts in these namespaces alone."""
    selector = selected["namespaceSelector"]
    only = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": list(namespaces)}
    expressions = [*selector["matchExpressions"], only]
    return {**selected, "namespaceSelector": {**selector, "matchExpressions": expressions}}


def _told(bed: Testbed, namespace: str) -> str:
    """Return what is said to a Pod that asks for a variable and cannot be read: whoever is asked refuses it."""
    metadata = {"name": "probe", "annotations": {"env.keyhole.dev/A": "no reference"}}
    pod = {"metadata": metadata, "spec": {"containers": [{"name": "app", "image": "example/app"}]}}
    return bed.kubernetes.request("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod).text


def _is_refused(bed: Testbed, namespace: str) -> bool:
    told = _told(bed, namespace)
    return VARIABLES_ENTRY in told or _POLICY in told


def _wait_until(bed: Testbed, otherwise: str, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)
