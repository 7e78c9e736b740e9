"""The policy behind the webhook, for listed kinds: while nobody is asked, nothing unfilled is stored.

Records are written by hand here: the policy looks for a pointer in them, and cannot check a MAC.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from testbed import Testbed
from testbed.keyhole.installation import Webhook
from testbed.keyhole.objects import apply
from testbed.keyhole.registration import wait_until_asked
from tests.e2e.cluster import Cluster
from tests.e2e.kinds.definitions import BOXES, GROUP
from tests.e2e.kinds.resources import Resources
from tests.e2e.objects import Manifest
from tests.e2e.places import Places

REF = "vault:secret/e2e/app#password"
POINTER = "/spec/source/helm/values"
OTHER = "/spec/source/helm/parameters/0/value"
_SECONDS = 60.0


@pytest.fixture(scope="module")
def boxes(bed: Testbed, places: Places, webhook: Webhook) -> Iterator[Resources]:
    """Return custom resources without a schema, in a cluster whose API server has forgotten the webhook."""
    assert webhook
    path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/keyhole"
    registration = bed.kubernetes.request("GET", path).json()
    written = {"apiVersion": registration["apiVersion"], "kind": registration["kind"], "metadata": {"name": "keyhole"}}
    bed.kubernetes.request("DELETE", path).raise_for_status()
    found = Resources(bed, places, "kinds", f"apis/{GROUP}/v1", BOXES)
    try:
        deadline = time.monotonic() + _SECONDS
        while "NotResolved" not in (answer := found.create(_box("probe", f"{POINTER}: {REF}"))).text:
            assert not answer.ok, "neither the webhook nor the policy was asked"
            assert time.monotonic() < deadline, "the webhook is still asked"
            time.sleep(0.1)
        yield found
    finally:
        apply(bed, {**written, "webhooks": registration["webhooks"]})
        wait_until_asked(bed)


def _record(*pointers: str, **more: Any) -> str:
    entry = {"form": "annotation", "mac": "m" * 43, "ref": REF, "versions": [1], **more}
    document = {"v": 1, "key": "01234567", "fields": dict.fromkeys(pointers, entry), "version": "v1"}
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def _box(name: str, fields: str, record: str | None = None, **spec: Any) -> Manifest:
    notes = {"keyhole.dev/fields": fields, **({} if record is None else {"keyhole.dev/record": record})}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Box",
        "metadata": {"name": name, "annotations": notes},
        "spec": {"data": {"large": "x"}, **spec},
    }


@pytest.mark.parametrize(
    ("fields", "recorded"),
    [
        (f"{POINTER}: {REF}", [POINTER]),
        (f"{POINTER}: {REF}\n{OTHER}: {REF}", [POINTER, OTHER]),
        (f'"{POINTER}": {REF}', [POINTER]),
        (f"'{POINTER}': |\n  text\n  /spec/no/field: x\n", [POINTER]),
        (f"{POINTER} : {REF}", [POINTER]),
        ("/spec/a:b: " + REF, ["/spec/a:b"]),
        ("{}", None),
    ],
)
def test_what_is_recorded_may_be_stored(boxes: Resources, fields: str, recorded: Sequence[str] | None) -> None:
    answer = boxes.create(_box("good", fields, None if recorded is None else _record(*recorded)))
    assert answer.ok, answer.text
    boxes.delete("good")


@pytest.mark.parametrize(
    ("fields", "record", "named"),
    [
        (f"{POINTER}: {REF}", None, POINTER),
        (f"{POINTER}: {REF}", _record(OTHER), POINTER),
        (f"{POINTER}: {REF}\n{OTHER}: {REF}", _record(POINTER), OTHER),
        (f"'{POINTER}': {REF}", _record(POINTER + "x"), POINTER),
        (f"{{{POINTER}: {REF}}}", None, "keyhole.dev/fields is not filled"),
        # A pointer inside of a text is no entry: its quotes have backslashes.
        (f"{POINTER}: {REF}", _record(OTHER, ref=f'x"{POINTER}":{{'), POINTER),
        (f"{POINTER}: {REF}", _record(OTHER, ref=f'\\"{POINTER}\\":{{'), POINTER),
    ],
)
def test_what_is_not_recorded_is_refused(boxes: Resources, fields: str, record: str | None, named: str) -> None:
    answer = boxes.create(_box("bad", fields, record))
    assert answer.status_code == 403, answer.text
    assert "NotResolved" in answer.json()["message"]
    assert named in answer.json()["message"]


def test_dry_runs_and_unchanged_annotations_pass(boxes: Resources) -> None:
    assert boxes.create(_box("dry", f"{POINTER}: {REF}"), dry_run=True).ok
    assert boxes.create(_box("kept", f"{POINTER}: {REF}", _record(POINTER))).ok
    boxes.kubectl("label", "boxes", "kept", "team=shop")
    boxes.kubectl("patch", "boxes", "kept", "--type=merge", "-p", '{"spec":{"data":{"large":"y"}}}')
    changed = boxes.kubectl(
        "annotate", "--overwrite", "boxes", "kept", f"keyhole.dev/fields={OTHER}: {REF}", check=False
    )
    assert OTHER in changed.stderr
    assert "NotResolved" in changed.stderr
    unrecorded = boxes.kubectl("annotate", "boxes", "kept", "keyhole.dev/record-", check=False)
    assert "NotResolved" in unrecorded.stderr


def test_the_largest_object_and_the_longest_annotations_are_judged_within_the_budget(boxes: Resources) -> None:
    pointers = [f"/spec/source/helm/parameters/{number}/value" for number in range(1000)]
    fields = "".join(f"{pointer}: {REF}\n" for pointer in pointers)
    record = _record(*pointers)
    assert 230_000 < len(fields) + len(record) < 256 * 1024
    assert boxes.create(_box("largest", fields, record, text="x" * 1_000_000)).ok
    refused = boxes.create(_box("missing", fields + f"{POINTER}: {REF}\n", record, text="x" * 1_000_000))
    assert f"{POINTER}, is not filled" in refused.json()["message"]


def test_config_maps_are_judged_by_their_keys(bed: Testbed, boxes: Resources, places: Places) -> None:
    assert boxes.namespace == "kinds"
    config_maps: Cluster = Resources(bed, places, "kinds", "api/v1", "configmaps")

    def manifest(record: str | None, data: Mapping[str, str]) -> Manifest:
        notes = {"data.keyhole.dev/key": REF, **({"keyhole.dev/record": record} if record else {})}
        metadata = {"name": "judged", "annotations": notes}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": dict(data)}

    assert "data.keyhole.dev/key is not filled" in config_maps.create(manifest(None, {"key": "x"})).json()["message"]
    assert "is not filled" in config_maps.create(manifest(_record("/data/key"), {"plain": REF})).json()["message"]
    # In place, a reference is text here.
    assert config_maps.create(manifest(_record("/data/key"), {"key": "x", "plain": REF})).ok
    config_maps.delete("judged")
