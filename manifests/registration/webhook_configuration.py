"""The MutatingWebhookConfiguration: the one place that says which requests the API server sends.

It has two entries because only a selector can see a namespace's labels. References in annotations are resolved or
refused in every namespace, references in place only in those that opted in. No object is sent to both entries. There
are two more for workloads, likewise, if they get variables.
Source: Kubernetes, *Dynamic Admission Control*, admissionregistration.k8s.io/v1.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from manifests.annotations import DOMAIN, VARIABLES
from manifests.kinds.codec import Codec
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.registration.api_service import client_config
from manifests.registration.match_conditions import annotation_conditions, in_place_conditions
from manifests.registration.workload_conditions import variables_conditions, variables_in_place_conditions
from manifests.variables.templates import WORKLOADS

NAME = "keyhole"
DEFAULT_TIMEOUT_SECONDS = 10
OWN_NAMESPACE = "keyhole"
# The API server mentions the entries by these names.
ANNOTATIONS_ENTRY = f"annotations.{DOMAIN}"
IN_PLACE_ENTRY = f"in-place.{DOMAIN}"
VARIABLES_ENTRY = f"variables.{DOMAIN}"
VARIABLES_IN_PLACE_ENTRY = f"variables-in-place.{DOMAIN}"
OPT_IN = {f"{DOMAIN}/enabled": "true"}
# It must be possible to start the cluster, and to repair Keyhole, without Keyhole.
SYSTEM_NAMESPACES = ("kube-system", "kube-public", "kube-node-lease")


def rules(kinds: Iterable[Codec] = ONLY_SECRETS) -> list[Mapping[str, Any]]:
    """Return the rules that select the requests which create or change objects of these kinds."""
    return [
        {
            "apiGroups": [codec.group],
            "apiVersions": list(codec.versions),
            "operations": ["CREATE", "UPDATE"],
            "resources": [codec.resource],
            # Nobody knows of a foreign kind whether it has namespaces. Keyhole asks Vault as one of them.
            **({"scope": "Namespaced"} if codec.is_listed else {}),
        }
        for codec in kinds
    ]


def workload_rules() -> list[Mapping[str, Any]]:
    """Return the rules that select the requests which create or change workloads."""
    return [
        {
            "apiGroups": [workload.group],
            "apiVersions": list(workload.versions),
            "operations": ["CREATE", "UPDATE"],
            "resources": [workload.resource],
        }
        for workload in WORKLOADS
    ]


def in_place_rules(kinds: Iterable[Codec] = ONLY_SECRETS) -> list[Mapping[str, Any]]:
    """Return the rules for the kinds in which references may stand in place."""
    return rules(codec for codec in kinds if codec.in_place is not None)


def webhook_configuration(
    url: str,
    ca_pem: bytes,
    *,
    name: str = NAME,
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS,
    own_namespace: str = OWN_NAMESPACE,
    kinds: Kinds = ONLY_SECRETS,
    variables: bool = False,
) -> Mapping[str, Any]:
    """Return the configuration that has the API server call the webhook at `url`, trusting the CA `ca_pem`.

    It fails closed: while the webhook does not answer, objects with references cannot be written. Objects without
    references are not sent, nor is anything in the system's namespaces or in `own_namespace`, where Keyhole runs. With
    `variables`, workloads that ask for some are sent too.
    """
    asked = {"url": url, "caBundle": base64.b64encode(ca_pem).decode()}
    entries = _entries(_usual(asked, timeout_seconds), own_namespace, kinds, variables=variables)
    return _configuration(name, entries)


def aggregated_webhook_configuration(
    *,
    name: str = NAME,
    timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS,
    own_namespace: str = OWN_NAMESPACE,
    kinds: Kinds = ONLY_SECRETS,
    variables: bool = False,
) -> Mapping[str, Any]:
    """Return the same for `--caller-auth=aggregation`, where requests take the route of `api_service`."""
    entries = _entries(_usual(client_config(), timeout_seconds), own_namespace, kinds, variables=variables)
    return _configuration(name, entries)


def outside_of_the_system(own_namespace: str) -> Mapping[str, Any]:
    """Return the selector for the namespaces that Keyhole works in."""
    return _namespaces("NotIn", own_namespace)


def within_the_system(own_namespace: str) -> Mapping[str, Any]:
    """Return the selector for all other namespaces."""
    return _namespaces("In", own_namespace)


def _namespaces(operator: str, own_namespace: str) -> Mapping[str, Any]:
    excluded = [*SYSTEM_NAMESPACES, own_namespace]
    return {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": operator, "values": excluded}]}


def _usual(asked: Mapping[str, Any], timeout_seconds: int) -> Mapping[str, Any]:
    return {
        "admissionReviewVersions": ["v1"],
        "clientConfig": dict(asked),
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        # Another webhook may change an annotation after Keyhole has seen the object.
        "reinvocationPolicy": "IfNeeded",
        "sideEffects": "None",
        "timeoutSeconds": timeout_seconds,
    }


def _entries(usual: Mapping[str, Any], own_namespace: str, kinds: Kinds, *, variables: bool) -> list[Mapping[str, Any]]:
    outside = outside_of_the_system(own_namespace)
    in_annotations = {
        **usual,
        "name": ANNOTATIONS_ENTRY,
        "rules": rules(kinds),
        "namespaceSelector": outside,
        "matchConditions": list(annotation_conditions()),
    }
    in_place = {
        **usual,
        "name": IN_PLACE_ENTRY,
        "rules": in_place_rules(kinds),
        "namespaceSelector": {**outside, "matchLabels": OPT_IN},
        "matchConditions": list(in_place_conditions(kinds)),
    }
    in_templates = {
        **usual,
        "name": VARIABLES_ENTRY,
        "rules": workload_rules(),
        "namespaceSelector": outside,
        "matchConditions": list(variables_conditions()),
    }
    in_place_in_templates = {
        **in_templates,
        "name": VARIABLES_IN_PLACE_ENTRY,
        "namespaceSelector": {**outside, "matchLabels": {**OPT_IN, VARIABLES: "true"}},
        "matchConditions": list(variables_in_place_conditions()),
    }
    return [in_annotations, in_place, *([in_templates, in_place_in_templates] if variables else [])]


def _configuration(name: str, entries: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": entries,
    }
