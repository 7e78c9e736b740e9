"""The containers of a pod template: which variables they have, and what becomes of them.

Init containers count, and so those that go on running beside the others (sidecars). Ephemeral ones do not: nothing but
them can be changed together with them, so no marker could be written.
Source: Kubernetes, *Define Dependent Environment Variables*; API reference, *Pod*, `EnvVar`, `EnvFromSource`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from manifests.kinds.codec import Operation
from manifests.variables import names

_LISTS: Final = ("initContainers", "containers")


@dataclass(frozen=True, slots=True)
class Container:
    """A container, and the JSON Pointer of it within its template."""

    name: str
    pointer: str
    manifest: Mapping[str, Any] = field(repr=False)

    @property
    def env(self) -> list[Mapping[str, Any]]:
        """The variables, in order."""
        return _entries(self.manifest, "env")

    @property
    def env_from(self) -> list[Mapping[str, Any]]:
        """The sources of many variables, in order."""
        return _entries(self.manifest, "envFrom")

    def by_name(self) -> dict[str, Mapping[str, Any]]:
        """Return the variables by name. Of several entries of a name the last one counts, but ours before no other."""
        found: dict[str, Mapping[str, Any]] = {}
        for entry in self.env:
            name = str(entry.get("name"))
            if name not in found or not is_from_ours(entry):
                found[name] = entry
        return found


@dataclass(frozen=True, slots=True)
class Filling:
    """What a container gets: the keys of its variables by name, from the Secret `secret`, and all of `whole`.

    Either name may be empty. `in_place` has the names whose values turned into references.
    """

    keys: Mapping[str, str]
    secret: str
    whole: str
    in_place: frozenset[str] = frozenset()


def containers_of(template: Mapping[str, Any]) -> Mapping[str, Container]:
    """Return the containers of a template by name, in the order in which they start."""
    spec = template.get("spec")
    if not isinstance(spec, Mapping):
        return {}
    return {
        str(one.get("name")): Container(str(one.get("name")), f"/spec/{kind}/{index}", one)
        for kind in _LISTS
        for index, one in enumerate(spec.get(kind) or ())
        if isinstance(one, Mapping)
    }


def filled_env(container: Container, filling: Filling) -> tuple[list[Mapping[str, Any]], list[str]]:
    """Return the container's variables once they are filled, and those of them that had a value of their own.

    Ours come first and are sorted, so a value behind them may contain them as `$(NAME)`. The others keep their order.
    """
    ours: list[Mapping[str, Any]] = [_entry(name, filling.secret, filling.keys[name]) for name in sorted(filling.keys)]
    rest: list[Mapping[str, Any]] = []
    overridden: list[str] = []
    for entry in container.env:
        name = entry.get("name")
        if name in filling.keys:
            if name not in filling.in_place and _has_value(entry) and name not in overridden:
                overridden.append(str(name))
        elif not is_from_ours(entry):
            rest.append(entry)
    return [*ours, *rest], overridden


def filled_env_from(container: Container, whole: str) -> list[Mapping[str, Any]]:
    """Return the container's sources of many variables: the whole Secret first, so the others win over it."""
    rest = [source for source in container.env_from if not names.is_ours(_secret_name(source.get("secretRef")))]
    return [{"secretRef": {"name": whole}}, *rest] if whole else rest


def is_from_ours(entry: Mapping[str, Any]) -> bool:
    """Whether a variable comes from a Secret that has the form of ours, and from nothing else."""
    source = entry.get("valueFrom")
    return (
        not entry.get("value")
        and isinstance(source, Mapping)
        and [kind for kind in source if source[kind] is not None] == ["secretKeyRef"]
        and names.is_ours(_secret_name(source["secretKeyRef"]))
    )


def changed(
    container: Container, base: str, member: str, now: Sequence[Any], then: Sequence[Any]
) -> Iterator[Operation]:
    """Yield the operation that gives a container another list; `base` is the JSON Pointer of the template."""
    path = f"{base}{container.pointer}/{member}"
    if then and now != then:
        yield {"op": "add", "path": path, "value": list(then)}
    elif now and not then:
        yield {"op": "remove", "path": path}


def _entry(name: str, secret: str, key: str) -> Mapping[str, Any]:
    return {"name": name, "valueFrom": {"secretKeyRef": {"key": key, "name": secret}}}


def _has_value(entry: Mapping[str, Any]) -> bool:
    # A variable with nothing is empty, and so is one with an empty text, which the API server does not write down.
    return bool(entry.get("value") or entry.get("valueFrom")) and not is_from_ours(entry)


def _secret_name(source: Any) -> Any:
    return source.get("name") if isinstance(source, Mapping) else None


def _entries(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = document.get(name)
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []
