"""A cluster whose API server does not ask Keyhole for a while: what somebody then changes, nobody else saw."""

import contextlib
from collections.abc import Iterator
from typing import Any

from testbed import Testbed
from testbed.keyhole.registration import wait_until_asked
from tests.e2e.processes import eventually

_GROUP = "/apis/admissionregistration.k8s.io/v1"
_KINDS = ("mutatingwebhookconfigurations", "validatingadmissionpolicybindings")
_PROBE = {"metadata": {"name": "bypass-probe", "annotations": {"data.keyhole.dev/probe": "vault:probe/probe#probe"}}}
_PROBED = "/api/v1/namespaces/default/secrets"


@contextlib.contextmanager
def bypassed(bed: Testbed) -> Iterator[None]:
    """Take Keyhole's registration and its policies away until the block ends, and put them back as they were."""
    ask = bed.kubernetes.request
    taken: list[tuple[str, dict[str, Any]]] = []
    for kind in _KINDS:
        listed = ask("GET", f"{_GROUP}/{kind}")
        for found in listed.json()["items"]:
            if found["metadata"]["name"].startswith("keyhole"):
                taken.append((kind, found))
                ask("DELETE", f"{_GROUP}/{kind}/{found['metadata']['name']}").raise_for_status()
    # The policy lets dry runs pass.
    eventually(lambda: ask("POST", _PROBED, _PROBE).ok, "nobody is asked")
    ask("DELETE", f"{_PROBED}/{_PROBE['metadata']['name']}").raise_for_status()
    try:
        yield
    finally:
        for kind, found in reversed(taken):
            metadata = {
                name: found["metadata"][name] for name in ("name", "labels", "annotations") if name in found["metadata"]
            }
            made = ask("POST", f"{_GROUP}/{kind}", {**found, "metadata": metadata})
            made.raise_for_status()
        wait_until_asked(bed)
