"""Whatever a custom resource looks like: nothing but the named fields and Keyhole's own metadata differs."""

import copy
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jsonpatch
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from manifests.annotations import FIELDS, RECORD
from manifests.kinds import pointers
from manifests.kinds.custom import custom_resource
from manifests.kinds.known import Kinds
from manifests.kinds.pointers import Pattern
from resolver.deadline import Deadline
from tests.manifests.kinds.kind_cases import Vault
from tests.manifests.provenances import RING
from tests.webhook.admission.test_admit import Labels, Rights
from tests.webhook.reviews import parsed
from webhook.admission.admit import Admission

# `make laws` asks for more.
OBJECTS = int(os.environ.get("KEYHOLE_LAW_OBJECTS", "100"))
CODEC = custom_resource("example.org", "App", "apps", "v1", [Pattern("/**")])
NAMES = st.sampled_from(["a", "b", "c~1d", "0", "immutable", "data"])
REFERENCES = st.sampled_from(
    ["vault:secret/a#text", "vault:secret/a#number | int", "vault:secret/a#yes | bool", "x ((vault:secret/b#text)) y"]
)
_SCALARS = st.text(max_size=5) | st.integers(-9, 9) | st.booleans() | st.none() | st.floats(-1, 1)
_PLAIN = st.sampled_from(["a", "b", "c/d", "0", "immutable", "data"])
JSON = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_PLAIN, inner, max_size=4),
    max_leaves=20,
)
SPECS = st.dictionaries(_PLAIN, JSON, max_size=4)


def _holders(value: Any, at: str) -> Iterator[str]:
    """Yield a pointer to each map in a JSON value."""
    if isinstance(value, dict):
        yield at
        for name, member in value.items():
            yield from _holders(member, f"{at}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _holders(member, f"{at}/{index}")


@st.composite
def manifests(draw: st.DrawFn) -> dict[str, Any]:
    """Return an object with references for fields that are absent, some of them below maps that are absent too."""
    spec = draw(SPECS)
    manifest: dict[str, Any] = {"apiVersion": "example.org/v1", "kind": "App", "spec": spec}
    places = st.sampled_from(list(_holders(spec, "/spec")))
    ways = st.builds(lambda place, names: "/".join((place, *names)), places, st.lists(NAMES, min_size=1, max_size=3))
    found = draw(st.dictionaries(ways, REFERENCES, max_size=4))
    named = {pointer: text for pointer, text in found.items() if _is_free(manifest, pointer)}
    inner = {pointer for pointer, _ in pointers.overlapping(list(named))}
    fields = {pointer: text for pointer, text in named.items() if pointer not in inner}
    notes = {"note": "kept", **({FIELDS: yaml.safe_dump(fields)} if fields else {})}
    return {**manifest, "metadata": {"name": "app", "annotations": notes}}


def _is_free(manifest: Mapping[str, Any], pointer: str) -> bool:
    return pointers.obstacle(manifest, pointer) is None and pointers.found(manifest, pointer) is None


def _fields(manifest: Mapping[str, Any]) -> Sequence[str]:
    return list(yaml.safe_load(manifest["metadata"]["annotations"].get(FIELDS, "{}")))


def admitted(manifest: Mapping[str, Any], old: Mapping[str, Any] | None = None, *, dry_run: bool = False) -> Any:
    kind = {"group": "example.org", "version": "v1", "kind": "App"}
    request = parsed(manifest, old, kind=kind, dryRun=dry_run)
    answer = Admission(Vault(), Labels(), Rights(), lambda: RING, kinds=Kinds([CODEC])).answer(
        request, Deadline.after(60)
    )
    assert answer.allowed, answer.message
    return jsonpatch.apply_patch(manifest, json.loads(answer.patch or b"[]"))


def _with(manifest: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object with each field set, and nothing else, but for metadata."""
    result: dict[str, Any] = copy.deepcopy({name: part for name, part in manifest.items() if name != "metadata"})
    for pointer, value in values.items():
        *way, last = pointers.split(pointer)
        at: Any = result
        for segment in way:
            if isinstance(at, list):
                at = at[int(segment)]
            else:
                at[segment] = {} if at.get(segment) is None else at[segment]
                at = at[segment]
        at[last] = value
    return result


@settings(max_examples=OBJECTS, deadline=None)
@given(manifests())
def test_nothing_but_the_named_fields_differs(manifest: dict[str, Any]) -> None:
    for filled in (admitted(manifest), admitted(manifest, dry_run=True)):
        values = {pointer: pointers.found(filled, pointer) for pointer in _fields(manifest)}
        assert None not in values.values()
        rest = {name: part for name, part in filled.items() if name != "metadata"}
        assert json.dumps(rest, sort_keys=True) == json.dumps(_with(manifest, values), sort_keys=True)
        metadata = filled["metadata"]
        notes = {name: text for name, text in metadata["annotations"].items() if name != RECORD}
        assert {"name": metadata["name"], "annotations": notes} == manifest["metadata"]
        assert set(metadata.get("labels", {})) <= {"keyhole.dev/managed"}


@settings(max_examples=OBJECTS, deadline=None)
@given(manifests())
def test_what_did_not_change_stays_byte_for_byte(manifest: dict[str, Any]) -> None:
    live = admitted(manifest)
    assert json.dumps(admitted(live, live)) == json.dumps(live)
    for again in (admitted(manifest, live), admitted(manifest, live, dry_run=True)):
        assert json.dumps(again, sort_keys=True) == json.dumps(live, sort_keys=True)


@settings(max_examples=OBJECTS, deadline=None)
@given(manifests(), manifests())
def test_without_its_annotation_every_field_goes(manifest: dict[str, Any], other: dict[str, Any]) -> None:
    live = admitted(manifest)
    bare = {name: text for name, text in live["metadata"]["annotations"].items() if name != FIELDS}
    left = admitted({**live, "metadata": {**live["metadata"], "annotations": bare}}, live)
    assert [pointers.found(left, pointer) for pointer in _fields(manifest)] == [None] * len(_fields(manifest))
    assert left["metadata"]["annotations"] == {"note": "kept"}
    # Another manifest over it leaves nothing of the first one's.
    replaced = admitted(other, live)
    assert {**replaced, "metadata": None} == {**admitted(other), "metadata": None}
