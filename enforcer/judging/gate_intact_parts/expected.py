"""What a release of Keyhole registers, by the same functions from which the chart and `keyhole manifests` have it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from enforcer.facts.base import NotKnown
from enforcer.facts.gate import FilledKind, GateFacts, Registered
from manifests.kinds.codec import Codec
from manifests.kinds.config_map import CONFIG_MAP
from manifests.kinds.custom import custom_resource
from manifests.kinds.known import Kinds
from manifests.kinds.pointers import Pattern
from manifests.registration.admission_policy import admission_policy
from manifests.registration.api_service import api_service
from manifests.registration.demands.appliers import appliers_policy
from manifests.registration.demands.demand import Action
from manifests.registration.demands.images import images_policy
from manifests.registration.demands.plaintext import plaintext_policy
from manifests.registration.reconciler_policy import reconciler_policy
from manifests.registration.variables_policies import excluded_variables_policy, variables_policy
from manifests.registration.warning_policies import excluded_policy, look_alike_policy
from manifests.registration.webhook_configuration import (
    VARIABLES_ENTRY,
    VARIABLES_IN_PLACE_ENTRY,
    aggregated_webhook_configuration,
)

DEMANDS: Final = ("appliers", "plaintext", "images")
POLICY: Final = "ValidatingAdmissionPolicy"
BINDING: Final = "ValidatingAdmissionPolicyBinding"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the values of a chart changes what is registered. What is None is taken as it is found."""

    timeout_seconds: int
    policy: bool
    reconciler_policy: bool
    variables: bool | None
    actions: Mapping[str, str | None]


def registered(facts: GateFacts, kinds: Kinds, wanted: Wanted) -> Iterator[Mapping[str, Any]]:
    """Yield the webhook configuration, then policies with their bindings. The webhook's `clientConfig` is left out."""
    own = facts.own_namespace
    variables = _has_variables(facts) if wanted.variables is None else wanted.variables
    configuration = aggregated_webhook_configuration(
        name=facts.name,
        timeout_seconds=wanted.timeout_seconds,
        own_namespace=own,
        kinds=kinds,
        variables=variables,
    )
    entries = [
        {name: part for name, part in entry.items() if name != "clientConfig"} for entry in configuration["webhooks"]
    ]
    yield {**configuration, "webhooks": entries}
    if wanted.policy:
        yield from admission_policy(name=facts.name, own_namespace=own, kinds=kinds)
        yield from excluded_policy(name=f"{facts.name}-excluded", own_namespace=own, kinds=kinds)
        yield from look_alike_policy(name=f"{facts.name}-look-alikes", own_namespace=own)
        if variables:
            yield from variables_policy(name=f"{facts.name}-variables", own_namespace=own)
            yield from excluded_variables_policy(name=f"{facts.name}-variables-excluded", own_namespace=own)
    if wanted.reconciler_policy:
        yield from reconciler_policy(name=f"{facts.name}-reconciler", kinds=kinds)
    for demand in DEMANDS:
        action = wanted.actions.get(demand)
        yield from _demanded(demand, facts, kinds, _action(facts, demand) if action is None else action)


def route(facts: GateFacts, port: int) -> Mapping[str, Any]:
    """Return the APIService of the release, without its CA bundle."""
    return api_service(facts.own_namespace, facts.name, port, b"")


def kinds_of(known: Sequence[FilledKind]) -> Kinds:
    """Return the kinds that an inventory has. Raises ValueError for fields that are no patterns."""
    return Kinds(map(_codec, known))


def _codec(known: FilledKind) -> Codec:
    if (known.group, known.kind) == (CONFIG_MAP.group, CONFIG_MAP.kind):
        return CONFIG_MAP
    return custom_resource(known.group, known.kind, known.resource, known.version, list(map(Pattern, known.fields)))


def _has_variables(facts: GateFacts) -> bool:
    found = [] if isinstance(facts.webhooks, NotKnown) else facts.webhooks
    names = {
        entry.get("name")
        for each in found
        if isinstance(entries := each.content.get("webhooks"), list)
        for entry in entries
        if isinstance(entry, dict)
    }
    policies = () if isinstance(facts.policies, NotKnown) else facts.policies
    return bool(names & {VARIABLES_ENTRY, VARIABLES_IN_PLACE_ENTRY}) or any(
        each.name == f"{facts.name}-variables" for each in policies
    )


def _action(facts: GateFacts, demand: str) -> str:
    """Return what is done now about a demand that nobody says anything about; "" if there is no policy for it."""
    name = f"{facts.name}-{demand}"
    known: tuple[Registered, ...] = () if isinstance(facts.bindings, NotKnown) else facts.bindings
    for each in known:
        spec = each.content.get("spec")
        actions = spec.get("validationActions") if isinstance(spec, dict) else None
        if each.name == name and isinstance(actions, list) and actions and actions[0] in list(Action):
            return str(actions[0])
    policies = () if isinstance(facts.policies, NotKnown) else facts.policies
    return Action.DENY.value if any(each.name == name for each in policies) else ""


def _demanded(demand: str, facts: GateFacts, kinds: Kinds, action: str) -> Iterator[Mapping[str, Any]]:
    if not action:
        return
    name, own = f"{facts.name}-{demand}", facts.own_namespace
    made = {
        "appliers": lambda: appliers_policy(Action(action), name=name, own_namespace=own, kinds=kinds),
        "plaintext": lambda: plaintext_policy(Action(action), name=name, own_namespace=own),
        "images": lambda: images_policy(Action(action), name=name, own_namespace=own),
    }
    # Its parameters are the organisation's.
    yield from (each for each in made[demand]() if each["kind"] != "ConfigMap")
