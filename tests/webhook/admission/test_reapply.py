"""Updates of objects that Keyhole filled before: what is kept, what Vault is asked, and what happens when it fails."""

import json
from collections.abc import Mapping
from typing import Any

import jsonpatch
import pytest

from kube.errors import KubernetesError, KubernetesUnavailable
from manifests.provenance.keyring import KeyRing
from resolver.deadline import Deadline
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from resolver.resolve import Outcome, Resolved
from resolver.vault.errors import PathNotAllowed, SecretNotFound, VaultDenied, VaultUnavailable
from tests.manifests.provenances import RING, admitted, provenance, ring, with_counters
from tests.manifests.secrets import encoded, secret
from tests.webhook.admission.test_admit import Labels, Outcomes, Rights
from tests.webhook.reviews import parsed
from webhook.admission.admit import Admission
from webhook.model import Answer

REF = "vault:secret/app#password"
REFERENCE = Reference("secret/app", "password")
NOTE = "data.keyhole.dev/password"
ANNOTATED = secret(annotations={NOTE: REF})


def live(manifest: Mapping[str, Any] = ANNOTATED, value: str = "value", keys: KeyRing = RING) -> dict[str, Any]:
    return admitted(manifest, {REFERENCE: value}, by=provenance(keys, "team-a"))


def found(value: str = "value", version: int = 1) -> Resolved:
    return Resolved(SecretValue(value), version, "id")


class Scene:
    """An admission whose surroundings are given."""

    def __init__(
        self,
        outcome: Outcome | Exception | None = None,
        enabled: bool | Exception = True,
        allowed: bool | Exception = True,
        keys: KeyRing | None = RING,
        refresh: float = 300.0,
    ) -> None:
        self.vault = Outcomes(outcome or AssertionError("Vault was asked"), refresh=refresh)
        self.rights = Rights(allowed)
        self.keys = keys
        self._admission = Admission(self.vault, Labels(enabled), self.rights, lambda: self.keys)

    def answer(self, new: Mapping[str, Any], old: Mapping[str, Any] | None = None, **request: Any) -> Answer:
        return self._admission.answer(parsed(new, old, **request), Deadline.after(5.0))

    @property
    def reads(self) -> int:
        return len(self.vault.asked)


PATCH = {"kind": "PatchOptions"}


def sent_by_clients(manifest: Mapping[str, Any], *annotations: str) -> dict[str, Any]:
    """Return an object whose field manager owns annotations, as the API server says what a client sent."""
    owned: dict[str, Any] = {"f:metadata": {"f:annotations": {f"f:{name}": {} for name in annotations}}}
    manager = {"manager": "kubectl", "operation": "Update", "fieldsType": "FieldsV1", "fieldsV1": owned}
    return {**manifest, "metadata": {**manifest["metadata"], "managedFields": [manager]}}


def patched(manifest: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    result: dict[str, Any] = jsonpatch.apply_patch(manifest, json.loads(answer.patch or b"[]"))
    return result


def test_a_dry_run_of_an_unchanged_object_asks_nobody_and_changes_nothing() -> None:
    scene = Scene(enabled=AssertionError(), allowed=AssertionError())
    given = scene.answer(live(), live(), dryRun=True, options=PATCH)
    assert (given.allowed, given.patch, list(given.warnings)) == (True, None, [])


def test_a_dry_run_of_what_is_in_git_gives_the_live_object() -> None:
    for manifest in (ANNOTATED, secret({"password": f"a=(({REF}))"})):
        sent = {**manifest, "metadata": {**manifest["metadata"], "labels": {"keyhole.dev/managed": "true"}}}
        given = Scene().answer(sent, live(manifest), dryRun=True)
        assert patched(sent, given) == live(manifest)


def test_a_value_that_vault_confirmed_lately_is_not_asked_for_again() -> None:
    scene = Scene(found())
    created = patched(ANNOTATED, scene.answer(ANNOTATED))
    assert created == live()
    for _ in range(3):
        assert scene.answer(created, created).patch is None
    assert scene.reads == 1


def test_one_that_another_process_resolved_is_verified_once() -> None:
    scene = Scene(found())
    for _ in range(3):
        assert scene.answer(live(), live()).patch is None
    assert scene.reads == 1


@pytest.mark.parametrize(
    ("refresh", "note"), [(0.0, {}), (300.0, {"keyhole.dev/refresh": "now"})], ids=["stale", "a refresh is asked for"]
)
def test_a_value_that_vault_changed_is_put_in(refresh: float, note: dict[str, str]) -> None:
    scene = Scene(found(), refresh=refresh)
    scene.answer(live(), live())
    scene.vault.outcome = found("rotated", 2)
    sent = live()
    sent["metadata"]["annotations"].update(note)
    given = scene.answer(sent, live())
    expected = admitted(ANNOTATED, {REFERENCE: "rotated"}, 2, by=provenance(namespace="team-a"))
    assert patched(sent, given) == with_counters(expected, 1, 1)


def test_a_refresh_request_never_lands_even_in_a_dry_run() -> None:
    sent = live()
    sent["metadata"]["annotations"]["keyhole.dev/refresh"] = "now"
    assert patched(sent, Scene().answer(sent, live(), dryRun=True)) == live()
    plain = secret({"a": "x"}, {"keyhole.dev/refresh": "now"})
    assert patched(plain, Scene().answer(plain, secret({"a": "x"}))) == secret({"a": "x"}, {})


@pytest.mark.parametrize(
    "scene",
    [
        pytest.param(Scene(VaultUnavailable("https://v", "is sealed")), id="Vault is sealed"),
        pytest.param(Scene(VaultDenied("secret/data/app")), id="Vault says no"),
        pytest.param(Scene(SecretNotFound("secret/app", None, deleted=True)), id="the secret was deleted"),
        pytest.param(Scene(PathNotAllowed("secret/app", "default", "team-a")), id="allow was narrowed"),
        pytest.param(Scene(enabled=False), id="the namespace opted out"),
        pytest.param(Scene(enabled=KubernetesUnavailable("did not answer")), id="the namespace cannot be read"),
        pytest.param(Scene(enabled=KubernetesError("reading namespace team-a", 403)), id="nor may it"),
        pytest.param(Scene(allowed=False), id="the requester may not read it"),
        pytest.param(Scene(TimeoutError()), id="the time is up"),
        pytest.param(Scene(RuntimeError("hunter2")), id="a bug of ours"),
    ],
)
def test_whatever_fails_a_proved_value_stays_with_a_warning(scene: Scene) -> None:
    edited = live()
    edited["metadata"]["labels"]["x"] = "y"
    given = scene.answer(edited, live(), options=PATCH)
    assert given.allowed
    assert patched(edited, given) == edited
    (warning,) = given.warnings
    assert warning.startswith("data.password keeps its value, unverified: ")
    assert "hunter2" not in warning


def test_a_failing_value_in_place_stays_too() -> None:
    manifest = secret({"password": f"a=(({REF}))"})
    given = Scene(VaultUnavailable("https://v", "is sealed")).answer(manifest, live(manifest))
    assert given.allowed
    assert patched(manifest, given)["data"] == live(manifest)["data"]


def test_only_a_field_that_needs_a_new_value_refuses_the_object() -> None:
    sent = live()
    sent["metadata"]["annotations"]["data.keyhole.dev/new"] = REF
    given = Scene(VaultUnavailable("https://v", "is sealed")).answer(sent, live())
    assert not given.allowed
    assert "annotation data.keyhole.dev/new" in given.message
    assert "password" not in given.message.replace(REF, "")


def test_a_requester_who_may_not_read_gets_no_new_value_by_verifying() -> None:
    scene = Scene(found("rotated", 2), allowed=False)
    given = scene.answer(live(), live(), options=PATCH)
    assert (given.allowed, given.patch, scene.reads) == (True, None, 0)


def test_another_webhooks_reinvocation_keeps_what_was_filled_in_a_moment_ago() -> None:
    scene = Scene(found())
    sent = sent_by_clients(ANNOTATED, NOTE)
    once = patched(sent, scene.answer(sent))
    once["metadata"]["labels"]["other"] = "webhook"
    assert scene.answer(once).patch is None
    assert scene.reads == 1


@pytest.mark.parametrize(
    "backup",
    [
        pytest.param(sent_by_clients(live(value="old"), NOTE, "keyhole.dev/record"), id="as the API server says"),
        pytest.param(live(value="old"), id="or does not say"),
    ],
)
@pytest.mark.parametrize("old", [None, live(value="newer")], ids=["created", "updated"])
def test_a_backup_of_a_moment_ago_gets_what_vault_says_now(backup: dict[str, Any], old: dict[str, Any] | None) -> None:
    scene = Scene(found("old"))
    scene.answer(live(value="old"), live(value="old"))
    scene.vault.outcome = found("new", 2)
    assert patched(backup, scene.answer(backup, old))["data"] == {"password": encoded("new")}


def test_a_refresh_survives_another_webhooks_reinvocation() -> None:
    scene = Scene(found())
    scene.answer(live(), live())
    scene.vault.outcome = found("rotated", 2)
    sent = sent_by_clients(live(), NOTE)
    sent["metadata"]["annotations"]["keyhole.dev/refresh"] = "now"
    once = patched(sent, scene.answer(sent, live()))
    once["metadata"]["labels"]["other"] = "webhook"
    assert patched(once, scene.answer(once, live())) == once
    assert scene.reads == 2


def test_a_reinvocation_that_comes_to_another_worker_is_resolved_there() -> None:
    one, two = Scene(found()), Scene(found("rotated", 2))
    one.answer(live(), live())
    once = patched(live(), two.answer(live(), live()))
    one.vault.outcome = found("rotated", 2)
    assert patched(once, one.answer(once, live())) == once
    assert one.reads == 2


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_put_without_the_value_shows_it_to_nobody_who_may_not_get_it(dry_run: bool) -> None:
    scene = Scene(found(), allowed=False)
    given = scene.answer(ANNOTATED, live(), dryRun=dry_run)
    assert (given.allowed, given.cause, given.patch) == (False, "RequesterMayNotRead", None)
    # To a PATCH the API server answers with the live object anyway.
    assert scene.answer(ANNOTATED, live(), dryRun=dry_run, options=PATCH).allowed


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("manifest", "old"),
    [
        pytest.param(ANNOTATED, live(), id="in an annotation"),
        pytest.param(secret({}), live(), id="whose annotation is gone"),
        pytest.param(secret({}), live(secret({"password": REF})), id="in place"),
        pytest.param(secret({}), live(secret({"password": f"((({REF})))"}), "value)"), id="in a text"),
        pytest.param(secret({}), live(secret({"password": REF}), keys=ring("0000000b")), id="whose key is lost"),
        pytest.param(ANNOTATED, secret({"password": "value"}), id="that is to come from an annotation"),
        pytest.param(secret({}, {NOTE: "vault:broken"}), live(), id="whose annotation is malformed"),
        pytest.param(ANNOTATED, {**live(), "immutable": True}, id="of an immutable Secret"),
    ],
)
def test_who_may_not_get_a_value_learns_nothing_by_guessing_it(
    manifest: dict[str, Any], old: dict[str, Any], dry_run: bool
) -> None:
    right = old["data"]["password"]
    guesses = [{**manifest, "data": {"password": guess}} for guess in (right, encoded("wrong"), encoded("vault:v1:"))]
    answers = [Scene(found(), allowed=False).answer(guess, old, dryRun=dry_run) for guess in guesses]
    assert answers[0] == answers[1] == answers[2]
    assert (answers[0].cause, answers[0].warnings) == ("RequesterMayNotRead", ())


def test_nor_by_guessing_a_text_that_looks_like_a_reference() -> None:
    old = secret({"password": "vault:v1:right"})
    for old_notes in ({}, {"example.com/x": "y"}):
        guesses = [secret({"password": f"vault:v1:{guess}"}, old_notes) for guess in ("right", "wrong")]
        right, wrong = (Scene(found(), allowed=False).answer(guess, old) for guess in guesses)
        assert right == wrong
        assert right.cause == "RequesterMayNotRead"


def test_a_stored_reference_is_resolved_or_stays_whatever_else_changes() -> None:
    old = secret({"password": REF})
    new = {**old, "metadata": {**old["metadata"], "labels": {"x": "y"}}}
    for scene in (Scene(VaultDenied("secret/data/app")), Scene(enabled=False), Scene(allowed=False)):
        given = scene.answer(new, old, options=PATCH)
        assert patched(new, given) == new
        (warning,) = given.warnings
        assert warning.startswith("data.password stays an unresolved reference: ")
    resolved = patched(new, Scene(found()).answer(new, old, options=PATCH))
    assert resolved["data"] == {"password": encoded("value")}
    assert "keyhole.dev/record" in resolved["metadata"]["annotations"]


def test_what_is_only_kept_for_want_of_an_answer_is_not_signed_anew() -> None:
    scene = Scene(VaultUnavailable("https://v", "is sealed"), keys=ring("0000000b", RING.signing.id))
    assert patched(live(), scene.answer(live(), live()))["data"] == live()["data"]
    record = json.loads(patched(live(), scene.answer(live(), live()))["metadata"]["annotations"]["keyhole.dev/record"])
    assert record["fields"]["/data/password"]["key"] == RING.signing.id


def test_a_restored_backup_is_resolved_again() -> None:
    scene = Scene(found("new", 2))
    given = scene.answer(live(value="old"))
    assert patched(live(value="old"), given)["data"] == {"password": encoded("new")}


def test_a_removed_annotation_takes_value_record_and_label_along() -> None:
    sent = live()
    del sent["metadata"]["annotations"][NOTE]
    result = patched(sent, Scene().answer(sent, live()))
    assert result == {**secret({}, {}), "metadata": {**secret({}, {})["metadata"], "labels": {}}}


def test_another_key_signs_what_is_kept_and_not_in_a_dry_run() -> None:
    scene = Scene(found(), keys=ring("0000000b", RING.signing.id))
    assert scene.answer(live(), live(), dryRun=True).patch is None
    expected = live(keys=ring("0000000b"))
    assert patched(live(), scene.answer(live(), live())) == expected
    assert patched(expected, scene.answer(expected, expected)) == expected
    assert scene.reads == 1


def test_without_a_key_objects_with_references_wait() -> None:
    scene = Scene(found(), keys=None)
    given = scene.answer(ANNOTATED)
    assert (given.status, given.cause) == (503, "RecordKeyUnavailable")
    assert scene.answer(secret({"a": "plain"})).allowed


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("form", ["in place", "in a text", "annotation"])
def test_a_record_beyond_the_size_of_annotations_is_refused(form: str, dry_run: bool) -> None:
    long = "/".join(["x" * 200] * 9)
    references = {f"key-{number}": f"vault:secret/{long}/{number}#field" for number in range(150)}
    manifest = {
        "in place": secret(references),
        "in a text": secret({key: f"<(({text}))>" for key, text in references.items()}),
        # Kubernetes counts them twice: as they are, and in the record.
        "annotation": secret(
            annotations={f"data.keyhole.dev/{key}": text for key, text in list(references.items())[:80]}
        ),
    }[form]
    given = Scene(found()).answer(manifest, dryRun=dry_run)
    assert (given.status, given.cause) == (403, "RecordTooLarge")
    assert "262144 that Kubernetes allows" in given.message


def test_a_dry_run_refuses_no_record_that_fits() -> None:
    fits = secret({f"key-{number}": f"vault:secret/{'x' * 1500}/{number}#field" for number in range(150)})
    for dry_run in (False, True):
        assert Scene(found()).answer(fits, dryRun=dry_run).allowed
