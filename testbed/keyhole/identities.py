"""As whom Keyhole acts on a testbed, what its objects are called, and the rights that the chart gives."""

from pathlib import Path

from manifests.registration.api_service import GROUP, VERSION
from manifests.registration.webhook_configuration import NAME, OWN_NAMESPACE
from provisioning.tenant import Account
from testbed.bed import Testbed
from testbed.keyhole.objects import apply
from testbed.keyhole.rights import (
    CONTROLLER_EVERYWHERE,
    WEBHOOK_EVERYWHERE,
    controller_in_its_namespace,
    controller_of_certificates,
    granted,
    webhook_in_its_namespace,
)
from testbed.servers.authorization import wait_until_allowed

RECORD_KEY = "keyhole-record-key"
LEASE = "keyhole-controller"
API_SERVICE = f"{VERSION}.{GROUP}"
CERTIFICATE_AUTHORITY = "keyhole-ca"
SERVING_CERTIFICATE = "keyhole-serving-certificate"
WEBHOOK = Account(OWN_NAMESPACE, "keyhole-webhook")
CONTROLLER = Account(OWN_NAMESPACE, "keyhole-controller")
ENFORCER = Account(OWN_NAMESPACE, "keyhole-enforcer")
WEBHOOK_USER = f"system:serviceaccount:{WEBHOOK.namespace}:{WEBHOOK.name}"
CONTROLLER_USER = f"system:serviceaccount:{CONTROLLER.namespace}:{CONTROLLER.name}"
ENFORCER_USER = f"system:serviceaccount:{ENFORCER.namespace}:{ENFORCER.name}"


def webhook_kubeconfig(bed: Testbed) -> Path:
    """Return a kubeconfig of the webhook's identity, with the rights of its ServiceAccount and no more."""
    name, namespace = "keyhole-webhook", OWN_NAMESPACE
    apply(
        bed,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        *granted(name, WEBHOOK_USER, WEBHOOK_EVERYWHERE),
        *granted(name, WEBHOOK_USER, webhook_in_its_namespace(RECORD_KEY, SERVING_CERTIFICATE), namespace),
    )
    wait_until_allowed(bed, WEBHOOK_USER, "get", "namespaces", name=namespace)
    wait_until_allowed(bed, WEBHOOK_USER, "get", "secrets", name=RECORD_KEY, namespace=namespace)
    return bed.kubernetes.kubeconfig_for(WEBHOOK_USER)


def controller_kubeconfig(bed: Testbed) -> Path:
    """Return a kubeconfig of the controller's identity, with the rights of its ServiceAccount and no more."""
    name, namespace = "keyhole-controller", OWN_NAMESPACE
    everywhere = [*CONTROLLER_EVERYWHERE, *controller_of_certificates(API_SERVICE, NAME)]
    within = controller_in_its_namespace(RECORD_KEY, LEASE, CERTIFICATE_AUTHORITY, SERVING_CERTIFICATE)
    apply(
        bed,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        *granted(name, CONTROLLER_USER, everywhere),
        *granted(name, CONTROLLER_USER, within, namespace),
    )
    wait_until_allowed(bed, CONTROLLER_USER, "list", "namespaces")
    wait_until_allowed(bed, CONTROLLER_USER, "get", "secrets", name=RECORD_KEY, namespace=namespace)
    return bed.kubernetes.kubeconfig_for(CONTROLLER_USER)


def enforcer_kubeconfig(bed: Testbed) -> Path:
    """Return a kubeconfig of the Enforcer's identity, to which the chart has given its rights."""
    wait_until_allowed(bed, ENFORCER_USER, "list", "namespaces")
    minting = "serviceaccounts/token"
    wait_until_allowed(bed, ENFORCER_USER, "create", minting, name=ENFORCER.name, namespace=OWN_NAMESPACE)
    # As with a token: audit policies may name them.
    return bed.kubernetes.kubeconfig_for(ENFORCER_USER, ["system:serviceaccounts"])
