"""The table of `manifests.plan`, row by row: what is wanted, what the live record says, dry run or real."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from manifests.claims import Claims
from manifests.placeholder import MARKER, is_placeholder, placeholder
from manifests.plan import Plan, plan_secret, references
from manifests.provenance import Provenance, Verdict
from manifests.record import Entry
from manifests.step import Action, LooksLikeReference, TwoValues, kept, resolved, shown
from resolver.grammar import Reference
from resolver.value import SecretValue
from tests.manifests.provenances import RING, admitted, provenance, ring
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
    return plan_secret(new, old, by or provenance(), dry_run=dry_run)


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
    return [step.action for step in found.steps]


# The first row: nothing is wanted and nothing is recorded.


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_object_without_references_is_untouched(dry_run: bool) -> None:
    for old in (None, secret({"a": "y"})):
        found = plan(secret({"a": "x"}), old, dry_run=dry_run)
        assert found == Plan(steps=[], problems=[], warnings=[], removed=[])


# A reference is wanted, and the live record proves the same.


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(ANNOTATED, id="in an annotation"),
        pytest.param(IN_PLACE, id="in place"),
        pytest.param(IN_TEXT, id="in place, with text around it"),
        pytest.param(DOCKER, id="in a docker configuration"),
        pytest.param(secret(annotations={NOTE: f"x=(({REF}))"}), id="in an annotation, with text around it"),
    ],
)
@pytest.mark.parametrize("how", ["applied", "replaced", "only edited"])
def test_the_same_reference_keeps_the_live_value(manifest: dict[str, Any], how: str) -> None:
    old = live(manifest)
    new = {"applied": applied(manifest, old), "replaced": manifest, "only edited": edited(old, labels={"x": "y"})}[how]
    for dry_run, expected in ((True, Action.KEEP), (False, Action.VERIFY)):
        found = plan(new, old, dry_run=dry_run)
        assert (actions(found), found.warnings, found.removed) == ([expected], [], [])
        (step,) = found.steps
        assert step.proved == old["data"][step.want.key]
        assert resolved(step, secrets(), {REFERENCE: 1}, provenance()).value == value_of(old, step.want.key)


def test_what_is_verified_is_resolved_from_what_stands_in_the_record() -> None:
    old = live(IN_TEXT)
    (step,) = plan(edited(old, labels={"x": "y"}), old).steps
    rotated = resolved(step, {REFERENCE: SecretValue("new")}, {REFERENCE: 2}, provenance())
    assert rotated.value == SecretValue("user=x;password=new;")


def test_a_docker_configuration_is_resolved_again_from_its_record() -> None:
    old = live(DOCKER)
    (step,) = plan(edited(old, labels={"x": "y"}), old).steps
    rotated = resolved(step, {REFERENCE: SecretValue("new")}, {REFERENCE: 2}, provenance()).value
    assert rotated is not None
    auths = json.loads(rotated.reveal())["auths"]
    assert auths == {"plain": {"auth": "eA=="}, "r": {"username": "u", "password": "new", "auth": encoded("u:new")}}


def test_an_annotated_field_that_was_edited_by_hand_is_put_right_with_a_warning() -> None:
    old = live(ANNOTATED)
    found = plan(with_value(old, "a", "by hand"), old)
    assert actions(found) == [Action.VERIFY]
    assert found.steps[0].proved == old["data"]["a"]
    assert "data.a: a value of its own stands there" in found.warnings[0]


# A reference is wanted, and the live record proves another, or nothing.


@pytest.mark.parametrize(
    ("new", "old", "dry", "real"),
    [
        pytest.param(ANNOTATED, None, Action.PLACEHOLDER, Action.RESOLVE, id="created, in an annotation"),
        pytest.param(IN_PLACE, None, Action.LEAVE, Action.RESOLVE, id="created, in place"),
        pytest.param(
            secret({".dockerconfigjson": REF}),
            None,
            Action.PLACEHOLDER,
            Action.RESOLVE,
            id="a whole docker configuration: a dry run shows something that has its form",
        ),
        pytest.param(
            secret(annotations={NOTE: OTHER}),
            live(ANNOTATED),
            Action.PLACEHOLDER,
            Action.RESOLVE,
            id="another reference in the annotation",
        ),
        pytest.param(secret({"a": OTHER}), live(IN_PLACE), Action.LEAVE, Action.RESOLVE, id="another one in place"),
        pytest.param(
            secret({"a": f"user=y;password=(({REF}));"}),
            live(IN_TEXT),
            Action.LEAVE,
            Action.RESOLVE,
            id="another text around the reference",
        ),
        pytest.param(IN_PLACE, live(ANNOTATED), Action.LEAVE, Action.RESOLVE, id="from an annotation into place"),
        pytest.param(ANNOTATED, live(IN_PLACE), Action.PLACEHOLDER, Action.RESOLVE, id="from place to an annotation"),
        pytest.param(
            applied(ANNOTATED, secret({"a": "literal"}, {})),
            secret({"a": "literal"}),
            Action.PLACEHOLDER,
            Action.RESOLVE,
            id="from a literal to an annotation",
        ),
        pytest.param(
            ANNOTATED,
            with_value(live(ANNOTATED), "a", "bypassed"),
            Action.PLACEHOLDER,
            Action.RESOLVE,
            id="the live value is not what the record stands for",
        ),
        pytest.param(
            ANNOTATED,
            without(live(ANNOTATED), "keyhole.dev/record"),
            Action.PLACEHOLDER,
            Action.RESOLVE,
            id="the live object lost its record",
        ),
    ],
)
def test_a_new_value_is_resolved_and_in_a_dry_run_only_hinted_at(
    new: dict[str, Any], old: dict[str, Any] | None, dry: Action, real: Action
) -> None:
    assert actions(plan(new, old, dry_run=True)) == [dry]
    assert actions(plan(new, old)) == [real]


@pytest.mark.parametrize(
    "by",
    [
        pytest.param(provenance(name="copy"), id="another name"),
        pytest.param(provenance(namespace="b"), id="another namespace"),
        pytest.param(provenance(LOST), id="another installation's key"),
    ],
)
def test_a_record_that_was_copied_proves_nothing(by: Provenance) -> None:
    copied = live(ANNOTATED)
    (step,) = plan(copied, copied, by=by).steps
    assert (step.action, step.entry) == (Action.RESOLVE, None)
    # Created elsewhere, the value that came along is nobody's: it has to be what the reference stands for there.
    (step,) = plan(copied, None, by=by).steps
    assert (step.action, step.own) == (Action.RESOLVE, copied["data"]["a"])


def test_a_copied_value_in_place_is_a_literal() -> None:
    found = plan(live(IN_PLACE), None, by=provenance(name="copy"))
    assert not found.steps
    assert found.warnings == ["keyhole.dev/record /data/a proves nothing here, and goes"]
    assert found.rewrites_metadata


# What is sent with a valid record of its own: another webhook's reinvocation, or a backup.


@pytest.mark.parametrize("manifest", [ANNOTATED, IN_PLACE, IN_TEXT], ids=["annotation", "in place", "in a text"])
def test_a_value_sent_with_its_valid_record_gives_the_reference_and_is_resolved_again(manifest: dict[str, Any]) -> None:
    sent = live(manifest)
    (step,) = plan(sent).steps
    assert step.action is Action.RESOLVE
    assert (step.proved, step.own) == (sent["data"]["a"], None)
    assert step.entry is not None
    assert resolved(step, {REFERENCE: SecretValue("new")}, {REFERENCE: 2}, provenance()).value is not None


def test_in_an_update_too() -> None:
    old, sent = live(ANNOTATED), admitted(secret(annotations={NOTE: OTHER}), VALUES)
    found = plan(sent, old)
    assert actions(found) == [Action.RESOLVE]
    assert found.steps[0].proved == encoded("other")
    assert not found.warnings


def test_in_an_update_with_another_version_of_the_same_reference_too() -> None:
    old, sent = live(ANNOTATED), admitted(ANNOTATED, {REFERENCE: "rotated"}, 2)
    assert plan(sent, old).steps[0].proved == encoded("rotated")
    assert actions(plan(sent, old)) == [Action.RESOLVE]
    assert actions(plan(sent, old, dry_run=True)) == [Action.KEEP]


def test_a_record_that_is_signed_again_is_not_given_up_for_one_whose_key_is_lost() -> None:
    old = admitted(IN_PLACE, VALUES, by=provenance(LOST))
    found = plan(live(IN_PLACE), old)
    assert actions(found) == [Action.RESOLVE]
    assert not found.retained


def test_a_dry_run_of_a_backup_shows_what_was_sent_and_keeps_its_record() -> None:
    found = plan(live(IN_TEXT), dry_run=True)
    assert actions(found) == [Action.KEEP]
    assert found.steps[0].entry is not None


def test_a_backup_without_its_annotation_is_not_read_for_references() -> None:
    backup = without(admitted(ANNOTATED, {REFERENCE: OTHER}), NOTE)
    assert plan(backup).steps == []


# Nothing is wanted any more.


def test_a_removed_annotation_takes_its_value_along() -> None:
    old = live(ANNOTATED)
    for dry_run in (False, True):
        found = plan(without(old, NOTE), old, dry_run=dry_run)
        assert (found.steps, found.removed, found.retained, found.warnings) == ([], ["a"], {}, [])
        assert found.rewrites_metadata


def test_a_value_that_is_replaced_with_its_annotation_is_the_manifests_own() -> None:
    old = live(ANNOTATED)
    found = plan(without(with_value(old, "a", "literal"), NOTE), old)
    assert (found.steps, found.removed, found.retained) == ([], [], {})
    assert found.warnings == [
        "data.a: its annotation was removed, and the value is another than Keyhole's: it stays",
    ]


def test_a_removed_annotation_whose_value_went_too_needs_no_words() -> None:
    old = live(ANNOTATED)
    found = plan(without(with_value(old, "a", None), NOTE), old)
    assert (found.steps, found.removed, found.warnings) == ([], [], [])


def test_a_value_that_reads_as_a_reference_is_not_resolved_when_its_annotation_goes() -> None:
    old = admitted(ANNOTATED, {REFERENCE: OTHER})
    found = plan(without(old, NOTE), old)
    assert (found.steps, found.removed) == ([], ["a"])


@pytest.mark.parametrize("text", ["by hand", None], ids=["changed", "removed"])
def test_a_person_who_changes_a_value_in_place_wins(text: str | None) -> None:
    old = live(IN_PLACE)
    found = plan(with_value(old, "a", text), old)
    assert (found.steps, found.removed, found.retained) == ([], [], {})
    assert found.warnings == ["data.a: its value was changed by hand: the reference that stood there is forgotten"]


def test_a_value_in_place_whose_key_is_lost_stays_with_its_record() -> None:
    old = live(IN_PLACE)
    found = plan(edited(old, labels={"x": "y"}), old, by=provenance(LOST))
    assert not found.steps
    assert list(found.retained) == ["/data/a"]
    assert "cannot be checked" in found.warnings[0]


def test_a_value_whose_key_is_lost_stays_unread_when_its_annotation_goes() -> None:
    old = admitted(ANNOTATED, {REFERENCE: OTHER})
    found = plan(without(old, NOTE), old, by=provenance(LOST))
    assert (found.steps, found.removed, list(found.retained)) == ([], [], ["/data/a"])


def test_references_of_the_record_count_towards_the_limit() -> None:
    old = live(secret({"a": f"(({REF}))" * 600}))
    sent = {**old, "data": {**old["data"], "b": encoded(f"(({REF}))" * 600)}}
    (problem,) = plan(sent, old).problems
    assert "holds 1200 references, more than 1000" in problem.message


def test_ignoring_a_key_lets_go_of_it() -> None:
    old = live(IN_PLACE)
    new = edited(old, annotations={**old["metadata"]["annotations"], "keyhole.dev/ignore": "a"})
    found = plan(new, old)
    assert (found.steps, found.retained, found.removed) == ([], {}, [])
    assert "keyhole.dev/ignore names it" in found.warnings[0]


def test_a_forged_record_counts_as_none() -> None:
    old = live(IN_PLACE)
    forged = old["metadata"]["annotations"]["keyhole.dev/record"].replace(REF, OTHER)
    sent = edited(old, annotations={"keyhole.dev/record": forged})
    found = plan(sent, sent)
    assert (found.steps, found.retained) == ([], {})
    assert found.warnings == ["data.a: its record proves nothing, and goes"]


def test_nobody_is_made_to_work_by_a_record_that_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("manifests.claims.values_in", lambda *_: pytest.fail("before the MAC was checked"))
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
    plan_secret(edited(old, labels={"x": "y"}), old, by, dry_run=dry_run)
    assert checked == ["/data/a"]


def test_no_value_stands_in_what_may_be_shown() -> None:
    old = live(ANNOTATED)
    assert old["data"]["a"] not in repr(Claims(old, provenance()))
    assert old["data"]["a"] not in repr(plan(old, old))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "not json", "[" * 5000, " " * 300_000, '{"v":2,"key":"a","fields":{}}']
)
def test_what_is_no_record_goes_with_a_warning(text: str) -> None:
    found = plan(secret({"a": "x"}, {"keyhole.dev/record": text}))
    assert found.warnings == ["keyhole.dev/record the whole of it proves nothing here, and goes"]
    assert found.rewrites_metadata


# Objects that are deleted, immutable, or have no name.


def test_an_object_that_is_being_deleted_is_never_touched_or_refused() -> None:
    old = {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "data": {"a": encoded("vault:broken")}}
    assert plan(secret({"a": "vault:broken"}), old) == Plan()


def test_only_the_live_object_says_that_it_is_being_deleted() -> None:
    assert actions(plan(edited(IN_PLACE, deletionTimestamp="2026-01-01T00:00:00Z"))) == [Action.RESOLVE]


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_immutable_value_is_kept_with_what_is_recorded_of_it(dry_run: bool) -> None:
    old = {**live(ANNOTATED), "immutable": True}
    found = plan(applied(secret(annotations={NOTE: OTHER}), old), old, dry_run=dry_run)
    assert actions(found) == [Action.KEEP]
    assert found.steps[0].proved == old["data"]["a"]
    assert list(found.retained) == ["/data/a"]
    assert found.warnings == ["data.a: the Secret is immutable, and its value stays as it is"]


def test_an_immutable_value_that_nobody_sent_is_kept_if_it_is_proved_and_only_then() -> None:
    old = {**live(IN_PLACE), "immutable": True}
    assert actions(plan({**IN_PLACE, "immutable": True}, old)) == [Action.KEEP]
    foreign = secret({"a": "never of Keyhole"}, immutable=True)
    assert actions(plan({**ANNOTATED, "immutable": True}, foreign, dry_run=True)) == []


def test_a_key_that_an_immutable_object_lacks_is_a_problem() -> None:
    (problem,) = plan(ANNOTATED, secret({"b": "live"}, immutable=True)).problems
    assert "immutable and lacks the key" in problem.message


def test_without_a_name_there_is_no_record_and_no_reference_in_place() -> None:
    found = plan_secret(secret({"a": REF}, {"data.keyhole.dev/b": REF}), None, None, dry_run=False)
    (problem,) = found.problems
    assert problem.origin == "data.a"
    assert "generated name" in problem.message
    assert plan_secret(ANNOTATED, None, None, dry_run=False).steps[0].action is Action.RESOLVE


# A value beside its annotation, when the object is created.


def test_a_value_beside_its_annotation_is_refused() -> None:
    with pytest.raises(TwoValues, match="data.a has a value of its own"):
        filled(secret({"a": "mine"}, {NOTE: REF}), "theirs")


def test_in_a_dry_run_it_is_refused_at_once() -> None:
    (problem,) = plan(secret({"a": "mine"}, {NOTE: REF}), dry_run=True).problems
    assert problem.origin == f"annotation {NOTE}"
    assert "value of its own" in problem.message


def test_the_value_that_the_reference_stands_for_may_stand_beside_it() -> None:
    assert filled(secret({"a": "same"}, {NOTE: REF}), "same") == b"same"


@pytest.mark.parametrize("value", ["", MARKER], ids=["an empty value", "what a dry run showed"])
def test_what_is_no_value_may_stand_beside_its_annotation(value: str) -> None:
    assert actions(plan(secret({"a": value}, {NOTE: REF}))) == [Action.RESOLVE]


# What a step comes to.


def secrets() -> dict[Reference, SecretValue]:
    return {reference: SecretValue(value) for reference, value in VALUES.items()}


def value_of(manifest: Mapping[str, Any], key: str) -> SecretValue:
    (step,) = plan(manifest, manifest, dry_run=True).steps
    assert step.want.key == key
    value = kept(step, provenance(), is_confirmed=False).value
    assert value is not None
    return value


def filled(new: Mapping[str, Any], value: str) -> bytes | None:
    (step,) = plan(new).steps
    result = resolved(step, {REFERENCE: SecretValue(value)}, {REFERENCE: 1}, provenance()).value
    return None if result is None else result.reveal()


def test_a_resolved_field_holds_the_value() -> None:
    assert filled(secret({"a": f"x=(({REF}));"}), "1") == b"x=1;"


def test_references_are_named_once() -> None:
    assert references(plan(secret({"a": f"(({REF})) (({REF}))", "b": REF})).steps) == (REFERENCE,)


@pytest.mark.parametrize("value", ["vault:secret/b#c", "vault:broken", "see ${vault:secret/b#c}", "((vault:x"])
def test_a_value_that_reads_as_a_reference_cannot_stand_in_place(value: str) -> None:
    with pytest.raises(LooksLikeReference):
        filled(secret({"a": REF}), value)


def test_the_same_value_may_stand_where_an_annotation_says_what_it_is() -> None:
    assert filled(ANNOTATED, "vault:secret/b#c") == b"vault:secret/b#c"


def test_a_kept_entry_is_signed_anew_when_another_key_signs_and_only_if_vault_confirmed_it() -> None:
    old = live(ANNOTATED)
    rotated = provenance(ring("0000000c", RING.signing.id))
    (step,) = plan(old, old, by=rotated).steps
    assert step.action is Action.VERIFY
    same, anew = (kept(step, rotated, is_confirmed=confirmed).entry for confirmed in (False, True))
    assert same == step.entry
    assert anew is not None
    assert anew.key == "0000000c"


@pytest.mark.parametrize("key", ["a", ".dockerconfigjson", ".dockercfg", "tls.crt", "tls.key", "ca.crt"])
def test_a_placeholder_is_known_again_and_depends_on_the_key_alone(key: str) -> None:
    (step,) = plan(secret(annotations={f"data.keyhole.dev/{key}": REF}), dry_run=True).steps
    value = shown(step).value
    assert value is not None
    assert value.reveal() == placeholder(key)
    assert is_placeholder(key, placeholder(key))
    assert not is_placeholder(key, b"value")


def test_placeholders_have_the_form_that_their_key_needs() -> None:
    assert json.loads(placeholder(".dockerconfigjson"))["auths"] == {}
    assert placeholder("tls.crt").startswith(b"-----BEGIN CERTIFICATE-----\n")
