"""How an object differs from what it should be, field by field. What the API server adds by itself is no difference.

Source: Kubernetes API reference, admissionregistration.k8s.io/v1 and apiregistration.k8s.io/v1, defaults.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jsonpointer

_ABSENT: Final = object()
# Who reads the report needs the beginning; CEL may have thousands of characters.
_MOST_SHOWN: Final = 120
# CA bundles are compared by what they vouch for: by a handshake.
_LEFT_OUT: Final = frozenset({"caBundle"})
_DEFAULTS: Final[Mapping[str, Any]] = {
    "insecureSkipTLSVerify": False,
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "scope": "*",
}
# Their order means nothing.
_SETS: Final = frozenset({"validationActions", "operations"})


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not as it should be. `pointer` is its JSON Pointer (RFC 6901), in what should be there."""

    pointer: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.pointer or 'the object'} is {self.found}, and the release has {self.expected}"


def differences(expected: Any, found: Any, pointer: str = "") -> Iterator[Difference]:
    """Yield what differs, in the order of what is expected; then what is there and should not be."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        yield from _of_maps(_without_defaults(expected), _without_defaults(found), pointer)
    elif isinstance(expected, list) and isinstance(found, list):
        yield from _of_lists(expected, found, pointer)
    elif type(expected) is not type(found) or expected != found:
        yield Difference(pointer, _shown(expected), _shown(found))


def _of_maps(expected: Mapping[str, Any], found: Mapping[str, Any], pointer: str) -> Iterator[Difference]:
    for name in [*expected, *(name for name in sorted(found) if name not in expected)]:
        there, here = expected.get(name, _ABSENT), found.get(name, _ABSENT)
        if name in _SETS and isinstance(there, list) and isinstance(here, list):
            there, here = sorted(there, key=str), sorted(here, key=str)
        yield from differences(there, here, f"{pointer}/{jsonpointer.escape(name)}")


def _of_lists(expected: list[Any], found: list[Any], pointer: str) -> Iterator[Difference]:
    if _are_named(expected) and _are_named(found):
        by_name = {entry["name"]: entry for entry in found}
        for index, entry in enumerate(expected):
            yield from differences(entry, by_name.pop(entry["name"], _ABSENT), f"{pointer}/{index}")
        for name, entry in sorted(by_name.items()):
            yield from differences(_ABSENT, entry, f"{pointer}/{jsonpointer.escape(name)}")
        return
    for index in range(max(len(expected), len(found))):
        there = expected[index] if index < len(expected) else _ABSENT
        here = found[index] if index < len(found) else _ABSENT
        yield from differences(there, here, f"{pointer}/{index}")


def _are_named(entries: list[Any]) -> bool:
    names = [entry.get("name") for entry in entries if isinstance(entry, Mapping)]
    return len(names) == len(entries) == len({name for name in names if isinstance(name, str)}) > 0


def _without_defaults(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        name: value
        for name, value in document.items()
        if name not in _LEFT_OUT and not (name in _DEFAULTS and value == _DEFAULTS[name])
    }


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "not there"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
