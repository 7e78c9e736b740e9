"""A release of the chart with its pods as processes, two tenants, and the Enforcer's identity: what it looks at."""

import base64
import contextlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from manifests.kinds.listed import read
from testbed import Testbed
from testbed.keyhole.connections import AUDIENCE
from testbed.keyhole.helm import Helm
from testbed.keyhole.identities import API_SERVICE
from testbed.keyhole.objects import apply
from testbed.keyhole.pods import Pod
from testbed.keyhole.releases import Release
from testbed.servers.pki import write_private
from testbed.servers.ports import free_port
from tests.e2e.places import Places

LIST = [{"kind": "ConfigMap"}]
KINDS = read(json.dumps({"kinds": LIST}))
TENANTS = ("shop", "office")
"""Namespaces with the bundle, whose role in Vault may read `secret/NAMESPACE/*` and `legacy/NAMESPACE/*`."""
OWN = "keyhole"
# There is no forge here.
STANDARDS = {
    "standards": {
        "review": {"severity": "off"},
        "appliers": {"severity": "error", "parameters": {"accounts": ["testbed-admin"]}},
        "images": {"parameters": {"exempt": ["registry.example/moved*"]}},
        # Whatever is rotated has to arrive at once: nobody waits here.
        "values-current": {"parameters": {"lagMinutes": 0}},
    }
}
AUDIT_POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"
_CHARTS = Path(__file__).resolve().parents[3] / "charts"
_TRAIL = "/var/log/keyhole/audit.log"


@dataclass(frozen=True)
class Installed:
    """The release. `audit_key` is the file with the key of the trail, whose file is `trail`."""

    release: Release
    values: Mapping[str, Any]
    webhook: Pod
    trail: Path
    audit_key: Path


def connection(bed: Testbed) -> Mapping[str, Any]:
    """Return the one connection of the release; its CA file is that of a pod."""
    return {
        "address": bed.vault.url,
        "caFile": "/etc/keyhole/ca/vault/ca.crt",
        "auth": {"method": "jwt", "role": "keyhole-{namespace}", "audience": AUDIENCE},
        "mounts": {"secret": 2, "legacy": 1},
    }


@contextlib.contextmanager
def installed(bed: Testbed, directory: Path, places: Places) -> Iterator[Installed]:
    """Have the chart installed and the API server ask the webhook until the block ends.

    The controller runs until certificates and the record key are there, and no longer: it would put right what tests
    put wrong, and its refreshes are the tenants' account's, as the Enforcer's questions are.
    """
    directory.mkdir()
    helm = Helm(bed.program("helm"), directory / "helm", bed.kubernetes.kubeconfig)
    audit_key = _objects_of_the_administrators(bed, directory)
    port = free_port()
    values = {
        "connections": {"default": connection(bed)},
        "caBundles": {"vault": {"configMap": "vault-ca"}},
        "service": {"port": port},
        "audit": {"existingSecret": "trail", "output": "file"},
        "kinds": LIST,
        "variables": {"enabled": True},
        "enforcer": {
            "enabled": True,
            "cluster": "bed",
            "standards": STANDARDS,
            "auditPolicy": AUDIT_POLICY,
            "reports": {"existingClaim": "reports"},
            "trail": {"existingClaim": "trail"},
            "manifests": {"existingClaim": "manifests"},
        },
        # Nobody waits for its end.
        "webhook": {"preStopSeconds": 0, "drainSeconds": 0},
    }
    file = directory / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    release = Release(bed, helm, _CHARTS / "keyhole", OWN)
    release.install("-f", str(file))
    release.lead_to_localhost("keyhole")
    controller = release.pod("keyhole-controller", directory / "controller")
    webhook = release.pod("keyhole-webhook", directory / "webhook", {"admission": port})
    for pod in (controller, webhook):
        places.watch(pod.log_file)
        pod.start()
    try:
        webhook.wait_until_ready()
        release.wait_until_available(API_SERVICE)
        assert controller.stop() == 0
        yield Installed(release, values, webhook, webhook.directory / f"root{_TRAIL}", audit_key)
    finally:
        webhook.stop()
        controller.stop()


def _objects_of_the_administrators(bed: Testbed, directory: Path) -> Path:
    """Make what the values name, and return the file with the key of the trail."""
    key = secrets.token_bytes(32)
    made = {"apiVersion": "v1", "metadata": {"namespace": OWN}}
    bundle = {"ca.crt": bed.vault.ca_file.read_text()}
    apply(
        bed,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OWN}},
        {**made, "kind": "ConfigMap", "metadata": {"name": "vault-ca", "namespace": OWN}, "data": bundle},
        {
            **made,
            "kind": "Secret",
            "metadata": {"name": "trail", "namespace": OWN},
            "data": {"audit.key": base64.b64encode(key).decode()},
        },
    )
    return write_private(directory / "audit.key", key)
