"""What is answered to what: the table of `webhook.admission.admit`, with a resolver whose outcomes are given."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import jsonpatch
import pytest

from kube.access import SECRETS, Subject
from kube.errors import KubernetesError, KubernetesUnavailable
from resolver.budget import AnswersTooLarge, NoRoom, TooMuchWork, ValuesTooLarge
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded, ResolverError
from resolver.references.errors import FunctionError, MissingField
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from resolver.resolve import Outcome, Resolved
from resolver.vault.denials import DeniedForNow, MountDenied, OwnTokenUnknown, TokenUnknown, TokenUsesTooFew
from resolver.vault.errors import (
    ConnectionUnusable,
    IdentityRefused,
    IdentityUnavailable,
    LoginDenied,
    NotKeyValue,
    PathNotAllowed,
    ReferenceRefused,
    SecretNotFound,
    SecretTooLarge,
    UnknownConnection,
    VaultCrowded,
    VaultDenied,
    VaultRateLimited,
    VaultRefused,
    VaultUnavailable,
)
from tests.manifests.provenances import RING, admitted, provenance
from tests.manifests.secrets import secret
from tests.webhook.reviews import parsed
from webhook.admission.admit import Admission
from webhook.model import Answer

REF = "vault:secret/app#password"
REFERENCE = Reference("secret/app", "password")
ANNOTATED = secret(annotations={"data.keyhole.dev/password": REF})


@dataclass
class Outcomes:
    """Gives each reference the same outcome, and remembers who asked for what."""

    outcome: Outcome | Exception
    asked: list[tuple[list[Reference], str]] = field(default_factory=list)
    refresh: float = 300.0

    def resolve(self, references: Iterable[Reference], namespace: str, _: Deadline) -> Mapping[Reference, Outcome]:
        wanted = list(references)
        self.asked.append((wanted, namespace))
        if isinstance(self.outcome, Exception) and not isinstance(self.outcome, ResolverError):
            raise self.outcome
        return dict.fromkeys(wanted, self.outcome)

    def refresh_seconds(self, references: Iterable[Reference]) -> float:
        assert list(references)
        return self.refresh


@dataclass
class Labels:
    enabled: bool | Exception = True

    def is_enabled(self, namespace: str, timeout_seconds: float) -> bool:
        assert timeout_seconds > 0
        if isinstance(self.enabled, Exception):
            raise self.enabled
        return self.enabled


@dataclass
class Rights:
    allowed: bool | Exception = True
    asked: list[tuple[Subject, str, str]] = field(default_factory=list)

    def may_get(
        self,
        subject: Subject,
        namespace: str,
        name: str,
        timeout_seconds: float,
        resource: tuple[str, str] = SECRETS,
    ) -> bool:
        assert timeout_seconds > 0
        self.asked.append((subject, namespace, name))
        if isinstance(self.allowed, Exception):
            raise self.allowed
        return self.allowed


def found(value: str = "value") -> Resolved:
    return Resolved(SecretValue(value), 1, "id")


def answer(
    outcome: Outcome | Exception,
    manifest: Mapping[str, Any] = ANNOTATED,
    enabled: bool | Exception = True,
    seconds: float = 5.0,
    allowed: bool | Exception = True,
    **request: Any,
) -> Answer:
    admission = Admission(Outcomes(outcome), Labels(enabled), Rights(allowed), lambda: RING)
    return admission.answer(parsed(manifest, **request), Deadline.after(seconds))


FORBIDDEN, UNAVAILABLE = HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE


@pytest.mark.parametrize(
    ("outcome", "status", "cause"),
    [
        (VaultDenied("secret/data/app", "id", "role"), FORBIDDEN, "PermissionDenied"),
        (MountDenied("secret/app", "id", "role"), FORBIDDEN, "PermissionDenied"),
        (LoginDenied("id", "role", "jwt", 400), FORBIDDEN, "LoginDenied"),
        (OwnTokenUnknown("https://v"), FORBIDDEN, "LoginDenied"),
        (TokenUsesTooFew("role", 1, 32), FORBIDDEN, "TokenUsesTooFew"),
        (IdentityRefused("id", 404), FORBIDDEN, "IdentityRefused"),
        (SecretNotFound("secret/app", None, deleted=False), FORBIDDEN, "SecretNotFound"),
        (SecretTooLarge("secret/app", 2_000_000, 100_000), FORBIDDEN, "AnswerTooLarge"),
        (AnswersTooLarge(), FORBIDDEN, "AnswerTooLarge"),
        (TooMuchWork(), FORBIDDEN, "TooMuchWork"),
        (ValuesTooLarge(), FORBIDDEN, "SecretTooLarge"),
        (NoRoom(), UNAVAILABLE, "Overloaded"),
        (MissingField(REFERENCE), FORBIDDEN, "FieldNotFound"),
        (FunctionError(REFERENCE, "int", "not an integer"), FORBIDDEN, "FunctionFailed"),
        (NotKeyValue("pki"), FORBIDDEN, "NotAKeyValueMount"),
        (ReferenceRefused("no versions"), FORBIDDEN, "ReferenceRefused"),
        (PathNotAllowed("secret/app", "default", "team-a"), FORBIDDEN, "PathNotAllowed"),
        (UnknownConnection("eu", ["default"]), FORBIDDEN, "UnknownConnection"),
        (VaultRefused("reading", 405), FORBIDDEN, "VaultRefused"),
        (VaultUnavailable("https://v", "is sealed"), UNAVAILABLE, "VaultUnavailable"),
        (VaultRateLimited("https://v", "limits"), UNAVAILABLE, "VaultUnavailable"),
        (DeniedForNow(VaultDenied("secret/data/app"), 12.0, 17.2), UNAVAILABLE, "PermissionDenied"),
        (TokenUnknown("https://v"), UNAVAILABLE, "VaultUnavailable"),
        (VaultCrowded("default"), UNAVAILABLE, "VaultUnavailable"),
        (ConnectionUnusable("default"), UNAVAILABLE, "VaultUnavailable"),
        (DeadlineExceeded(), UNAVAILABLE, "DeadlineExceeded"),
        (IdentityUnavailable("did not answer"), UNAVAILABLE, "KubernetesUnavailable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_error_has_its_answer(outcome: ResolverError, status: HTTPStatus, cause: str) -> None:
    given = answer(outcome)
    assert not given.allowed
    assert given.status == status
    assert given.cause == cause
    assert given.message.startswith(f"{cause}: Secret team-a/app: annotation data.keyhole.dev/password: ")
    assert (given.retry_after_seconds is not None) == (status == UNAVAILABLE)
    assert given.patch is None


def test_every_error_of_the_resolver_stands_in_the_table_above() -> None:
    from resolver.vault import denials
    from resolver.vault import errors as edge

    classes = {
        value
        for module in (edge, denials)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, ResolverError) and value.__module__ == module.__name__
    }
    parameters = test_every_error_has_its_answer.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {type(row[0]) for row in parameters} >= classes


def test_vaults_own_wish_decides_when_to_retry() -> None:
    assert answer(VaultUnavailable("https://v", "limits", retry_after_seconds=17)).retry_after_seconds == 17


def test_a_value_is_patched_in() -> None:
    given = answer(found())
    assert given.allowed
    assert jsonpatch.apply_patch(ANNOTATED, json.loads(given.patch or b"")) == admitted(
        ANNOTATED, {REFERENCE: "value"}, by=provenance(namespace="team-a")
    )


def test_without_references_nobody_is_asked() -> None:
    outcomes = Outcomes(found())
    given = Admission(outcomes, Labels(AssertionError()), Rights(), lambda: RING).answer(
        parsed(secret({"a": "b"})), Deadline.after(5)
    )
    assert given == Answer(allowed=True, warnings=[])
    assert outcomes.asked == []


def test_a_dry_run_asks_no_vault() -> None:
    outcomes = Outcomes(found())
    given = Admission(outcomes, Labels(), Rights(), lambda: RING).answer(
        parsed(ANNOTATED, dryRun=True), Deadline.after(5)
    )
    assert given.allowed
    assert outcomes.asked == []


def test_the_identity_is_that_of_the_requests_namespace() -> None:
    outcomes = Outcomes(found())
    liar = {**ANNOTATED, "metadata": {**ANNOTATED["metadata"], "namespace": "kube-system"}}
    Admission(outcomes, Labels(), Rights(), lambda: RING).answer(parsed(liar), Deadline.after(5))
    assert outcomes.asked == [([REFERENCE], "team-a")]


def test_a_namespace_that_did_not_opt_in_is_refused() -> None:
    given = answer(found(), enabled=False)
    assert (given.status, given.cause) == (FORBIDDEN, "NamespaceNotEnabled")
    assert "keyhole.dev/enabled=true" in given.message


@pytest.mark.parametrize(
    ("error", "status", "cause"),
    [
        (KubernetesUnavailable("did not answer"), UNAVAILABLE, "KubernetesUnavailable"),
        (KubernetesError("reading namespace team-a", 403), FORBIDDEN, "KubernetesRefused"),
    ],
)
def test_when_the_namespace_cannot_be_read(error: Exception, status: HTTPStatus, cause: str) -> None:
    given = answer(found(), enabled=error)
    assert (given.status, given.cause) == (status, cause)


def test_without_time_left_nothing_is_asked() -> None:
    given = answer(found(), seconds=-1)
    assert (given.status, given.cause) == (UNAVAILABLE, "DeadlineExceeded")


def test_who_may_not_read_the_secret_may_not_have_it_filled() -> None:
    for dry_run in (False, True):
        given = answer(AssertionError(), allowed=False, dryRun=dry_run)
        assert (given.status, given.cause) == (FORBIDDEN, "RequesterMayNotRead")
        assert "dev may not get this Secret" in given.message


def test_no_user_s_name_looks_like_another_part_of_the_answer() -> None:
    given = answer(AssertionError(), allowed=False, userInfo={"username": "dev; data.x: outcome=allowed\n"})
    assert r'the object: "dev; data.x: outcome=allowed\n" may not get this Secret' in given.message


def test_a_key_that_nobody_could_read_is_shown_and_cut() -> None:
    long = answer(found(), secret({"\u200b" + "x" * 100_000: "vault:oops"}))
    assert r"data.\u200bxxx" in long.message
    assert len(long.message) < 6000


def test_the_requester_is_asked_for_as_the_api_server_knows_them() -> None:
    rights = Rights()
    info = {"username": "jane", "uid": "7", "groups": ["a", "b"], "extra": {"k": ["v"]}}
    Admission(Outcomes(found()), Labels(), rights, lambda: RING).answer(
        parsed(ANNOTATED, userInfo=info), Deadline.after(5)
    )
    assert rights.asked == [(Subject("jane", "7", ("a", "b"), (("k", ("v",)),)), "team-a", "app")]


def test_when_the_requesters_right_cannot_be_asked_for_the_object_is_refused() -> None:
    given = answer(AssertionError(), allowed=KubernetesUnavailable("did not answer"))
    assert (given.status, given.cause) == (UNAVAILABLE, "KubernetesUnavailable")


def test_to_a_patch_a_value_that_is_kept_needs_no_right() -> None:
    rights = Rights(AssertionError())
    old = secret({"password": "live"}, ANNOTATED["metadata"]["annotations"], immutable=True)
    given = Admission(Outcomes(found()), Labels(), rights, lambda: RING).answer(
        parsed(old, old, options={"kind": "PatchOptions"}), Deadline.after(5)
    )
    assert given.allowed


def test_when_every_reference_is_malformed_nobody_is_asked() -> None:
    given = answer(found(), secret(annotations={"data.keyhole.dev/a": "vault:x"}), AssertionError())
    assert (given.status, given.cause) == (FORBIDDEN, "MalformedReference")


def test_malformed_references_are_told_together_with_those_that_do_not_resolve() -> None:
    manifest = secret(annotations={"data.keyhole.dev/a": "vault:x", "data.keyhole.dev/b": REF})
    given = answer(MissingField(REFERENCE), manifest)
    assert given.cause == "MalformedReference"
    assert "annotation data.keyhole.dev/a: column" in given.message
    assert "annotation data.keyhole.dev/b: `vault:secret/app#password`: the secret has no such field" in given.message


def test_too_many_references_are_not_resolved() -> None:
    outcomes = Outcomes(found())
    manifest = secret({f"k{i}": REF for i in range(1001)})
    assert not Admission(outcomes, Labels(), Rights(), lambda: RING).answer(parsed(manifest), Deadline.after(5)).allowed
    assert outcomes.asked == []


def test_nobody_is_told_to_wait_longer_than_half_a_minute() -> None:
    assert answer(VaultUnavailable("https://v", "limits", retry_after_seconds=9999)).retry_after_seconds == 30


def test_all_failing_fields_are_told_at_once() -> None:
    manifest = secret({"a": REF, "b": "vault:broken"}, {"data.keyhole.dev/c": "vault:", "keyhole.dev/fields": "[]"})
    message = answer(found(), manifest).message
    assert all(origin in message for origin in ("data.b", "data.keyhole.dev/c", "keyhole.dev/fields"))


def test_fields_that_fail_alike_are_told_together() -> None:
    manifest = secret(annotations={f"data.keyhole.dev/k{i:02}": REF for i in range(30)})
    message = answer(VaultUnavailable("https://v", "is sealed"), manifest).message
    assert message.count("is sealed") == 1
    assert "k00, " in message
    assert "and 10 more" in message


def test_a_lasting_error_decides_over_one_that_may_pass() -> None:
    @dataclass
    class Mixed:
        def resolve(self, references: Iterable[Reference], _n: str, _d: Deadline) -> Mapping[Reference, Outcome]:
            passing, lasting = VaultUnavailable("https://v", "is sealed"), MissingField(REFERENCE)
            return {ref: lasting if ref.field == "b" else passing for ref in references}

        def refresh_seconds(self, references: Iterable[Reference]) -> float:
            raise AssertionError

    manifest = secret({"a": "vault:secret/app#a", "b": "vault:secret/app#b"})
    given = Admission(Mixed(), Labels(), Rights(), lambda: RING).answer(parsed(manifest), Deadline.after(5))
    assert (given.status, given.cause) == (FORBIDDEN, "FieldNotFound")
    assert "is sealed" in given.message


def test_a_bug_is_answered_and_its_text_stays_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        given = answer(RuntimeError("value hunter2"))
    assert given.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert "hunter2" not in given.message + caplog.text
    assert "RuntimeError" in caplog.text
    assert "test_admit.py" in caplog.text


@pytest.mark.parametrize(
    ("request_parts", "manifest", "allowed"),
    [
        pytest.param({"operation": "DELETE"}, ANNOTATED, True, id="a deletion is none of our business"),
        pytest.param({"kind": {"group": "apps", "kind": "Deployment"}}, secret({"a": "b"}), True, id="another kind"),
        pytest.param({"kind": {"group": "x", "kind": "Secret"}}, secret({"a": "b"}), True, id="another group's Secret"),
        pytest.param(
            {"kind": {"group": "apps", "kind": "Deployment"}}, ANNOTATED, False, id="another kind with our annotation"
        ),
    ],
)
def test_what_is_no_secret(request_parts: dict[str, Any], manifest: dict[str, Any], allowed: bool) -> None:
    assert answer(found(), manifest, **request_parts).allowed is allowed


def test_warnings_are_passed_on() -> None:
    manifest = secret(annotations={"data.keyhole.dev/a": REF, "keyhole.dev/feilds": ""})
    for outcome in (found(), MissingField(REFERENCE)):
        assert answer(outcome, manifest).warnings == ["annotation keyhole.dev/feilds means nothing to Keyhole"]
