"""The judges of what stands in the cluster: three answers about each object, and never two."""

from typing import Any

import pytest

from enforcer.collecting.inventory import nothing_yet
from enforcer.facts.base import NotKnown
from enforcer.facts.cluster import Unread
from enforcer.facts.trail import Admitted, TrailFacts
from enforcer.judging.appliers import STANDARD as APPLIERS
from enforcer.judging.no_plaintext import STANDARD as NO_PLAINTEXT
from enforcer.judging.nothing_unresolved import STANDARD as NOTHING_UNRESOLVED
from enforcer.judging.records_proved import STANDARD as RECORDS_PROVED
from enforcer.judging.standard import Standard
from tests.enforcer.judging.clusters import REFERENCE, WHEN, field, inventory, secret, told, writer

ALL = [RECORDS_PROVED, NOTHING_UNRESOLVED, NO_PLAINTEXT, APPLIERS]
AWAY = NotKnown(not_known="Keyhole is away")


def _parameters(standard: Standard) -> dict[str, Any]:
    return {"managers": ["kubectl"]} if standard is APPLIERS else {}


@pytest.mark.parametrize("standard", ALL, ids=lambda standard: standard.rule.id)
class TestWhatCouldNotBeLookedAt:
    def _told(self, standard: Standard, *objects: Any, **more: Any) -> list[str]:
        return told(standard, inventory(*objects, **more), **_parameters(standard))

    def test_a_cluster_that_nobody_asked_is_not_checked(self, standard: Standard) -> None:
        (answer,) = told(standard, nothing_yet("test", WHEN), **_parameters(standard))
        assert answer.startswith("not checked Section cluster: ")

    def test_a_namespace_without_rights_is_not_checked(self, standard: Standard) -> None:
        assert self._told(standard, objects=NotKnown(not_known="no right")) == ["not checked Namespace shop: no right"]

    def test_an_object_and_a_kind_that_could_not_be_read_are_not_checked(self, standard: Standard) -> None:
        unread = [
            Unread(group="", kind="Secret", name="huge", not_known="too large"),
            Unread(group="", kind="Secret", not_known="no right"),
        ]
        assert self._told(standard, unread=unread) == [
            "not checked Secret shop/huge: too large",
            "not checked Namespace shop: all objects of the kind Secret: no right",
        ]

    def test_a_proved_secret_is_held_and_nothing_else_is_said(self, standard: Standard) -> None:
        assert self._told(standard, secret("app", "password")) == ["held Secret shop/app"]


class TestRecordsProved:
    def test_an_object_without_a_record_is_not_looked_at(self) -> None:
        assert told(RECORDS_PROVED, inventory(secret("plain"))) == []

    def test_each_entry_that_is_not_proved_is_told_with_who_wrote_the_key(self) -> None:
        changed = secret(
            "app",
            "a",
            "b",
            proof="changed",
            unproved=("/data/a",),
            writers=(writer("a", minute=1), writer("a", manager="evil one", minute=2), writer("b", minute=3)),
        )
        (answer,) = told(RECORDS_PROVED, inventory(changed))
        assert answer == (
            f"Secret shop/app /data/a: nothing proves that /data/a came from {REFERENCE}; "
            '"evil one" wrote it last at 2026-06-01 02:02 UTC'
        )

    def test_a_record_that_proves_nothing_at_all_is_one_finding(self) -> None:
        changed = secret("app", "a", proof="changed", unproved=("",))
        assert told(RECORDS_PROVED, inventory(changed)) == ["Secret shop/app : its record proves nothing"]

    def test_what_could_not_be_tried_is_not_checked(self) -> None:
        assert told(RECORDS_PROVED, inventory(secret("app", "a", proof=AWAY))) == [
            "not checked Secret shop/app: Keyhole is away"
        ]


class TestNothingUnresolved:
    def test_a_reference_that_no_record_is_about_waits(self) -> None:
        waiting = secret("app", "a", record=False, fields=(), unfilled=("/data/a",))
        assert told(NOTHING_UNRESOLVED, inventory(waiting)) == [
            f"Secret shop/app /data/a: /data/a waits for {REFERENCE}: no record says that Keyhole filled it"
        ]

    def test_whole_secrets_that_gave_nothing_are_told(self) -> None:
        waiting = secret("app", wants={"": "vault:secret/app"}, unfilled=("",))
        (answer,) = told(NOTHING_UNRESOLVED, inventory(waiting))
        assert "nothing was filled from vault:secret/app" in answer

    def test_annotations_that_cannot_be_read_or_mean_nothing_are_told_once_each(self) -> None:
        wrong = secret("app", malformed=("data.keyhole.dev/a",), unfilled=("/data/a",), unknown=("keyhole.dev/fild",))
        found = told(NOTHING_UNRESOLVED, inventory(wrong))
        assert [answer.split(": ")[0] for answer in found] == [
            "Secret shop/app metadata.annotations data.keyhole.dev/a",
            "Secret shop/app metadata.annotations keyhole.dev/fild",
        ]

    def test_a_namespace_that_lost_its_label_is_told(self) -> None:
        found = told(NOTHING_UNRESOLVED, inventory(secret("app", "a"), enabled=False))
        assert [answer.split(":")[0] for answer in found] == ["Namespace shop metadata.labels", "held Secret shop/app"]

    def test_an_object_that_has_nothing_to_do_with_keyhole_is_not_looked_at(self) -> None:
        assert told(NOTHING_UNRESOLVED, inventory(secret("plain", keys=3))) == []


def test_a_namespace_without_the_label_that_was_not_looked_at_is_not_checked_and_no_finding() -> None:
    unknown = inventory(objects=NotKnown(not_known="no right"), enabled=False)
    assert told(NOTHING_UNRESOLVED, unknown) == ["not checked Namespace shop: no right"]


class TestNoPlaintext:
    def test_a_key_that_no_reference_fills_is_told_with_who_wrote_it(self) -> None:
        mixed = secret("app", "a", keys=2, writers=(writer("b", manager="helm"),))
        (answer,) = told(NO_PLAINTEXT, inventory(mixed))
        assert answer == (
            "Secret shop/app /data/b: data.b holds a value that no reference fills; "
            "helm wrote it last at 2026-06-01 02:00 UTC"
        )

    def test_a_secret_of_which_every_key_is_filled_is_held_whoever_owns_them(self) -> None:
        # In place: the client owns the key that it sent as a reference.
        assert told(NO_PLAINTEXT, inventory(secret("app", "a", writers=(writer("a"),)))) == ["held Secret shop/app"]
        assert told(NO_PLAINTEXT, inventory(secret("app", "a", writers=None))) == ["held Secret shop/app"]
        # A key that somebody wrote and that is gone by now.
        assert told(NO_PLAINTEXT, inventory(secret("app", "a", writers=(writer("gone"),)))) == ["held Secret shop/app"]

    def test_keys_that_nobody_owns_are_counted(self) -> None:
        (answer,) = told(NO_PLAINTEXT, inventory(secret("app", "a", keys=4, writers=(writer(),))))
        assert answer.startswith("Secret shop/app /data: it has 3 keys that no reference fills and no client wrote")

    def test_without_managed_fields_it_is_not_checked(self) -> None:
        (answer,) = told(NO_PLAINTEXT, inventory(secret("app", "a", keys=2, writers=None)))
        assert answer.startswith("not checked Secret shop/app: it has no managedFields")

    def test_a_record_that_is_not_proved_excuses_no_other_key(self) -> None:
        # The filled key is gone, and another one took its place in the count.
        changed = secret("app", "a", proof="changed", unproved=("/data/a",), keys=1, writers=(writer("b"),))
        (answer,) = told(NO_PLAINTEXT, inventory(changed))
        assert answer.startswith("Secret shop/app /data/b")

    def test_what_waits_for_a_value_is_told_by_another_standard(self) -> None:
        waiting = secret("app", "a", record=False, proof="no record", fields=(), unfilled=("/data/a",), keys=1)
        assert told(NO_PLAINTEXT, inventory(waiting)) == ["held Secret shop/app"]

    def test_the_source_of_a_file_is_no_secret(self) -> None:
        file = secret("app", "out", keys=2, wants={"/data/out": "key:in"}, writers=(writer("in"),))
        assert told(NO_PLAINTEXT, inventory(file)) == ["held Secret shop/app"]

    @pytest.mark.parametrize("made_up", ["", "mine", "kubernetes.io/mine", "helm.sh/release.v1x", "opaque"])
    def test_a_made_up_type_hides_no_value(self, made_up: str) -> None:
        plain = secret("app", keys=1, type=made_up, writers=(writer("url"),))
        (answer,) = told(NO_PLAINTEXT, inventory(plain))
        assert answer.startswith("Secret shop/app /data/url: ")

    def test_types_that_programs_fill_are_exempt(self) -> None:
        release = secret("app", keys=1, type="helm.sh/release.v1", writers=(writer("release"),))
        assert told(NO_PLAINTEXT, inventory(release)) == []

    def test_parameters_let_types_names_and_keys_through(self) -> None:
        plain = [
            secret("app", keys=1, writers=(writer("url"),)),
            secret("helm", type="helm.sh/release.v1", keys=1, writers=(writer("release"),)),
            secret("basic", type="kubernetes.io/basic-auth", keys=2, writers=(writer("username", "password"),)),
        ]
        of = inventory(*plain)
        assert [answer.split(":")[0] for answer in told(NO_PLAINTEXT, of)] == ["Secret shop/app /data/url"]
        assert told(NO_PLAINTEXT, of, exemptNames=["a*"]) == []
        assert told(NO_PLAINTEXT, of, publicKeys={"Opaque": ["url"]}) == ["held Secret shop/app"]
        found = told(
            NO_PLAINTEXT,
            of,
            exempt_types=["Opaque", "helm.sh/*"],
            publicKeys={"kubernetes.io/basic-auth": ["username"]},
        )
        assert [answer.split(":")[0] for answer in found] == ["Secret shop/basic /data/password"]

    def test_kinds_beside_secrets_are_not_its_matter(self) -> None:
        unread = [Unread(group="", kind="ConfigMap", not_known="no right")]
        config = secret("map", kind="ConfigMap", type="", keys=None, writers=(writer("a"),))
        assert told(NO_PLAINTEXT, inventory(config, unread=unread)) == []

    def test_a_hostile_key_is_quoted_and_has_a_pointer(self) -> None:
        (answer,) = told(NO_PLAINTEXT, inventory(secret("app", keys=1, writers=(writer("a\u202eb"),))))
        assert "\u202e" not in answer.partition(": ")[2]


class TestAppliers:
    FLUX = "system:serviceaccount:flux-system:kustomize-controller"

    def _trail(self, requester: str, name: str = "app", minute: int = 0) -> Admitted:
        last = WHEN.replace(minute=minute)
        return Admitted(group="", kind="Secret", namespace="shop", name=name, requester=requester, last=last)

    def _facts(self, *admitted: Admitted) -> TrailFacts:
        return TrailFacts(files=(), lines=1, chains=(), since=WHEN, admitted=admitted)

    def test_it_is_off_and_asks_for_names_if_it_is_switched_on_without_any(self) -> None:
        assert APPLIERS.rule.is_off
        (answer,) = told(APPLIERS, inventory(secret("app", "a")))
        assert answer.startswith("not checked Standard appliers: its parameters name neither")

    def test_a_field_manager_that_is_not_named_is_told(self) -> None:
        by_hand = secret(
            "app",
            "a",
            writers=(
                writer(annotations=["data.keyhole.dev/a"], manager="kustomize-controller"),
                writer(annotations=["data.keyhole.dev/a"], manager="kubectl-edit"),
                writer(annotations=["keyhole.dev/refresh"], manager="keyhole"),
                writer(manager="kube-controller-manager"),
            ),
        )
        assert told(APPLIERS, inventory(by_hand), managers=["kustomize-*"]) == [
            "Secret shop/app manager kubectl-edit: the field manager kubectl-edit wrote references or keys of it"
        ]

    def test_the_last_requester_of_the_trail_counts_and_the_loop_does_not(self) -> None:
        loop = self._trail("system:serviceaccount:shop:keyhole-reconciler", minute=9)
        of = inventory(
            secret("app", "a"), trail=self._facts(self._trail("eve"), self._trail(self.FLUX, minute=5), loop)
        )
        assert told(APPLIERS, of, accounts=["system:serviceaccount:flux-system:*"]) == ["held Secret shop/app"]
        of = inventory(secret("app", "a"), trail=self._facts(self._trail(self.FLUX), self._trail("eve", minute=5)))
        assert told(APPLIERS, of, accounts=["system:serviceaccount:flux-system:*"]) == [
            "Secret shop/app requester: eve had it admitted last, at 2026-06-01 02:05 UTC"
        ]

    def test_what_keyhole_itself_made_is_held(self) -> None:
        loop = self._trail("system:serviceaccount:shop:keyhole-reconciler")
        elsewhere = self._trail("system:serviceaccount:office:keyhole-reconciler")
        for admitted, is_held in ((loop, True), (elsewhere, False)):
            (answer,) = told(APPLIERS, inventory(secret("app", "a"), trail=self._facts(admitted)), accounts=["flux"])
            assert answer.startswith("held") is is_held

    def test_what_the_trail_does_not_say_is_not_checked(self) -> None:
        of = inventory(secret("app", "a"), trail=self._facts(self._trail("eve", name="other")))
        (answer,) = told(APPLIERS, of, accounts=["eve"])
        assert answer.startswith("not checked Secret shop/app: the trail, which begins at 2026-06-01 02:00 UTC, does")

    def test_a_trail_with_more_than_was_counted_proves_nobody_right(self) -> None:
        trail = self._facts(self._trail(self.FLUX)).model_copy(update={"left_out": 1})
        (answer,) = told(APPLIERS, inventory(secret("app", "a"), trail=trail), accounts=[self.FLUX])
        assert answer.startswith("not checked Secret shop/app: the trail has more entries than were counted")

    def test_without_a_trail_no_account_is_right_and_managers_are_looked_at(self) -> None:
        of = inventory(secret("app", "a"), secret("other", "a", writers=None), trail=NotKnown(not_known="no key"))
        assert told(APPLIERS, of, accounts=["eve"], managers=["x"]) == [
            "not checked Section trail: no key",
            "Secret shop/app manager kubectl: the field manager kubectl wrote references or keys of it",
            "not checked Secret shop/other: it has no managedFields, so nobody knows who wrote it",
        ]


def test_the_order_of_the_answers_is_that_of_the_facts() -> None:
    many = [secret(name, "a", proof="changed", unproved=("/data/a",)) for name in ("a", "b", "c")]
    found = told(RECORDS_PROVED, inventory(*many))
    assert found == sorted(found)


def test_no_two_findings_of_one_object_have_the_same_fingerprint() -> None:
    wrong = secret("app", "a", proof="changed", unproved=("/data/a", "/data/b"), fields=(field("a"), field("b")))
    found = list(RECORDS_PROVED.judge(inventory(wrong), RECORDS_PROVED.parameters()))
    assert len({each.fingerprint for each in found}) == 2  # type: ignore[union-attr]
