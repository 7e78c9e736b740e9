import json
from typing import Any

import pytest

from resolver.deadline import Deadline
from tests.manifests.secrets import secret
from tests.webhook.reviews import UID, review
from webhook.http.app import MAX_BODY_BYTES, create_app, deadline_of
from webhook.http.body_budget import BodyBudget
from webhook.model import AdmissionRequest, Answer
from webhook.scheduling.fair_shares import Memory


class Allows:
    def __init__(self) -> None:
        self.deadlines: list[Deadline] = []

    def answer(self, admission: AdmissionRequest, deadline: Deadline) -> Answer:
        self.deadlines.append(deadline)
        return Answer(allowed=True)


@pytest.fixture
def client() -> Any:
    return create_app(Allows()).test_client()


def test_a_review_is_answered_under_its_uid(client: Any) -> None:
    response = client.post("/mutate?timeout=10s", json=review(secret()))
    assert response.status_code == 200
    assert response.json["response"] == {"uid": UID, "allowed": True}


def test_what_has_no_uid_gets_a_400(client: Any) -> None:
    response = client.post("/mutate", data=b"vault:secret/app#password")
    assert response.status_code == 400
    assert response.text == "the body is not a JSON object\n"


def test_what_has_a_uid_is_refused_within_a_200(client: Any) -> None:
    response = client.post("/mutate", json={**review(secret()), "apiVersion": "v2"})
    assert response.status_code == 200
    assert response.json["response"]["status"]["code"] == 400
    assert response.json["response"]["uid"] == UID


class Breaks:
    def answer(self, admission: AdmissionRequest, deadline: Deadline) -> Answer:
        raise RuntimeError("hunter2")


def test_a_bug_outside_of_an_admission_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    response = create_app(Breaks()).test_client().post("/mutate", json=review(secret()))
    assert response.status_code == 500
    assert "hunter2" not in response.text + caplog.text
    assert "RuntimeError at " in caplog.text


@pytest.mark.parametrize(
    ("admission", "body", "cause"),
    [
        pytest.param(Allows(), b"nothing", "MalformedReview", id="no review"),
        pytest.param(Allows(), json.dumps({"request": {"uid": UID}}).encode(), "MalformedReview", id="with a uid"),
        pytest.param(Allows(), b" " * 100_000, "Overloaded", id="no room for a large body"),
        pytest.param(Breaks(), json.dumps(review(secret())).encode(), "InternalError", id="a bug"),
    ],
)
def test_a_refusal_that_no_admission_came_to_is_told(admission: Any, body: bytes, cause: str) -> None:
    causes: list[str] = []
    app = create_app(admission, body_budget=BodyBudget(Memory(1000)), on_refused=causes.append)
    app.test_client().post("/mutate", data=body)
    assert causes == [cause]


def test_a_body_above_the_limit_is_not_read(client: Any) -> None:
    assert client.post("/mutate", data=b" " * (MAX_BODY_BYTES + 1)).status_code == 413
    assert client.post("/mutate", data=b" " * (MAX_BODY_BYTES + 2)).status_code == 413
    assert client.post("/mutate", data=b" " * MAX_BODY_BYTES).status_code == 400


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/mutate", 405), ("POST", "/", 404)])
def test_other_requests_get_their_code(client: Any, method: str, path: str, status: int) -> None:
    response = client.open(path, method=method)
    assert response.status_code == status
    assert response.content_type.startswith("text/plain")


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [
        pytest.param("10s", 9.5, id="half a second is kept for the way back"),
        pytest.param("1s", 0.9, id="of a short one, a tenth"),
        pytest.param("1m0s", 29.5, id="no more than the API server ever waits"),
        pytest.param("", 9.5, id="none is ten seconds"),
        pytest.param("soon", 9.5, id="neither is what cannot be read"),
        pytest.param("0s", 9.5, id="nor none at all"),
    ],
)
def test_the_deadline_is_the_api_servers_less_a_margin(timeout: str, seconds: float) -> None:
    assert deadline_of(timeout).remaining_seconds() == pytest.approx(seconds, abs=0.3)


def test_answers_are_json(client: Any) -> None:
    response = client.post("/mutate", json=review(secret()))
    assert response.content_type == "application/json"
    json.loads(response.data)
