"""The webhook configurations of the variants: Keyhole's own, each narrowed to a namespace. Pure.

A constant answer is registered by the same rules and match conditions as the Keyhole that it is compared with, with a
path for each operation: the API server does the same work for both before it asks.
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from testbed.load.forms import Form

# What the constant answer does. Applying a patch costs the API server, so it patches where Keyhole does: a CREATE gets
# a value written into `data`; an UPDATE passes, because Keyhole finds the live value to be right already.
PATHS: Mapping[str, str] = {"CREATE": "/patch", "UPDATE": "/allow"}


def narrowed(configuration: Mapping[str, Any], namespace: str, *further: str) -> dict[str, Any]:
    """Return the configuration, named after the first namespace, for these namespaces alone."""
    narrow: dict[str, Any] = copy.deepcopy(dict(configuration))
    narrow["metadata"]["name"] = namespace
    for webhook in narrow["webhooks"]:
        one_of = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": [namespace, *further]}
        webhook["namespaceSelector"] = {"matchExpressions": [one_of]}
    return narrow


def answered_constantly(
    configuration: Mapping[str, Any], client_config: Callable[[str], Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the configuration with each webhook once for each operation; `client_config` takes the path for it."""
    constant: dict[str, Any] = copy.deepcopy(dict(configuration))
    constant["webhooks"] = [
        _for_operation(webhook, operation, client_config(path))
        for webhook in configuration["webhooks"]
        for operation, path in PATHS.items()
    ]
    return constant


def _for_operation(webhook: Mapping[str, Any], operation: str, client_config: Mapping[str, Any]) -> dict[str, Any]:
    one: dict[str, Any] = copy.deepcopy(dict(webhook))
    one["name"] = f"{operation.lower()}.{webhook['name']}"
    one["clientConfig"] = dict(client_config)
    for rule in one["rules"]:
        rule["operations"] = [operation]
    return one


def one_for_each_form(
    configuration: Mapping[str, Any], forms: Iterable[Form], client_config: Callable[[str], Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the configuration with each webhook once for each form and operation that its rules select.

    A CREATE leads to the form's own path, an UPDATE to the one that lets objects pass.
    """
    constant: dict[str, Any] = copy.deepcopy(dict(configuration))
    constant["webhooks"] = [
        {
            **copy.deepcopy(dict(webhook)),
            "name": f"{operation.lower()}.{form.resource}.{webhook['name']}",
            "clientConfig": dict(client_config(form.path if operation == "CREATE" else PATHS[operation])),
            "rules": [{**rule, "operations": [operation]}],
        }
        for webhook in configuration["webhooks"]
        for form in forms
        for rule in webhook["rules"]
        if form.resource in rule["resources"]
        for operation in PATHS
    ]
    return constant
