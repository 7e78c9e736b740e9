"""`gate-intact`: the API server asks Keyhole about all that it should, and the policies behind it are the release's.

What the API server has is compared, field by field, with what the release's own functions make. Whoever takes a rule
away, narrows a selector or makes the webhook fail open changes one of these fields.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from pydantic import Field

from enforcer.facts.base import NotKnown
from enforcer.facts.gate import GateFacts, Registered, ServedCertificate
from enforcer.facts.inventory import Inventory
from enforcer.judging.answers import Answer, Held, NotChecked, found, section_not_known
from enforcer.judging.gate_intact_parts.difference import differences
from enforcer.judging.gate_intact_parts.expected import BINDING, POLICY, Wanted, kinds_of, registered, route
from enforcer.judging.standard import Parameters, Standard
from manifests.registration.api_service import client_config
from manifests.registration.demands.demand import Action
from manifests.registration.webhook_configuration import DEFAULT_TIMEOUT_SECONDS, OPT_IN, SYSTEM_NAMESPACES
from review.findings.finding import ObjectName
from review.findings.rule import Rule, Severity

_NAME: Final = "gate-intact"
_WEBHOOK: Final = "MutatingWebhookConfiguration"
_SERVICE: Final = "APIService"
_GROUPS: Final = {_SERVICE: "apiregistration.k8s.io"}
_GROUP: Final = "admissionregistration.k8s.io"
_OPEN: Final = "none"
_MOST_TOLD: Final = 20

RULE: Final = Rule(
    _NAME,
    _NAME,
    Severity.ERROR,
    "What the API server was told about Keyhole is not what the release says.",
    "Objects that Keyhole is not asked about are stored with their references, or with values that nobody looked at. A "
    "policy that was changed no longer stands behind it.",
    "Upgrade the release with its own values. Where the change was wanted, say so with the standard's parameters.",
)


class GateIntact(Parameters):
    """The values of the release that change what is registered, and how long the certificate must last."""

    timeout_seconds: int = Field(
        default=DEFAULT_TIMEOUT_SECONDS, ge=1, le=30, description="The chart's admission.timeoutSeconds."
    )
    policy: bool = Field(default=True, description="The chart's admission.policy.")
    reconciler_policy: bool = Field(default=True, description="The chart's admission.reconcilerPolicy.")
    variables: bool | None = Field(
        default=None, description="Whether workloads have variables. Without it, this is taken as it is found."
    )
    appliers: Action | None = Field(default=None, description="The action that keyhole-appliers must have.")
    plaintext: Action | None = Field(default=None, description="The action that keyhole-plaintext must have.")
    images: Action | None = Field(default=None, description="The action that keyhole-images must have.")
    url: str = Field(default="", description="Where the API server finds Keyhole, if not through a Service.")
    certificate_days: int = Field(
        default=7, ge=0, description="How many days the certificate must be valid at least. With 0 nobody looks."
    )


def _judge(inventory: Inventory, parameters: GateIntact) -> Iterable[Answer]:
    facts = inventory.gate
    if isinstance(facts, NotKnown):
        yield section_not_known("gate", facts)
        return
    try:
        kinds = kinds_of(facts.kinds)
    except ValueError:
        yield NotChecked(ObjectName(_GROUP, _WEBHOOK, "", facts.name), "the kinds of the inventory cannot be used")
        return
    for document in registered(facts, kinds, _wanted(parameters)):
        yield from _compared(facts, document)
    yield from _where(facts, parameters)
    yield from _callers(facts)
    if parameters.certificate_days:
        yield from _certificate(facts, inventory, parameters)
    yield from _excluded(inventory, facts)


def _wanted(parameters: GateIntact) -> Wanted:
    actions = {"appliers": parameters.appliers, "plaintext": parameters.plaintext, "images": parameters.images}
    return Wanted(
        parameters.timeout_seconds,
        parameters.policy,
        parameters.reconciler_policy,
        parameters.variables,
        {demand: action and action.value for demand, action in actions.items()},
    )


def _compared(facts: GateFacts, document: Mapping[str, Any]) -> Iterator[Answer]:
    """Compare an object with what is registered under its name."""
    kind, name = document["kind"], document["metadata"]["name"]
    about = ObjectName(_GROUPS.get(kind, _GROUP), kind, "", name)
    known = {_WEBHOOK: facts.webhooks, _SERVICE: facts.services, POLICY: facts.policies, BINDING: facts.bindings}[kind]
    if isinstance(known, NotKnown):
        yield NotChecked(about, known.not_known)
        return
    there = next((each for each in known if each.name == name), None)
    if there is None:
        yield found(RULE, about, "it is missing")
        return
    expected = {part: value for part, value in document.items() if part not in {"apiVersion", "kind", "metadata"}}
    different = list(differences(expected, _comparable(there)))
    yield from (found(RULE, about, str(each), pointer=each.pointer) for each in different[:_MOST_TOLD])
    if not different:
        yield Held(about)


def _comparable(there: Registered) -> Mapping[str, Any]:
    """Return what can be compared: where the webhook is called is another question."""
    entries = there.content.get("webhooks")
    if there.kind != _WEBHOOK or not isinstance(entries, list):
        return there.content
    return {
        **there.content,
        "webhooks": [
            {name: part for name, part in entry.items() if name != "clientConfig"} if isinstance(entry, dict) else entry
            for entry in entries
        ],
    }


def _where(facts: GateFacts, parameters: GateIntact) -> Iterator[Answer]:
    """Judge where the API server goes: through itself to the APIService, to the release's Service, or to a URL."""
    if isinstance(facts.webhooks, NotKnown):
        return
    about = ObjectName(_GROUP, _WEBHOOK, "", facts.name)
    routed = False
    for index, client in enumerate(_clients(facts)):
        pointer = f"/webhooks/{index}/clientConfig"
        if not list(differences(client_config(), client)):
            routed = True
        elif "url" in client:
            yield from _at_url(about, pointer, client, parameters)
        else:
            service = {"namespace": facts.own_namespace, "name": facts.name, "path": "/mutate"}
            given = client.get("service")
            asked = {name: part for name, part in given.items() if name != "port"} if isinstance(given, dict) else given
            for each in differences({"service": service}, {**client, "service": asked}, pointer):
                yield found(RULE, about, str(each), pointer=each.pointer)
    if routed:
        yield from _compared(facts, route(facts, _port(facts)))


def _at_url(about: ObjectName, pointer: str, client: Mapping[str, Any], parameters: GateIntact) -> Iterator[Answer]:
    if not parameters.url:
        yield NotChecked(about, f"{pointer}/url: where Keyhole is, is not known; say so with the parameter url")
        return
    for each in differences({"url": parameters.url}, client, pointer):
        yield found(RULE, about, str(each), pointer=each.pointer)


def _clients(facts: GateFacts) -> Iterator[Mapping[str, Any]]:
    known = () if isinstance(facts.webhooks, NotKnown) else facts.webhooks
    for each in known:
        entries = each.content.get("webhooks") if each.name == facts.name else None
        for entry in entries if isinstance(entries, list) else []:
            client = entry.get("clientConfig") if isinstance(entry, dict) else None
            yield client if isinstance(client, dict) else {}


def _port(facts: GateFacts) -> int:
    """Return the port that the APIService names: it is a value of the chart that opens nothing."""
    known = () if isinstance(facts.services, NotKnown) else facts.services
    for each in known:
        spec = each.content.get("spec")
        service = spec.get("service") if isinstance(spec, dict) else None
        port = service.get("port") if isinstance(service, dict) else None
        if isinstance(port, int):
            return port
    return 443


def _callers(facts: GateFacts) -> Iterator[Answer]:
    about = ObjectName("apps", "Deployment", facts.own_namespace, f"{facts.name}-webhook")
    if isinstance(facts.caller_mode, NotKnown):
        yield NotChecked(about, f"how the API server proves itself: {facts.caller_mode.not_known}")
    elif facts.caller_mode == _OPEN:
        told = "the webhook answers whoever reaches its port, and so fills in secrets for them (--caller-auth=none)"
        yield found(RULE, about, told, pointer="--caller-auth")
    else:
        yield Held(about)


def _certificate(facts: GateFacts, inventory: Inventory, parameters: GateIntact) -> Iterator[Answer]:
    shown = facts.certificate
    if isinstance(shown, NotKnown):
        yield NotChecked(ObjectName("keyhole", "Certificate", "", facts.name), shown.not_known)
        return
    about = ObjectName("keyhole", "Certificate", "", shown.address)
    problem = _problem(shown, inventory, parameters)
    yield found(RULE, about, problem[1], pointer=problem[0]) if problem else Held(about)


def _problem(shown: ServedCertificate, inventory: Inventory, parameters: GateIntact) -> tuple[str, str] | None:
    if not shown.vouched:
        return "caBundle", f"the CA bundle that the API server has does not vouch for the certificate: {shown.problem}"
    if shown.ends is not None and shown.ends < inventory.started + timedelta(days=parameters.certificate_days):
        return "notAfter", f"the certificate ends on {shown.ends:%Y-%m-%d}; then nothing with references can be applied"
    return None


def _excluded(inventory: Inventory, facts: GateFacts) -> Iterator[Answer]:
    """Tell of namespaces that opted in and are left alone all the same."""
    if isinstance(inventory.cluster, NotKnown):
        yield section_not_known("cluster", inventory.cluster)
        return
    excluded = {*SYSTEM_NAMESPACES, facts.own_namespace}
    (label,) = OPT_IN
    for namespace in inventory.cluster.namespaces:
        if namespace.enabled and namespace.name in excluded:
            about = ObjectName("", "Namespace", "", namespace.name)
            told = f"it has the label {label}, and Keyhole is never asked about objects in it"
            yield found(RULE, about, told, pointer="/metadata/labels")


STANDARD: Final = Standard(
    RULE, GateIntact, _judge, "The API server asks Keyhole as the release says, and the policies are the release's."
)
