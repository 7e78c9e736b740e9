"""What Keyhole answers when somebody tries, in a dry run, to have an object as it is admitted again."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonpatch

from manifests.annotations import RECORD, REFRESH
from manifests.kinds.secret import SECRET
from manifests.planning.metadata import metadata_change
from manifests.planning.plan import plan_object
from manifests.planning.planned_field import Action, keep_value, preview
from manifests.provenance.keyring import KeyRing
from tests.manifests.provenances import RING, provenance
from webhook.admission.patch import object_patch


@dataclass(frozen=True)
class Answer:
    """The annotations that come back, and the warnings. Whether the record and each entry of it came back as it was."""

    notes: Mapping[str, str]
    warnings: tuple[str, ...]
    is_same_record: bool


def tried(live: Mapping[str, Any], keys: KeyRing = RING, name: str = "app") -> Answer:
    """Try a live object with these keys of records: marked with `keyhole.dev/refresh`, and changed in nothing else."""
    before = live["metadata"].get("annotations") or {}
    marked = {**live, "metadata": {**live["metadata"], "annotations": {**before, REFRESH: "proved?"}}}
    by = provenance(keys, name=name)
    plan = plan_object(SECRET, marked, live, by, dry_run=True)
    assert not plan.problems
    # Nothing else is ever planned for a dry run, and none of these asks Vault.
    assert {field.action for field in plan.fields} <= {Action.KEEP, Action.PLACEHOLDER, Action.LEAVE}
    filled = [
        keep_value(field, by, is_confirmed=False) if field.action is Action.KEEP else preview(field)
        for field in plan.fields
    ]
    change = metadata_change(plan, filled, marked, keys, dry_run=True)
    values = [(each.planned.wanted, each.value) for each in filled if each.value is not None]
    patch = object_patch(SECRET, marked, values, plan.removed, change)
    after = jsonpatch.apply_patch(marked, json.loads(patch or b"[]"))["metadata"].get("annotations") or {}
    return Answer(after, tuple(plan.warnings), after.get(RECORD) == before.get(RECORD))
