"""Manifests to be planned, as people, tools and Keyhole itself change them."""

import json
from collections.abc import Mapping
from typing import Any

from manifests.kinds.secret import SECRET
from manifests.planning.plan import Plan, plan_object
from manifests.planning.planned_field import Action, fill, keep_value
from manifests.provenance.mac import Provenance
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from tests.manifests.provenances import admitted, provenance, ring
from tests.manifests.secrets import encoded, secret

REF, OTHER = "vault:secret/app#password", "vault:secret/other#password"
REFERENCE, OTHER_REFERENCE = Reference("secret/app", "password"), Reference("secret/other", "password")
VALUES = {REFERENCE: "live", OTHER_REFERENCE: "other"}
NOTE = "data.keyhole.dev/a"
ANNOTATED = secret(annotations={NOTE: REF})
IN_PLACE = secret({"a": REF})
IN_TEXT = secret({"a": f"user=x;password=(({REF}));"})
DOCKER = secret(
    {".dockerconfigjson": json.dumps({"auths": {"plain": {"auth": "eA=="}, "r": {"username": "u", "password": REF}}})}
)
LOST = ring("0000000b")


def plan(
    new: Mapping[str, Any],
    old: Mapping[str, Any] | None = None,
    *,
    dry_run: bool = False,
    by: Provenance | None = None,
) -> Plan:
    return plan_object(SECRET, new, old, by or provenance(), dry_run=dry_run)


def live(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return admitted(manifest, VALUES)


def edited(manifest: Mapping[str, Any], **metadata: Any) -> dict[str, Any]:
    """Return an object with something else changed by a person who read it: the values stand in it."""
    return {**manifest, "metadata": {**manifest["metadata"], **metadata}}


def with_value(manifest: Mapping[str, Any], key: str, value: str | None) -> dict[str, Any]:
    data = {**manifest["data"], key: None if value is None else encoded(value)}
    return {**manifest, "data": {name: text for name, text in data.items() if text is not None}}


def without(manifest: Mapping[str, Any], *names: str) -> dict[str, Any]:
    notes = {name: text for name, text in manifest["metadata"]["annotations"].items() if name not in names}
    return edited(manifest, annotations=notes)


def applied(manifest: Mapping[str, Any], onto: Mapping[str, Any]) -> dict[str, Any]:
    """Return what server-side apply sends: the manifest's fields over the live object's."""
    notes = {**onto["metadata"]["annotations"], **(manifest["metadata"].get("annotations") or {})}
    return {**edited(onto, annotations=notes), "data": {**onto["data"], **(manifest.get("data") or {})}}


def actions(found: Plan) -> list[Action]:
    assert not found.problems
    return [planned.action for planned in found.fields]


def secrets() -> dict[Reference, SecretValue]:
    return {reference: SecretValue(value) for reference, value in VALUES.items()}


def value_of(manifest: Mapping[str, Any], key: str) -> SecretValue:
    (planned,) = plan(manifest, manifest, dry_run=True).fields
    assert planned.wanted.key == key
    value = keep_value(planned, provenance(), is_confirmed=False).value
    assert value is not None
    return value


def filled(new: Mapping[str, Any], value: str) -> bytes | None:
    (planned,) = plan(new).fields
    result = fill(planned, {REFERENCE: SecretValue(value)}, {REFERENCE: 1}, provenance()).value
    return None if result is None else result.reveal()
