"""What of an admission is counted and told."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import pytest

from manifests.planning.planned_field import Action
from metrics.meters import Meters
from resolver.causes import Cause
from resolver.deadline import Deadline
from resolver.vault.errors import SecretNotFound, VaultUnavailable
from tests.manifests.secrets import secret
from tests.webhook.admission.test_reapply import ANNOTATED, Scene, found, live
from tests.webhook.reviews import parsed
from webhook.admission.metered import MeteredAdmission
from webhook.model import AdmissionRequest, Answer, Fate


class Answers:
    """An admission that gives one answer."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def answer(self, request: AdmissionRequest, deadline: Deadline) -> Answer:
        return self._answer


def counted(answer: Answer, **request: Any) -> str:
    meters = Meters.alone()
    MeteredAdmission(Answers(answer), meters).answer(parsed(secret(), **request), Deadline.after(5))
    return meters.text().decode()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (HTTPStatus.BAD_REQUEST, "malformed"),
        (HTTPStatus.FORBIDDEN, "denied"),
        (HTTPStatus.TOO_MANY_REQUESTS, "overloaded"),
        (HTTPStatus.INTERNAL_SERVER_ERROR, "error"),
        (HTTPStatus.SERVICE_UNAVAILABLE, "unavailable"),
    ],
)
def test_a_refusal_is_counted_by_its_class_and_its_cause(status: HTTPStatus, outcome: str) -> None:
    text = counted(Answer(False, status, "told", Cause.PERMISSION_DENIED))
    labels = f'dry_run="false",kind="Secret",operation="CREATE",outcome="{outcome}"'
    assert f"keyhole_admission_duration_seconds_count{{{labels}}} 1.0" in text
    assert 'keyhole_admission_refusals_total{cause="PermissionDenied"} 1.0' in text


@pytest.mark.parametrize(
    ("request_", "label"),
    [
        ({"kind": {"group": "", "version": "v1", "kind": "Secret"}}, 'kind="Secret"'),
        ({"kind": {"group": "evil.example", "version": "v1", "kind": "Secret"}}, 'kind="other"'),
        ({"kind": {"group": "apps", "version": "v1", "kind": "x" * 1000}}, 'kind="other"'),
        ({"operation": "DELETE"}, 'operation="other"'),
        ({"operation": 'CREATE"} 1\n'}, 'operation="other"'),
        ({"dryRun": True}, 'dry_run="true"'),
    ],
)
def test_labels_are_of_closed_sets(request_: Mapping[str, Any], label: str) -> None:
    text = counted(Answer(True), **request_)
    (line,) = [line for line in text.splitlines() if line.startswith("keyhole_admission_duration_seconds_count")]
    assert label in line
    assert "team-a" not in text


def test_an_audit_trail_that_fails_is_counted() -> None:
    text = counted(Answer(False, HTTPStatus.SERVICE_UNAVAILABLE, "told", Cause.AUDIT_UNAVAILABLE))
    assert "keyhole_audit_failures_total 1.0" in text


_UNAVAILABLE = VaultUnavailable("https://v", "is sealed")


@pytest.mark.parametrize(
    ("scene", "new", "old", "dry_run", "fates"),
    [
        pytest.param(Scene(found()), ANNOTATED, None, False, [Fate.RESOLVED], id="a new value"),
        pytest.param(Scene(), ANNOTATED, None, True, [Fate.PLACEHOLDER], id="a dry run of a new one"),
        pytest.param(Scene(), live(), live(), True, [Fate.KEPT], id="a dry run of one that is proved"),
        pytest.param(Scene(found(), refresh=0), live(), live(), False, [Fate.CONFIRMED], id="one that Vault says too"),
        pytest.param(Scene(_UNAVAILABLE), live(), live(), False, [Fate.UNVERIFIED], id="one that Vault cannot say"),
        pytest.param(Scene(), {**live(), "metadata": {**live()["metadata"], "annotations": {
            name: note for name, note in live()["metadata"]["annotations"].items() if not name.startswith("data.")
        }}}, live(), False, [Fate.REMOVED], id="one whose reference was taken away"),
    ],
)  # fmt: skip
def test_each_field_has_a_fate(
    scene: Scene, new: Mapping[str, Any], old: Mapping[str, Any] | None, dry_run: bool, fates: list[Fate]
) -> None:
    answer = scene.answer(new, old, dryRun=dry_run)
    assert answer.allowed
    assert [outcome.fate for outcome in answer.outcomes] == fates
    text = counted(answer)
    assert f'keyhole_fields_total{{result="{fates[0]}"}} 1.0' in text
    is_unverified = fates == [Fate.UNVERIFIED]
    assert ('keyhole_field_doubts_total{cause="VaultUnavailable"} 1.0' in text) is is_unverified
    assert "keyhole_admission_problems_total{" not in text


def test_of_a_refused_object_problems_are_counted_and_no_fields() -> None:
    answer = Scene(SecretNotFound("secret/app", None, deleted=False)).answer(ANNOTATED)
    assert [outcome.fate for outcome in answer.outcomes] == [Fate.REFUSED]
    text = counted(answer)
    assert 'keyhole_admission_problems_total{cause="SecretNotFound"} 1.0' in text
    assert "keyhole_fields_total{" not in text


def test_every_action_has_its_fate() -> None:
    """So that whoever adds one is reminded."""
    assert {action.value for action in Action} == {"keep", "verify", "resolve", "placeholder", "leave"}


@pytest.mark.parametrize(
    ("answer", "level", "line"),
    [
        pytest.param(Answer(True), logging.DEBUG, "allowed", id="what is allowed is for whoever debugs"),
        pytest.param(Answer(True, warnings=["careful"]), logging.INFO, "allowed: careful", id="warnings are news"),
        pytest.param(
            Answer(False, HTTPStatus.FORBIDDEN, "SecretNotFound: told", Cause.SECRET_NOT_FOUND),
            logging.INFO, "denied: SecretNotFound: told", id="a refusal is news",
        ),
        pytest.param(
            Answer(False, HTTPStatus.TOO_MANY_REQUESTS, "full", Cause.OVERLOADED),
            logging.DEBUG, "overloaded: full", id="overload must not make a line for each",
        ),
    ],
)  # fmt: skip
def test_one_line_an_admission(answer: Answer, level: int, line: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "keyhole.admission"):
        counted(answer)
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (level, line)
    assert record.__dict__.get("cause") == answer.cause


def test_a_long_message_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "keyhole.admission"):
        counted(Answer(False, HTTPStatus.FORBIDDEN, "x" * 100_000, Cause.SECRET_NOT_FOUND))
    assert len(caplog.records[0].getMessage()) < 1100
