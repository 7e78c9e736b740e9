"""The webhook's registration on a testbed and the policy behind it, in effect from the first moment to the last."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.registration.admission_policy import admission_policy
from manifests.registration.variables_policies import excluded_variables_policy, variables_policy
from manifests.registration.warning_policies import excluded_policy, look_alike_policy
from manifests.registration.webhook_configuration import ANNOTATIONS_ENTRY, webhook_configuration
from testbed.bed import Testbed
from testbed.errors import TestbedError
from testbed.keyhole.installation import Webhook
from testbed.keyhole.objects import apply, delete

_POLICY_SECONDS = 120.0
_REGISTRATION_SECONDS = 120.0
_POLL_SECONDS = 0.1
_CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
# What the policy refuses to store, and the webhook to fill in.
_PROBED = "/api/v1/namespaces/default/secrets"
_PROBE_NAME = "keyhole-probe"
_PROBE = {"metadata": {"name": _PROBE_NAME, "annotations": {"data.keyhole.dev/probe": "vault:probe/probe#probe"}}}


@contextlib.contextmanager
def registered(
    bed: Testbed,
    webhook: Webhook,
    *,
    timeout_seconds: int = 10,
    policy: bool = False,
    variables: bool = False,
    kinds: Kinds = ONLY_SECRETS,
) -> Iterator[None]:
    """Have the API server ask the webhook until the block ends; with `policy`, the policy stands behind it.

    With `variables`, workloads are sent too, and have a policy of their own. `kinds` are the kinds that are filled.
    """
    configuration = webhook_configuration(
        webhook.url, webhook.ca_file.read_bytes(), timeout_seconds=timeout_seconds, variables=variables, kinds=kinds
    )
    with guarded(bed, variables=variables, kinds=kinds) if policy else contextlib.nullcontext():
        apply(bed, configuration)
        try:
            wait_until_asked(bed)
            yield
        finally:
            withdraw(bed, configuration)


def withdraw(bed: Testbed, configuration: Mapping[str, Any]) -> None:
    """Delete a registration, and wait until the API server asks nobody any more, unless another one is left.

    Raises TestbedError when it still asks after two minutes.
    """
    delete(bed, configuration)
    answer = bed.kubernetes.request("GET", _CONFIGURATIONS)
    answer.raise_for_status()
    entries = [entry["name"] for each in answer.json()["items"] for entry in each.get("webhooks", ())]
    if ANNOTATIONS_ENTRY not in entries:
        _wait_until_asked(bed, is_asked=False)


def wait_until_asked(bed: Testbed) -> None:
    """Wait until the API server asks the webhook that was registered: its own view of that is a moment behind.

    Asked is in a dry run, about a Secret of a namespace that did not opt in: Keyhole refuses it, and reads nothing for
    it. Raises TestbedError when nobody was asked within two minutes.
    """
    _wait_until_asked(bed, is_asked=True)


def _wait_until_asked(bed: Testbed, *, is_asked: bool) -> None:
    deadline = time.monotonic() + _REGISTRATION_SECONDS
    while (ANNOTATIONS_ENTRY in bed.kubernetes.request("POST", f"{_PROBED}?dryRun=All", _PROBE).text) != is_asked:
        if time.monotonic() > deadline:
            state = "not asked" if is_asked else "still asked"
            raise TestbedError(f"{_REGISTRATION_SECONDS:.0f} s after the registration, the webhook is {state}")
        time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def guarded(bed: Testbed, *, variables: bool = False, kinds: Kinds = ONLY_SECRETS) -> Iterator[None]:
    """Have the policy refuse what was not resolved until the block ends; it is in effect before the block begins.

    Those that only warn are written before it.

    No webhook may be registered yet: it would be asked about the Secret by which the policy is noticed.
    """
    of_workloads = [*excluded_variables_policy(), *variables_policy()] if variables else []
    about_kinds = [*excluded_policy(kinds=kinds), *look_alike_policy(kinds=kinds), *admission_policy(kinds=kinds)]
    policies = [*of_workloads, *about_kinds]
    apply(bed, *policies)
    try:
        _wait_for_policy(bed, is_there=True)
        yield
    finally:
        delete(bed, *reversed(policies))
        _wait_for_policy(bed, is_there=False)


def _wait_for_policy(bed: Testbed, *, is_there: bool) -> None:
    deadline = time.monotonic() + _POLICY_SECONDS
    while True:
        is_refused = not bed.kubernetes.request("POST", _PROBED, _PROBE).ok
        if not is_refused:
            bed.kubernetes.request("DELETE", f"{_PROBED}/{_PROBE_NAME}").raise_for_status()
        if is_refused == is_there:
            return
        if time.monotonic() > deadline:
            raise TestbedError(f"{_POLICY_SECONDS:.0f} s after it was written, the policy is not as it should be")
        time.sleep(_POLL_SECONDS)
