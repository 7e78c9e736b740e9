"""Room for large bodies, and what the beginning of a review tells of it."""

import contextlib
import json
from http import HTTPStatus
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.budget import Process
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded
from tests.manifests.secrets import secret
from tests.webhook.reviews import UID, review
from webhook.http.app import create_app
from webhook.http.body_budget import SMALL_BYTES, BodyBudget, Head
from webhook.model import AdmissionRequest, Answer
from webhook.scheduling.fair_shares import Memory
from webhook.scheduling.gate import OverloadedError

_MIB = 1024 * 1024


class _Room:
    """Bodies that are held until they are let go."""

    def __init__(self, most_bytes: int) -> None:
        self.memory = Memory(3 * most_bytes)
        self._room = BodyBudget(self.memory)
        self._held = contextlib.ExitStack()

    def takes(self, namespace: str, size_bytes: int) -> bool:
        try:
            self._held.enter_context(self._room.hold(namespace, size_bytes))
        except OverloadedError:
            return False
        return True

    def let_go(self) -> None:
        self._held.close()


def test_one_namespace_alone_gets_half_and_another_finds_room() -> None:
    room = _Room(32 * _MIB)
    assert [room.takes("one", 8 * _MIB) for _ in range(3)] == [True, True, False]
    assert room.takes("two", 8 * _MIB)
    room.let_go()
    assert room.memory.held_bytes == 0
    assert room.takes("one", 8 * _MIB)


def test_a_body_is_not_taken_in_beyond_the_room() -> None:
    room = _Room(10 * _MIB)
    assert room.takes("one", 6 * _MIB)
    assert not room.takes("two", 5 * _MIB)
    assert room.takes("two", 4 * _MIB)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 400)), max_size=50))
def test_the_bound_holds_and_the_room_comes_back(bodies: list[tuple[str, int]]) -> None:
    room = _Room(1000)
    taken = sum(size for namespace, size in bodies if room.takes(namespace, size))
    assert room.memory.held_bytes == 3 * taken <= 3000
    room.let_go()
    assert room.memory.held_bytes == 0


_LARGE = secret({"large": "x" * SMALL_BYTES}, {"data.keyhole.dev/a": "vault:secret/a#b"})
# As the API server writes it: every member in Kubernetes' order, without blanks.
_GROUP = {"group": "", "version": "v1"}
_API_SERVERS: dict[str, Any] = {
    "kind": "AdmissionReview",
    "apiVersion": "admission.k8s.io/v1",
    "request": {
        "uid": UID,
        "kind": {**_GROUP, "kind": "Secret"},
        "resource": {**_GROUP, "resource": "secrets"},
        "subResource": "status",
        "requestKind": {**_GROUP, "kind": "Secret"},
        "requestResource": {**_GROUP, "resource": "secrets"},
        "requestSubResource": "status",
        "name": "app",
        "namespace": "team-a",
        "operation": "CREATE",
        "userInfo": {"username": "dev"},
        "object": _LARGE,
    },
}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(json.dumps(_API_SERVERS, separators=(",", ":")), id="as the API server writes it"),
        pytest.param(json.dumps(_API_SERVERS), id="with blanks"),
        pytest.param(json.dumps(review(_LARGE)), id="without the members that may be absent"),
    ],
)
def test_uid_and_namespace_are_told_by_the_beginning(text: str) -> None:
    assert Head.of(text[:SMALL_BYTES].encode()) == Head(UID, "team-a")


def test_of_an_object_without_a_namespace_there_is_the_uid() -> None:
    request = {name: part for name, part in _API_SERVERS["request"].items() if name != "namespace"}
    assert Head.of(json.dumps({**_API_SERVERS, "request": request}).encode()) == Head(UID, "")


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"x" * SMALL_BYTES, id="no JSON"),
        pytest.param(b'{"request":{"namespace":"a","uid":"b"', id="another order"),
        pytest.param(b'{"request":{"uid":"b\\u0041"', id="a uid with an escape"),
        pytest.param(b'{"request":{"uid":"\xff"', id="a uid that is no text"),
    ],
)
def test_nothing_is_told_by_any_other_beginning(begin: bytes) -> None:
    assert Head.of(begin) is None


class _Allows:
    def answer(self, admission: AdmissionRequest, deadline: Deadline) -> Answer:
        return Answer(allowed=admission.manifest == _LARGE)


@pytest.mark.parametrize("length", [pytest.param(True, id="of known length"), pytest.param(False, id="in chunks")])
def test_a_large_body_is_read_whole_and_gives_its_room_back(length: bool) -> None:
    memory = Memory()
    client: Any = create_app(_Allows(), body_budget=BodyBudget(memory)).test_client()
    body = json.dumps(review(_LARGE)).encode()
    chunked = {"input_stream": BytesIO(body), "environ_overrides": {"wsgi.input_terminated": True}}
    answer = client.post("/mutate", **({"data": body} if length else chunked))
    assert answer.json["response"]["allowed"]
    assert memory.held_bytes == 0


def test_without_room_the_answer_is_429_under_the_uid() -> None:
    client: Any = create_app(_Allows(), body_budget=BodyBudget(Memory(SMALL_BYTES))).test_client()
    answer = client.post("/mutate", data=json.dumps(review(_LARGE)).encode())
    assert answer.status_code == HTTPStatus.OK
    assert answer.json["response"]["uid"] == UID
    assert answer.json["response"]["status"]["code"] == HTTPStatus.TOO_MANY_REQUESTS
    assert answer.json["response"]["status"]["message"].startswith("Overloaded: ")
    assert answer.json["response"]["status"]["details"]["retryAfterSeconds"] in {1, 2, 3}


def test_without_room_and_without_a_uid_that_can_be_read_the_answer_is_http_429() -> None:
    client = create_app(_Allows(), body_budget=BodyBudget(Memory(SMALL_BYTES))).test_client()
    assert client.post("/mutate", data=b" " * (SMALL_BYTES + 1)).status_code == HTTPStatus.TOO_MANY_REQUESTS


def test_a_small_body_needs_no_room() -> None:
    client = create_app(_Allows(), body_budget=BodyBudget(Memory(0))).test_client()
    assert client.post("/mutate", data=json.dumps(review(secret())).encode()).status_code == HTTPStatus.OK


def test_a_large_body_is_parsed_in_its_turn_and_a_small_one_at_once() -> None:
    turns: list[str] = []
    process = Process(rest=lambda namespace, _deadline: turns.append(namespace))
    client: Any = create_app(_Allows(), body_budget=BodyBudget(Memory(), process)).test_client()
    for manifest in (secret(), _LARGE):
        review_of_it = {**_API_SERVERS, "request": {**_API_SERVERS["request"], "object": manifest}}
        assert client.post("/mutate", data=json.dumps(review_of_it).encode()).status_code == HTTPStatus.OK
    assert turns == ["team-a"]


def test_a_large_body_whose_turn_does_not_come_may_come_again() -> None:
    def rest(_namespace: str, _deadline: Deadline) -> None:
        raise DeadlineExceeded

    client: Any = create_app(_Allows(), body_budget=BodyBudget(Memory(), Process(rest=rest))).test_client()
    answer = client.post("/mutate", data=json.dumps(review(_LARGE)).encode())
    assert answer.json["response"]["status"]["code"] == HTTPStatus.TOO_MANY_REQUESTS
