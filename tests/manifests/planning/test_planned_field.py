"""What becomes of a planned field: a value from Vault, the live value, or a placeholder."""

import json

import pytest

from manifests.kinds.secret import SECRET
from manifests.planning.planned_field import Action, LooksLikeReference, keep_value, preview
from tests.manifests.plans import ANNOTATED, REF, filled, live, plan
from tests.manifests.provenances import RING, provenance, ring
from tests.manifests.secrets import encoded, secret


def test_a_resolved_field_holds_the_value() -> None:
    assert filled(secret({"a": f"x=(({REF}));"}), "1") == b"x=1;"


@pytest.mark.parametrize("value", ["vault:secret/b#c", "vault:broken", "see ${vault:secret/b#c}", "((vault:x"])
def test_a_value_that_reads_as_a_reference_cannot_stand_in_place(value: str) -> None:
    with pytest.raises(LooksLikeReference):
        filled(secret({"a": REF}), value)


def test_the_same_value_may_stand_where_an_annotation_says_what_it_is() -> None:
    assert filled(ANNOTATED, "vault:secret/b#c") == b"vault:secret/b#c"


def test_a_kept_entry_is_signed_anew_when_another_key_signs_and_only_if_vault_confirmed_it() -> None:
    old = live(ANNOTATED)
    rotated = provenance(ring("0000000c", RING.signing.id))
    (planned,) = plan(old, old, by=rotated).fields
    assert planned.action is Action.VERIFY
    same, anew = (keep_value(planned, rotated, is_confirmed=confirmed).entry for confirmed in (False, True))
    assert same == planned.entry
    assert anew is not None
    assert anew.key == "0000000c"


@pytest.mark.parametrize("key", ["a", ".dockerconfigjson", ".dockercfg", "tls.crt", "tls.key", "ca.crt"])
def test_a_placeholder_is_known_again_and_depends_on_the_key_alone(key: str) -> None:
    (planned,) = plan(secret(annotations={f"data.keyhole.dev/{key}": REF}), dry_run=True).fields
    value = preview(planned).value
    assert value is not None
    assert value.reveal() == SECRET.placeholder(key)
    applied = secret({key: value.reveal()}, {f"data.keyhole.dev/{key}": REF})
    (again,) = plan(applied).fields
    assert (again.action, again.own) == (Action.RESOLVE, None)
    (other,) = plan(secret({key: "value"}, {f"data.keyhole.dev/{key}": REF})).fields
    assert other.own == encoded("value")


def test_placeholders_have_the_form_that_their_key_needs() -> None:
    assert json.loads(SECRET.placeholder(".dockerconfigjson"))["auths"] == {}
    assert SECRET.placeholder("tls.crt").startswith(b"-----BEGIN CERTIFICATE-----\n")
