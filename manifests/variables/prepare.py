"""What the webhook makes of a workload: a pure function of its pod template and the one before.

Nobody is asked and nothing is written. The same template gives the same result whenever it comes, so a second webhook
behind us, a dry run and a PUT that stripped everything of ours all end at the same template, and no pod is replaced.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from manifests import annotations
from manifests.fields.problem import Problem
from manifests.fields.scan import free
from manifests.kinds.codec import Operation, map_operations
from manifests.variables import marker, names, wanted
from manifests.variables.asked import AskedFor, Asking, asked_for
from manifests.variables.containers import (
    Container,
    Filling,
    changed,
    containers_of,
    filled_env,
    filled_env_from,
)
from manifests.variables.generated import marker_of
from manifests.variables.in_place import Before, convert
from manifests.variables.templates import Workload
from resolver.causes import Cause
from resolver.references.characters import named

MAX_ENTRIES: Final = 10_000
"""The most variables that all containers of a template may get together."""
_UNITS_AN_ENTRY: Final = 2_000
_OF_SECRETS: Final = frozenset({annotations.FIELDS, annotations.FROM})


@dataclass(frozen=True, slots=True)
class Prepared:
    """What becomes of a workload: the JSON Patch for it, or problems for which it is refused.

    `asks` says whether it asks for variables, whether they can be read or not. `made` names the Secrets for them.
    """

    operations: Sequence[Operation] = ()
    warnings: Sequence[str] = ()
    problems: Sequence[Problem] = ()
    variables: Sequence[AskedFor] = ()
    asks: bool = False
    made: marker.Marker | None = None


@dataclass(slots=True)
class _Template:
    """A pod template at work. `pointer` is where it stands; `old` is the one before, None if the object is new."""

    workload: Workload
    owner: names.Owner
    template: Mapping[str, Any]
    old: Mapping[str, Any] | None
    pay: Callable[[int], None]
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def notes(self) -> Mapping[str, str]:
        """The annotations of the template as it was sent."""
        return _metadata(self.template, "annotations")

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels."""
        return _metadata(self.template, "labels")


def prepare(
    workload: Workload,
    name: str,
    manifest: Mapping[str, Any],
    old_manifest: Mapping[str, Any] | None = None,
    pay: Callable[[int], None] = free,
) -> Prepared:
    """Return what becomes of a workload. `name` is empty if its pods are not to be known by it (`generateName`).

    Variables that the template asks for come from a Secret that is named after them; what it no longer asks for goes.
    A template that is already as it should be gets no operation. `pay` is called as by `scan_object`.
    """
    template = workload.template(manifest)
    if template is None:
        return Prepared()
    one = _Template(workload, _owner(workload, name), template, workload.template(old_manifest), pay)
    if one.old is not None and workload.is_fixed and _marker(one.old) is None:
        # It was made without us, and now it is too late: its containers cannot change.
        return Prepared()
    one.warnings += _foreign(one.notes)
    containers = containers_of(template)
    in_place = convert(containers, one.notes, _before(one), pay)
    one.problems += in_place.problems
    one.warnings += in_place.warnings
    notes = {name: text for name, text in {**one.notes, **in_place.texts}.items() if name not in in_place.gone}
    asked = wanted.read(notes)
    one.problems += asked.problems
    fields = list(asked_for(Asking(workload, in_place.addresses, containers, pay, one.problems, one.warnings), asked))
    if one.problems:
        return Prepared(warnings=one.warnings, problems=one.problems, variables=fields, asks=True)
    found = marker_of(one.owner, asked, tuple(in_place.addresses)) if asked else None
    operations = [*_metadata_operations(one, notes, found), *_container_operations(one, containers, asked, found)]
    return Prepared(() if one.problems else operations, one.warnings, one.problems, fields, bool(asked), found)


def _owner(workload: Workload, name: str) -> names.Owner:
    return names.owner(workload.group, workload.kind, name)


def _before(one: _Template) -> Before:
    """Return how it was. A client may have stripped the marker, and then the old template still has it."""
    old_notes = None if one.old is None else _metadata(one.old, "annotations")
    found = _marker(one.template) or (None if one.old is None else _marker(one.old))
    return Before(frozenset(found.in_place if found else ()), old_notes)


def _marker(template: Mapping[str, Any]) -> marker.Marker | None:
    return marker.parse(_metadata(template, "annotations").get(annotations.ENV_SECRET, ""))


def _foreign(notes: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(notes):
        if name in _OF_SECRETS or name.startswith(annotations.DATA_PREFIX):
            yield f"annotation {named(name)} fills fields of a Secret, and this is a pod template: it has no effect"
    yield from (f"annotation {named(name)} means nothing to Keyhole" for name in annotations.unknown(notes))


def _metadata_operations(one: _Template, notes: Mapping[str, str], found: marker.Marker | None) -> Iterator[Operation]:
    then = {name: text for name, text in notes.items() if name != annotations.ENV_SECRET}
    if found is not None:
        then[annotations.ENV_SECRET] = marker.dump(found)
    labels: dict[str, str | None] = {annotations.USES_VARIABLES: "true" if found is not None else None}
    base = f"{one.workload.pointer}/metadata"
    if "metadata" not in one.template or one.template["metadata"] is None:
        yield {"op": "add", "path": base, "value": {}}
    yield from _changes(f"{base}/annotations", one.template, "annotations", _difference(one.notes, then))
    if one.labels.get(annotations.USES_VARIABLES) != labels[annotations.USES_VARIABLES]:
        yield from _changes(f"{base}/labels", one.template, "labels", labels)


def _changes(
    path: str, template: Mapping[str, Any], member: str, changes: Mapping[str, str | None]
) -> Iterator[Operation]:
    now = (template.get("metadata") or {}).get(member)
    if changes:
        yield from map_operations(path, now, changes)


def _difference(now: Mapping[str, str], then: Mapping[str, str]) -> dict[str, str | None]:
    changes: dict[str, str | None] = {name: text for name, text in then.items() if now.get(name) != text}
    changes |= dict.fromkeys(now.keys() - then.keys())
    return {name: changes[name] for name in sorted(changes)}


def _container_operations(
    one: _Template, containers: Mapping[str, Container], asked: wanted.Wanted, found: marker.Marker | None
) -> list[Operation]:
    of_all = {variable.name: variable.key for variable in asked.variables if not variable.container}
    of_one: dict[str, dict[str, str]] = {name: {} for name in containers}
    for variable in asked.variables:
        if variable.container:
            of_one[variable.container][variable.name] = variable.key
    count = sum(len(of_all.keys() | own.keys()) for own in of_one.values())
    if count > MAX_ENTRIES:
        message = f"its containers would get {count} variables together, and {MAX_ENTRIES} are the most"
        one.problems.append(Problem("the template", message, Cause.TOO_MUCH_WORK))
        return []
    secret, whole = (found.secret, found.whole) if found is not None else ("", "")
    in_place = frozenset(found.in_place) if found is not None else frozenset[str]()
    operations: list[Operation] = []
    old = containers_of(one.old) if one.old is not None and one.workload.is_fixed else {}
    for name, container in containers.items():
        keys = {**of_all, **of_one[name]}
        one.pay(_UNITS_AN_ENTRY * (len(keys) + len(container.env)))
        local = frozenset(each for each in of_one[name] if f"{name}/{each}" in in_place)
        env, overridden = filled_env(container, Filling(keys, secret, whole, local))
        _tell_overridden(one, name, overridden)
        env_from = filled_env_from(container, whole)
        of_this = [
            *changed(container, one.workload.pointer, "env", container.env, env),
            *changed(container, one.workload.pointer, "envFrom", container.env_from, env_from),
        ]
        if of_this and name in old and (old[name].env, old[name].env_from) != (env, env_from):
            message = f"the variables of a {one.workload.kind} cannot change; delete it and create it again"
            one.problems.append(Problem(f"container {named(name)}", message))
        operations += of_this
    return operations


def _tell_overridden(one: _Template, container: str, overridden: Sequence[str]) -> None:
    for variable in overridden:
        origin = f"container {named(container)}, variable {named(variable)}"
        if one.old is None:
            message = "has a value of its own, and an annotation fills it; remove one of the two"
            one.problems.append(Problem(origin, message))
        else:
            one.warnings.append(f"{origin} has a value of its own, and an annotation fills it: the annotation counts")


def _metadata(template: Mapping[str, Any], member: str) -> Mapping[str, str]:
    found = (template.get("metadata") or {}).get(member)
    return found if isinstance(found, Mapping) else {}
