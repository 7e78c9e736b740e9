"""The section of the gate: what the API server has been told about Keyhole, and the certificate that Keyhole shows."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from enforcer.collecting.cluster.pace import CALL_SECONDS, GivenUp, Pace
from enforcer.collecting.gate.handshake import served
from enforcer.collecting.refusals import refused
from enforcer.collecting.run import Run, Stopped
from enforcer.collecting.sources import Sources
from enforcer.facts.base import NotKnown
from enforcer.facts.gate import FilledKind, GateFacts, Registered, ServedCertificate
from enforcer.facts.inventory import Inventory
from kube.client import connect
from kube.documents import Document, entries, part, text
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.objects import ObjectName
from kube.objects_of import ObjectsOf, Resource
from kube.registration.listed import listed
from manifests.registration.api_service import GROUP, VERSION

_T = TypeVar("_T")
_ADMISSION: Final = "admissionregistration.k8s.io/v1"
_LISTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "webhooks": (_ADMISSION, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
    "services": ("apiregistration.k8s.io/v1", "APIService", "apiservices"),
    "policies": (_ADMISSION, "ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
    "bindings": (_ADMISSION, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings"),
}
_OF_THE_SERVER: Final = frozenset({"apiVersion", "kind", "metadata", "status"})
_DEPLOYMENT: Final = Resource("apps", "v1", "Deployment", "deployments")
_WEBHOOKS_PODS: Final = "app.kubernetes.io/component=webhook"
_CALLER: Final = "--caller-auth"
_HTTPS: Final = 443
# By these the API server finds itself, and with it the aggregation layer.
_ITSELF: Final = ("default", "kubernetes")


def collect(sources: Sources, run: Run, _so_far: Inventory) -> GateFacts | NotKnown:
    """Return what is registered. Each list that cannot be had is not known by itself."""
    if not sources.cluster:
        return NotKnown(not_known="no cluster was asked")
    try:
        api = connect(sources.kubeconfig)
    except KubernetesUnavailable as error:
        return refused(error, "list webhook configurations")
    pace = Pace(run)
    facts = GateFacts(name=sources.name, own_namespace=sources.own_namespace, kinds=_kinds(sources))
    for section, listing in _LISTS.items():
        facts = facts.model_copy(update={section: _listed(api, run, pace, sources.name, listing)})
    deployment = ObjectName(sources.own_namespace, f"{sources.name}-webhook")
    return facts.model_copy(
        update={
            "certificate": _certificate(facts, run),
            "caller_mode": _caller_mode(api, deployment, pace),
            "pods": _pods(api, sources, run, pace),
        }
    )


def _kinds(sources: Sources) -> tuple[FilledKind, ...]:
    return tuple(
        FilledKind(
            group=codec.group,
            kind=codec.kind,
            resource=codec.resource,
            version=codec.version,
            fields=tuple(codec.fillable),
        )
        for codec in sources.kinds
        if codec.is_listed
    )


def _listed(
    api: Any, run: Run, pace: Pace, name: str, listing: tuple[str, str, str]
) -> tuple[Registered, ...] | NotKnown:
    group_version, kind, plural = listing

    def ours() -> tuple[Registered, ...]:
        return tuple(
            Registered(
                kind=kind,
                name=_name(each),
                content={member: value for member, value in each.items() if member not in _OF_THE_SERVER},
            )
            for each in listed(api, f"/apis/{group_version}/{plural}", CALL_SECONDS, run.go_on)
            if _is_ours(_name(each), name)
        )

    return _asked(pace, f"list {plural}", ours)


def _asked(pace: Pace, right: str, request: Callable[[], _T]) -> _T | NotKnown:
    """Ask the API server, again if it has too much to do. `right` is what the account must be allowed."""
    try:
        return pace.ask(request)
    except (KubernetesError, KubernetesUnavailable) as error:
        return refused(error, right)
    except GivenUp as given_up:
        return NotKnown(not_known=given_up.reason)
    except Stopped as stopped:
        return NotKnown(not_known=stopped.reason)


def _name(document: Document) -> str:
    return text(part(document, "metadata"), "name")


def _is_ours(found: str, name: str) -> bool:
    return found == name or found.startswith(f"{name}-") or found == f"{VERSION}.{GROUP}"


def _certificate(facts: GateFacts, run: Run) -> ServedCertificate | NotKnown:
    """Return what a handshake shows where the API server goes, with the CA bundle that it has been given."""
    if isinstance(facts.webhooks, NotKnown):
        return facts.webhooks
    clients = [
        part(entry, "clientConfig")
        for each in facts.webhooks
        if each.name == facts.name
        for entry in entries(each.content, "webhooks")
    ]
    if not clients:
        return NotKnown(
            not_known=f"there is no MutatingWebhookConfiguration {facts.name}, so nobody knows whom it asks"
        )
    if _service(clients[0]) == _ITSELF:
        if isinstance(facts.services, NotKnown):
            return facts.services
        clients = [part(each.content, "spec") for each in facts.services]
        if not clients:
            return NotKnown(not_known="there is no APIService that leads to Keyhole")
    try:
        run.go_on()
    except Stopped as stopped:
        return NotKnown(not_known=stopped.reason)
    return _shown(clients[0])


def _shown(client_config: Document) -> ServedCertificate | NotKnown:
    pem = _decoded(text(client_config, "caBundle"))
    if "url" in client_config:
        try:
            url = urlsplit(text(client_config, "url"))
            return served(url.hostname or "", url.port or _HTTPS, pem)
        except ValueError:
            return NotKnown(not_known="the webhook's URL cannot be read")
    namespace, name = _service(client_config)
    port = part(client_config, "service").get("port")
    return served(f"{name}.{namespace}.svc", port if isinstance(port, int) else _HTTPS, pem)


def _service(client_config: Document) -> tuple[str, str]:
    service = part(client_config, "service")
    return text(service, "namespace"), text(service, "name")


def _decoded(bundle: str) -> bytes:
    try:
        return base64.b64decode(bundle)
    except (binascii.Error, ValueError):
        return b""


def _caller_mode(api: Any, name: ObjectName, pace: Pace) -> str | NotKnown:
    read = ObjectsOf(api, _DEPLOYMENT).read
    found = _asked(pace, f"get Deployment {name}", lambda: read(name, CALL_SECONDS))
    if isinstance(found, NotKnown):
        return found
    containers = entries(part(found.document, "spec", "template", "spec"), "containers")
    for container in containers:
        mode = _option([*_texts(container, "command"), *_texts(container, "args")])
        if mode:
            return mode
    return NotKnown(not_known=f"the arguments of Deployment {name} do not have {_CALLER}")


def _pods(api: Any, sources: Sources, run: Run, pace: Pace) -> tuple[str, ...] | NotKnown:
    path = f"/api/v1/namespaces/{sources.own_namespace}/pods"

    def pods() -> list[Document]:
        return list(listed(api, path, CALL_SECONDS, run.go_on, _WEBHOOKS_PODS))

    found = _asked(pace, f"list pods in {sources.own_namespace}", pods)
    if isinstance(found, NotKnown):
        return found
    prefix = f"{sources.name}-webhook-"
    return tuple(_name(pod) for pod in found if _name(pod).startswith(prefix) and _is_ready(pod))


def _is_ready(pod: Document) -> bool:
    conditions = entries(part(pod, "status"), "conditions")
    return any((text(each, "type"), text(each, "status")) == ("Ready", "True") for each in conditions)


def _option(arguments: Sequence[str]) -> str:
    """Return what the last such option says, which is the one that counts."""
    found = ""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument == _CALLER:
            found = following
        elif argument.startswith(f"{_CALLER}="):
            found = argument.partition("=")[2]
    return found


def _texts(container: Document, name: str) -> list[str]:
    found = container.get(name)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
