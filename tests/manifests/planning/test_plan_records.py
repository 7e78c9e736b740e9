"""What is planned for records whose key is lost, that are forged or no records, and what checking them costs."""

import json
from typing import Any

import pytest

from manifests.kinds.secret import SECRET
from manifests.planning.plan import plan_object
from manifests.planning.planned_field import Action
from manifests.provenance.evidence import Evidence
from manifests.provenance.mac import Provenance, Verdict
from manifests.provenance.record import Entry
from resolver.references.value import SecretValue
from tests.manifests.plans import (
    ANNOTATED,
    IN_PLACE,
    IN_TEXT,
    LOST,
    NOTE,
    OTHER,
    REF,
    REFERENCE,
    actions,
    edited,
    live,
    plan,
    without,
)
from tests.manifests.provenances import RING, admitted, provenance
from tests.manifests.secrets import encoded, secret


def test_a_value_in_place_whose_key_is_lost_stays_with_its_record() -> None:
    old = live(IN_PLACE)
    found = plan(edited(old, labels={"x": "y"}), old, by=provenance(LOST))
    assert not found.fields
    assert list(found.retained) == ["/data/a"]
    assert "cannot be checked" in found.warnings[0]


def test_a_value_whose_key_is_lost_stays_unread_when_its_annotation_goes() -> None:
    old = admitted(ANNOTATED, {REFERENCE: OTHER})
    found = plan(without(old, NOTE), old, by=provenance(LOST))
    assert (found.fields, found.removed, list(found.retained)) == ([], [], ["/data/a"])


def test_references_of_the_record_count_towards_the_limit() -> None:
    old = live(secret({"a": f"(({REF}))" * 600}))
    sent = {**old, "data": {**old["data"], "b": encoded(f"(({REF}))" * 600)}}
    (problem,) = plan(sent, old).problems
    assert "has 1200 references, and 1000 are the most" in problem.message


def test_a_forged_record_counts_as_none() -> None:
    old = live(IN_PLACE)
    forged = old["metadata"]["annotations"]["keyhole.dev/record"].replace(REF, OTHER)
    sent = edited(old, annotations={"keyhole.dev/record": forged})
    found = plan(sent, sent)
    assert (found.fields, found.retained) == ([], {})
    assert found.warnings == ["data.a: its record proves nothing and is removed"]


def test_nobody_is_made_to_work_by_a_record_that_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("manifests.provenance.evidence.values_in", lambda *_: pytest.fail("before the MAC was checked"))
    spans = [[0, 9, f"vault:s/{number}#p"] for number in range(9)]
    fields = {"/data/a": {"form": "in place", "spans": spans, "versions": [], "mac": ""}}
    forged = json.dumps({"v": 1, "key": RING.signing.id, "fields": fields})
    assert actions(plan(secret({"a": f"(({REF}))"}, {"keyhole.dev/record": forged}))) == [Action.RESOLVE]


@pytest.mark.parametrize("manifest", [ANNOTATED, IN_PLACE, IN_TEXT], ids=["annotation", "in place", "in a text"])
@pytest.mark.parametrize("dry_run", [False, True])
def test_an_unchanged_field_costs_one_mac(
    monkeypatch: pytest.MonkeyPatch, manifest: dict[str, Any], dry_run: bool
) -> None:
    old, by = live(manifest), provenance()
    checked: list[str] = []
    check = Provenance.verdict

    def counting(self: Provenance, pointer: str, entry: Entry, value: SecretValue) -> Verdict:
        checked.append(pointer)
        return check(self, pointer, entry, value)

    monkeypatch.setattr(Provenance, "verdict", counting)
    plan_object(SECRET, edited(old, labels={"x": "y"}), old, by, dry_run=dry_run)
    assert checked == ["/data/a"]


def test_no_value_stands_in_what_may_be_shown() -> None:
    old = live(ANNOTATED)
    assert old["data"]["a"] not in repr(Evidence(SECRET, old, provenance()))
    assert old["data"]["a"] not in repr(plan(old, old))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "not json", "[" * 5000, " " * 300_000, '{"v":2,"key":"a","fields":{}}']
)
def test_what_is_no_record_goes_with_a_warning(text: str) -> None:
    found = plan(secret({"a": "x"}, {"keyhole.dev/record": text}))
    assert found.warnings == ["keyhole.dev/record the whole of it proves nothing here and is removed"]
    assert found.rewrites_metadata
