"""Alertmanager's configuration as an AlertmanagerConfig of prometheus-operator says it.

Source: prometheus-operator, *API reference*, monitoring.coreos.com/v1alpha1.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

_MATCHER: Final = re.compile(r'(\w+) (=~|!~|!=|=) "(.+)"')
# A Secret in the namespace of the object; its keys are named as the files of the plain configuration are.
_SECRET: Final = "keyhole-alerting"
# Everything else has the same name in the other case.
_NAMES: Final = {
    "api_url": "apiURL",
    "api_url_file": "apiURL",
    "token_file": "token",
    "token_id_file": "tokenID",
    "webhook_url_file": "webhookURL",
}


def spec(text: str) -> Mapping[str, Any]:
    """Return the `spec` that says what the text of a configuration says of Keyhole's alerts."""
    configuration = yaml.safe_load(text)
    (route,) = configuration["route"]["routes"]
    return {
        "route": _route(route),
        "inhibitRules": [
            {
                "sourceMatch": _matchers(rule["source_matchers"]),
                "targetMatch": _matchers(rule["target_matchers"]),
                "equal": rule["equal"],
            }
            for rule in configuration["inhibit_rules"]
        ],
        "receivers": [_named(each) for each in configuration["receivers"] if each["name"] != "others"],
    }


def _route(route: Mapping[str, Any]) -> Mapping[str, Any]:
    converted = {
        **_named({key: value for key, value in route.items() if key not in {"matchers", "routes"}}),
        "matchers": _matchers(route["matchers"]),
    }
    if "routes" in route:
        converted["routes"] = [_route(each) for each in route["routes"]]
    return converted


def _matchers(matchers: Sequence[str]) -> Sequence[Mapping[str, str]]:
    return [
        {"name": name, "matchType": kind, "value": value}
        for name, kind, value in (_MATCHER.fullmatch(each).groups() for each in matchers)  # type: ignore[union-attr]
    ]


def _named(part: Any) -> Any:
    if isinstance(part, list):
        return [_named(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {_NAMES.get(key) or _camel_case(key): _value(key, value) for key, value in part.items()}


def _value(key: str, value: Any) -> Any:
    if key.endswith("_file"):
        return {"name": _SECRET, "key": value.removeprefix("secrets/")}
    return _named(value)


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.title() for each in others)
