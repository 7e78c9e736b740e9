"""The Secret of the record keys, as it is before and after a controller ran."""

import base64

from manifests.provenance.keyring import KeyRing, dump, new_key
from manifests.registration.webhook_configuration import OWN_NAMESPACE
from testbed.bed import Testbed
from testbed.keyhole.identities import RECORD_KEY
from testbed.keyhole.objects import apply


def add_empty_record_key(bed: Testbed) -> None:
    """Make the Secret of the record keys without a key. One that is there stays as it is."""
    within = {"name": RECORD_KEY, "namespace": OWN_NAMESPACE}
    apply(
        bed,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OWN_NAMESPACE}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": within, "type": "Opaque"},
    )


def add_record_key(bed: Testbed) -> None:
    """Make the Secret of the record keys with a key in it, as it is once a controller ran. One with a key stays."""
    add_empty_record_key(bed)
    path = f"/api/v1/namespaces/{OWN_NAMESPACE}/secrets/{RECORD_KEY}"
    found = bed.kubernetes.request("GET", path)
    found.raise_for_status()
    if found.json().get("data"):
        return
    key = new_key()
    data = {name: base64.b64encode(part).decode() for name, part in dump(KeyRing(key, {key.id: key})).items()}
    bed.kubernetes.request("PUT", path, {**found.json(), "data": data}).raise_for_status()
