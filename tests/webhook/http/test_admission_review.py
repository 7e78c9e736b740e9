import base64
import json
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.manifests.secrets import secret
from tests.webhook.reviews import UID, parsed, review
from webhook.http.admission_review import ReviewError, parse, render
from webhook.model import Answer


def without(name: str) -> dict[str, Any]:
    body = review(secret())
    del body["request"][name]
    return body


def test_a_request_is_read() -> None:
    request = parsed(secret({"a": "b"}), dryRun=True)
    assert (request.uid, request.kind, request.namespace, request.name) == (UID, "Secret", "team-a", "app")
    assert request.operation == "CREATE"
    assert request.dry_run
    assert request.manifest == secret({"a": "b"})
    assert request.old_manifest is None
    assert request.described == "Secret team-a/app"


def test_an_object_without_a_name_yet_is_described() -> None:
    assert parsed(secret(), name="").described == "Secret team-a/(generated name)"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"vault", id="not JSON"),
        pytest.param(b"\xff\xfe{}", id="not UTF-8"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[" * 100_000, id="a hundred thousand brackets"),
        pytest.param(b'{"a":' * 100_000, id="a hundred thousand braces"),
        pytest.param(b"{}", id="no AdmissionReview"),
        pytest.param(b'{"request": []}', id="a request that is a list"),
        pytest.param(json.dumps(without("uid")).encode(), id="no uid"),
        pytest.param(json.dumps(review(secret(), uid=5)).encode(), id="a uid that is a number"),
        pytest.param(json.dumps(review(secret(), uid="")).encode(), id="an empty uid"),
    ],
)
def test_what_has_no_uid_cannot_be_answered(body: bytes) -> None:
    with pytest.raises(ReviewError) as caught:
        parse(body)
    assert caught.value.uid is None


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        pytest.param({**review(secret()), "apiVersion": "admission.k8s.io/v1beta1"}, "v1", id="another version"),
        pytest.param({**review(secret()), "kind": "Review"}, "AdmissionReview", id="another kind"),
        pytest.param(review(secret(), object="text"), "object is not an object", id="an object that is a text"),
        pytest.param(review(secret(), namespace=5), "namespace is not a string", id="a namespace that is a number"),
        pytest.param(review(secret(), userInfo={"groups": "a"}), "groups is not a list", id="groups that are a text"),
        pytest.param(review({"metadata": []}), "metadata is not an object", id="metadata that is a list"),
        pytest.param(
            review({"metadata": {"annotations": {"a": 5}}}), "annotations holds", id="an annotation that is a number"
        ),
        pytest.param(review({"data": ["x"]}), "data is not an object", id="data that is a list"),
        pytest.param(review({"data": {"a": {}}}), "data holds", id="data that is no text"),
        pytest.param(review(secret(), {"data": 1}), "data is not an object", id="an old object that is broken"),
    ],
)
def test_what_has_a_uid_is_answered(body: dict[str, Any], problem: str) -> None:
    with pytest.raises(ReviewError, match=problem) as caught:
        parse(json.dumps(body).encode())
    assert caught.value.uid == UID


_HALF = "a\ud800b"


@pytest.mark.parametrize(
    ("body", "member"),
    [
        pytest.param(review(secret(), namespace=_HALF), "namespace", id="in the namespace"),
        pytest.param(review(secret(), name=_HALF), "name", id="in the name"),
        pytest.param(review(secret({_HALF: "x"})), "object", id="in a key"),
        pytest.param(review({"data": {"a": _HALF}}), "object", id="in a value"),
        pytest.param(review(secret(annotations={"data.keyhole.dev/a": _HALF})), "object", id="in an annotation"),
        pytest.param(review(secret(), {"data": {"a": _HALF}}), "oldObject", id="in an old value"),
        pytest.param(review(secret(), userInfo={"username": _HALF}), "userInfo", id="in the requester's name"),
        pytest.param(review(secret(), uid=_HALF), "uid", id="in the uid"),
        pytest.param(review(secret(), None, **{_HALF: 1}), r"a\ud800b", id="in a member's name"),
    ],
)
@pytest.mark.parametrize("is_escaped", [True, False], ids=["an escape", "bytes"])
def test_half_of_a_surrogate_pair_is_malformed_wherever_it_stands(
    body: dict[str, Any], member: str, is_escaped: bool
) -> None:
    sent = json.dumps(body, ensure_ascii=is_escaped).encode(errors="surrogatepass")
    with pytest.raises(ReviewError) as caught:
        parse(sent)
    assert caught.value.problem == f"{member} holds half of a surrogate pair, which is no character"
    assert caught.value.uid is not None
    answered = Answer(False, HTTPStatus.BAD_REQUEST, f"MalformedReview: {caught.value.problem}")
    assert json.loads(render(caught.value.uid, answered))["response"]["status"]["code"] == 400


def test_a_whole_surrogate_pair_is_a_character() -> None:
    named = secret(annotations={"a": "\U0001f511"})
    assert b"\\ud83d\\udd11" in json.dumps(review(named)).encode()
    assert parsed(named).manifest == named


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_no_json_raises_anything_else(value: Any) -> None:
    for body in (value, {"request": value}, review(secret(), object=value), review({"metadata": value, "data": value})):
        try:
            parse(json.dumps(body).encode())
        except ReviewError as error:
            assert error.problem


def test_an_allowed_answer_carries_its_patch() -> None:
    answer = Answer(allowed=True, patch=b"[]", warnings=["w"])
    assert json.loads(render("u", answer)) == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {
            "uid": "u",
            "allowed": True,
            "patchType": "JSONPatch",
            "patch": base64.b64encode(b"[]").decode(),
            "warnings": ["w"],
        },
    }


def test_without_a_patch_there_is_no_patch_type() -> None:
    assert json.loads(render("u", Answer(allowed=True)))["response"] == {"uid": "u", "allowed": True}


def test_a_refusal_carries_code_reason_and_when_to_retry() -> None:
    answer = Answer(False, HTTPStatus.SERVICE_UNAVAILABLE, "VaultUnavailable: …", retry_after_seconds=7)
    assert json.loads(render("u", answer))["response"]["status"] == {
        "code": 503,
        "message": "VaultUnavailable: …",
        "reason": "ServiceUnavailable",
        "details": {"retryAfterSeconds": 7},
    }


def test_nothing_in_an_answer_is_invisible() -> None:
    answer = Answer(False, HTTPStatus.FORBIDDEN, "a\u00a0b\n\x1b[2J", warnings=["c\u200bd"])
    response = json.loads(render("u", answer))["response"]
    assert response["status"]["message"] == r"a\u00a0b\n\u001b[2J"
    assert response["warnings"] == [r"c\u200bd"]


def test_a_name_that_is_no_word_stands_in_quotes() -> None:
    request = parsed(secret(), name="app: all is well", namespace="team\u00a0a")
    assert request.described == r'Secret "team\u00a0a"/"app: all is well"'


def test_the_patch_and_the_objects_are_not_shown() -> None:
    assert "c2VjcmV0" not in repr(Answer(allowed=True, patch=b"c2VjcmV0"))
    assert "aHVudGVyMg==" not in repr(parsed(secret({"a": "hunter2"})))
