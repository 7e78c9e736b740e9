"""What of the registration follows from the code, as the templates of the chart keyhole read it: `admission.json`.

Which kinds are filled is known only when the chart is rendered. What depends on them is made here for a kind whose
names are placeholders, and the templates put in those of the values (`templates/_kinds.tpl`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from manifests.kinds.config_map import CONFIG_MAP
from manifests.kinds.custom import custom_resource
from manifests.kinds.known import Kinds
from manifests.kinds.pointers import Pattern
from manifests.registration.admission_policy import admission_policy
from manifests.registration.api_service import api_service, client_config
from manifests.registration.demands.appliers import appliers_policy
from manifests.registration.demands.demand import Action
from manifests.registration.demands.images import images_policy
from manifests.registration.demands.plaintext import plaintext_policy
from manifests.registration.reconciler_policy import reconciler_policy
from manifests.registration.variables_policies import excluded_variables_policy, variables_policy
from manifests.registration.warning_policies import excluded_policy, look_alike_policy
from manifests.registration.webhook_configuration import (
    ANNOTATIONS_ENTRY,
    VARIABLES_ENTRY,
    VARIABLES_IN_PLACE_ENTRY,
    aggregated_webhook_configuration,
    rules,
)

# A name of no namespace, for which the templates put in the release's.
_OWN_NAMESPACE: Final = "RELEASE-NAMESPACE"
# What differs from one installation to the next is written by the templates.
_OF_THE_INSTALLATION: Final = frozenset({"service", "caBundle"})
# The names of a listed kind, and of a map in it with a member that may change.
_GROUP, _RESOURCE, _KIND, _PARENT, _MEMBER = "KIND-GROUP", "KIND-RESOURCE", "KIND-NAME", "KIND-PARENT", "KIND-MEMBER"


def admission() -> Mapping[str, Any]:
    """Return the content of the file."""
    entries = aggregated_webhook_configuration(own_namespace=_OWN_NAMESPACE, variables=True)["webhooks"]
    written_by_the_template = {"clientConfig", "timeoutSeconds"}
    policy, binding = admission_policy(own_namespace=_OWN_NAMESPACE)
    _, _, of_fields, _ = admission_policy(own_namespace=_OWN_NAMESPACE, kinds=Kinds([_listed("/**")]))
    routed = api_service(_OWN_NAMESPACE, "", 0, b"")
    spec = {key: part for key, part in routed["spec"].items() if key not in _OF_THE_INSTALLATION}
    return {
        "webhooks": [
            {key: part for key, part in entry.items() if key not in written_by_the_template} for entry in entries
        ],
        "webhookOfKinds": ANNOTATIONS_ENTRY,
        "webhooksOfVariables": [VARIABLES_ENTRY, VARIABLES_IN_PLACE_ENTRY],
        "aggregatedClientConfig": client_config(),
        "apiService": {"metadata": routed["metadata"], "spec": spec},
        "kindRules": {"core": rules([CONFIG_MAP])[0], "custom": rules([_listed("/**")])[0]},
        "policy": policy["spec"],
        "policyOfFields": of_fields["spec"],
        "policyActions": binding["spec"]["validationActions"],
        "policyOfVariables": _parts(variables_policy(own_namespace=_OWN_NAMESPACE)),
        "warnings": {
            "excluded": _parts(excluded_policy(own_namespace=_OWN_NAMESPACE)),
            "look-alikes": _parts(look_alike_policy(own_namespace=_OWN_NAMESPACE)),
        },
        "warningsOfVariables": _parts(excluded_variables_policy(own_namespace=_OWN_NAMESPACE)),
        "demands": _demands(),
        "reconciler": _parts(reconciler_policy()[:2]),
        "reconcilerOfSecrets": _parts(reconciler_policy()[2:]),
        "reconcilerOfKind": _of_kind("/**")["spec"],
        "reconcilerOfObjects": _of_kind(f"/{_MEMBER}")["spec"]["validations"][-1],
        "reconcilerOfMaps": _of_kind(f"/{_PARENT}/{_MEMBER}")["spec"]["validations"][-1],
    }


def _demands() -> Mapping[str, Any]:
    """Return the policies that are off by default, by the name that the values have for them."""
    policies = {
        "appliers": appliers_policy(Action.DENY, name="POLICY-NAME", own_namespace=_OWN_NAMESPACE),
        "plaintext": plaintext_policy(Action.DENY, own_namespace=_OWN_NAMESPACE),
        "images": images_policy(Action.DENY, own_namespace=_OWN_NAMESPACE),
    }
    return {name: policy["spec"] for name, (policy, _, _) in policies.items()}


def _listed(pattern: str) -> Any:
    return custom_resource(_GROUP, _KIND, _RESOURCE, "v1", [Pattern(pattern)])


def _of_kind(pattern: str) -> Mapping[str, Any]:
    """Return the policy that keeps the reconciler to the fields of a listed kind."""
    *_, policy, _ = reconciler_policy(kinds=Kinds([_listed(pattern)]))
    return policy


def _parts(policies: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    policy, binding = policies
    return {"spec": policy["spec"], "actions": binding["spec"]["validationActions"]}
