"""The patch, applied to the object, gives exactly the plan, and nothing else changes."""

import copy
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

import jsonpatch
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.fields.scan import scan_object
from manifests.kinds.secret import SECRET
from manifests.planning.metadata import metadata_change
from manifests.planning.plan import plan_object
from manifests.planning.planned_field import Action, Filled, PlannedField, fill, keep_value, preview
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from tests.manifests.provenances import provenance, with_counters
from tests.manifests.secrets import encoded, secret
from webhook.admission.patch import object_patch

# Of each law; together some thousands. `make laws` asks for 100,000.
OBJECTS = int(os.environ.get("KEYHOLE_LAW_OBJECTS", "300"))

KEYS = st.from_regex(r"[a-zA-Z0-9]([-._a-zA-Z0-9]{0,8}[a-zA-Z0-9])?", fullmatch=True)
PLAIN = st.text(max_size=20).filter(lambda text: "vault" not in text)
INLINE = st.builds("{}((vault:secret/{}#f)){}".format, PLAIN, st.sampled_from("ab"), PLAIN)
WHOLE = st.sampled_from(["vault:secret/a#f", "vault:secret/b#f | base64"])


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    data = draw(st.none() | st.dictionaries(KEYS, PLAIN | INLINE, max_size=5))
    wanted = draw(st.dictionaries(KEYS, WHOLE | INLINE, max_size=4))
    annotations = {f"data.keyhole.dev/{key}": text for key, text in wanted.items() if key not in (data or {})}
    labels = draw(st.dictionaries(KEYS, PLAIN, max_size=2))
    manifest = secret(data, annotations or None, type="Opaque")
    manifest["metadata"]["labels"] = labels
    return manifest


OURS = {"/metadata/annotations/keyhole.dev/record", "/metadata/labels/keyhole.dev/managed"}


def admitted_by(manifest: dict[str, Any], old: dict[str, Any] | None, *, dry_run: bool, values: str) -> dict[str, Any]:
    """Return what an admission makes of an object, with `values` and a path as what Vault says."""
    by = provenance()
    plan = plan_object(SECRET, manifest, old, by, dry_run=dry_run)
    assert not plan.problems
    references = {reference for planned in plan.fields for reference in planned.wanted.template.references}
    secrets = {reference: SecretValue(f"{values} {reference.path}") for reference in references}
    versions: dict[Reference, int | None] = dict.fromkeys(references, 1)
    filled = [_filled(planned, secrets, versions, dry_run=dry_run) for planned in plan.fields]
    change = metadata_change(plan, filled, manifest, by.keys, dry_run=dry_run)
    written = [(each.planned.wanted, each.value) for each in filled if each.value is not None]
    patch = object_patch(SECRET, manifest, written, plan.removed, change)
    result: dict[str, Any] = jsonpatch.apply_patch(manifest, json.loads(patch)) if patch else copy.deepcopy(manifest)
    return result


def _filled(
    planned: PlannedField,
    values: Mapping[Reference, SecretValue],
    versions: Mapping[Reference, int | None],
    *,
    dry_run: bool,
) -> Filled:
    if planned.action is Action.KEEP:
        return keep_value(planned, provenance(), is_confirmed=not dry_run)
    return preview(planned) if dry_run else fill(planned, values, versions, provenance())


def differences(before: Any, after: Any, path: str = "") -> set[str]:
    """Return the paths at which two JSON values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = before.keys() | after.keys()
        return set().union(*(differences(before.get(name), after.get(name), f"{path}/{name}") for name in names))
    return set() if before == after else {path}


def within(found: set[str], keys: Iterable[str]) -> bool:
    """Whether only reference fields and Keyhole's own metadata differ; a map that was not there counts as empty."""
    allowed = OURS | {f"/data/{key}" for key in keys}
    return found <= allowed


def flattened(manifest: dict[str, Any]) -> dict[str, Any]:
    metadata = manifest["metadata"]
    whole = {**metadata, "annotations": metadata.get("annotations") or {}, "labels": metadata.get("labels") or {}}
    return {**manifest, "metadata": whole, "data": manifest.get("data") or {}}


@settings(max_examples=OBJECTS)
@given(manifests(), st.booleans())
def test_only_reference_fields_and_keyholes_own_metadata_are_touched(manifest: dict[str, Any], dry_run: bool) -> None:
    before = copy.deepcopy(manifest)
    keys = {wanted.key for wanted in scan_object(SECRET, manifest).wanted}
    after = admitted_by(manifest, None, dry_run=dry_run, values="one")
    assert manifest == before, "the manifest itself is not touched"
    assert within(differences(flattened(manifest), flattened(after)), keys)
    if not dry_run:
        for wanted in scan_object(SECRET, manifest).wanted:
            values = {reference: SecretValue(f"one {reference.path}") for reference in wanted.template.references}
            assert after["data"][wanted.key] == encoded(wanted.template.render(values).reveal())


@settings(max_examples=OBJECTS)
@given(manifests())
def test_mutating_twice_equals_mutating_once(manifest: dict[str, Any]) -> None:
    once = admitted_by(manifest, None, dry_run=False, values="one")
    assert admitted_by(once, None, dry_run=False, values="one") == once
    shown_once = admitted_by(manifest, None, dry_run=True, values="one")
    assert admitted_by(shown_once, None, dry_run=True, values="one") == shown_once


@settings(max_examples=OBJECTS)
@given(manifests(), st.booleans())
def test_applying_the_same_again_changes_nothing(manifest: dict[str, Any], dry_run: bool) -> None:
    live = admitted_by(manifest, None, dry_run=False, values="one")
    metadata = {**live["metadata"], "labels": {**live["metadata"]["labels"], **manifest["metadata"]["labels"]}}
    again = {**live, "metadata": metadata, "data": {**(live.get("data") or {}), **(manifest.get("data") or {})}}
    if "data" not in live:
        del again["data"]
    assert admitted_by(again, live, dry_run=dry_run, values="one") == live


@settings(max_examples=OBJECTS)
@given(manifests(), st.booleans())
def test_a_hand_edit_of_something_else_keeps_every_reference(manifest: dict[str, Any], rotated: bool) -> None:
    live = admitted_by(manifest, None, dry_run=False, values="one")
    sent = {**live, "metadata": {**live["metadata"], "labels": {**live["metadata"]["labels"], "edited": "yes"}}}
    after = admitted_by(sent, live, dry_run=False, values="two" if rotated else "one")
    expected = admitted_by(manifest, None, dry_run=False, values="two" if rotated else "one")
    expected["metadata"]["labels"]["edited"] = "yes"
    if rotated and scan_object(SECRET, manifest).wanted:
        expected = with_counters(expected, 1, 1)
    assert after == expected


@settings(max_examples=OBJECTS)
@given(manifests(), manifests())
def test_an_object_that_is_sent_twice_in_one_request_is_counted_once(
    manifest: dict[str, Any], next_one: dict[str, Any]
) -> None:
    live = admitted_by(manifest, None, dry_run=False, values="one")
    once = admitted_by(next_one, live, dry_run=False, values="two")
    assert admitted_by(once, live, dry_run=False, values="two") == once


@given(manifests(), st.booleans())
def test_the_same_input_gives_the_same_bytes(manifest: dict[str, Any], dry_run: bool) -> None:
    first, second = (
        json.dumps(admitted_by(copy.deepcopy(manifest), None, dry_run=dry_run, values="one")) for _ in range(2)
    )
    assert first == second


def test_a_value_that_stands_there_already_needs_no_patch() -> None:
    manifest = secret({"a": "live"}, {"data.keyhole.dev/a": "vault:secret/a#f"})
    (wanted,) = scan_object(SECRET, manifest).wanted
    assert object_patch(SECRET, manifest, [(wanted, SecretValue("live"))]) is None


def test_keys_with_a_tilde_or_slash_are_escaped() -> None:
    manifest = secret({}, {"data.keyhole.dev/a.b": "vault:secret/a#f"})
    (wanted,) = scan_object(SECRET, manifest).wanted
    assert json.loads(object_patch(SECRET, manifest, [(wanted, SecretValue(b"\xff"))]) or b"") == [
        {"op": "add", "path": "/data/a.b", "value": "/w=="}
    ]
