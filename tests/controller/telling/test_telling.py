"""When the loop says something, how often, and that nothing that goes wrong in saying it stops the loop."""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kubernetes import client

from controller.errors import Interrupted
from controller.managed import Managed
from controller.telling.telling import Telling
from kube.objects import Metadata, ObjectName
from kube.secrets import Secrets
from kube.tenant_clients import TenantApi
from manifests.annotations import PROBLEM
from manifests.following.problem import Problem, parse
from manifests.kinds.secret import SECRET
from tests.clock import Clock
from tests.kube.answers import Taken

_DELETED = Problem("deleted", "/data/password")


class Server(client.ApiClient):
    """An API server that takes note of what it is sent, and answers with a status. No real one fails when it should."""

    def __init__(self) -> None:
        super().__init__(client.Configuration())
        self.sent: list[Any] = []
        self.changes: list[Any] = []
        self.status = 200

    def call_api(self, method: str, url: str, header_params: Any = None, body: Any = None, *_: Any, **__: Any) -> Any:
        document = json.loads(json.dumps(body))
        (self.sent if document.get("kind") == "Event" else self.changes).append(document)
        if self.status == 0:
            raise ConnectionResetError
        if self.status >= 400:
            raise client.ApiException(status=self.status)
        return Taken({"metadata": {"name": "app", "resourceVersion": "2"}})

    def tenant(self, namespace: str = "shop") -> TenantApi:
        return TenantApi(namespace, self, Secrets(self))


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def telling(clock: Clock) -> Telling:
    return Telling("me", clock=clock)


def secret(
    name: str = "app", namespace: str = "shop", problem: str | None = None, *, is_going: bool = False
) -> Metadata:
    annotations = {} if problem is None else {PROBLEM: problem}
    return Metadata(ObjectName(namespace, name), "1", annotations, is_going, uid=f"{namespace}-{name}")


def go_on() -> None:
    """Let everything go on."""


def tell(telling: Telling, server: Server, about: Metadata, reason: str = "Refreshed", note: str = "") -> None:
    telling.event(server.tenant(about.name.namespace), about, "Secret", "v1", reason, note, is_warning=False)


def test_there_is_one_event_for_an_object_and_a_reason_in_ten_minutes(
    telling: Telling, server: Server, clock: Clock
) -> None:
    for _ in range(3):
        tell(telling, server, secret())
    tell(telling, server, secret(), "Kept")
    tell(telling, server, secret("web"))
    assert [(each["regarding"]["name"], each["reason"]) for each in server.sent] == [
        ("app", "Refreshed"),
        ("app", "Kept"),
        ("web", "Refreshed"),
    ]
    clock.now += 601
    tell(telling, server, secret())
    assert len(server.sent) == 4


def test_an_object_that_was_made_anew_is_another_one(telling: Telling, server: Server) -> None:
    tell(telling, server, secret())
    again = Metadata(ObjectName("shop", "app"), "1", {}, uid="new")
    tell(telling, server, again)
    assert len(server.sent) == 2


def test_a_storm_of_events_is_cut_off(telling: Telling, server: Server, clock: Clock) -> None:
    for number in range(1000):
        tell(telling, server, secret(f"app-{number}", f"ns-{number % 10}"))
    assert len(server.sent) == 50
    clock.now += 2
    for number in range(1000):
        tell(telling, server, secret(f"web-{number}", f"ns-{number % 10}"))
    assert len(server.sent) == 70


def test_one_namespace_does_not_take_all_events(telling: Telling, server: Server, clock: Clock) -> None:
    for _ in range(10):
        for number in range(1000):
            tell(telling, server, secret(f"app-{number}"))
        before = len(server.sent)
        tell(telling, server, secret(namespace="other"))
        assert len(server.sent) == before + 1
        clock.now += 601


def test_a_note_shows_what_nobody_would_see(telling: Telling, server: Server) -> None:
    tell(telling, server, secret(), note="a\x1b[2Jb")
    assert server.sent[0]["note"] == r"a\u001b[2Jb"


def test_a_namespace_without_the_right_is_told_of_once_and_others_go_on(
    telling: Telling, server: Server, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    server.status = 403
    for name in ("a", "b", "c"):
        tell(telling, server, secret(name))
    tell(telling, server, secret(namespace="other"))
    assert len(server.sent) == 2
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert [warning.split(":")[0] for warning in warnings] == ["namespace shop", "namespace other"]
    assert "Apply the tenant bundle again" in warnings[0]
    clock.now += 601
    server.status = 200
    tell(telling, server, secret("d"))
    assert len(server.sent) == 3


@pytest.mark.parametrize("status", [0, 400, 401, 404, 409, 422, 429, 500, 503])
def test_no_answer_stops_the_loop(telling: Telling, server: Server, status: int) -> None:
    server.status = status
    tell(telling, server, secret())
    for _ in range(2):
        telling.problem(server.tenant(), Managed(SECRET, secret()), _DELETED, go_on)
    telling.problem(server.tenant(), Managed(SECRET, secret(problem="{}")), None, go_on)
    assert (len(server.sent), len(server.changes)) == (1, 2)


def test_a_lasting_problem_is_written_to_the_state_that_was_seen(telling: Telling, server: Server) -> None:
    for _ in range(2):
        telling.problem(server.tenant(), Managed(SECRET, secret()), _DELETED, go_on)
    ((metadata),) = (each["metadata"] for each in server.changes)
    assert metadata["resourceVersion"] == "1"
    written = parse(metadata["annotations"][PROBLEM])
    assert written is not None
    assert (written.cause, written.field) == ("deleted", "/data/password")
    assert telling.problems_by_cause() == {"deleted": 1}
    ((event),) = server.sent
    assert (event["type"], event["reason"]) == ("Warning", "NotFollowed")
    assert event["note"].startswith("deleted /data/password: The newest version in Vault is deleted.")


def test_what_is_over_is_taken_off_at_once(telling: Telling, server: Server) -> None:
    telling.problem(server.tenant(), Managed(SECRET, secret(problem="{}")), None, go_on)
    assert [each["metadata"]["annotations"] for each in server.changes] == [{PROBLEM: None}]
    assert not server.sent


def test_an_object_that_is_being_deleted_is_left_alone(telling: Telling, server: Server) -> None:
    telling.problem(server.tenant(), Managed(SECRET, secret(problem="{}", is_going=True)), None, go_on)
    assert not server.changes


def test_problems_are_written_slowly_and_none_is_lost(telling: Telling, server: Server, clock: Clock) -> None:
    """A policy that is taken away by mistake may concern every object of the cluster."""
    left = {f"app-{number}" for number in range(1000)}
    written: list[int] = []
    for _ in range(9):
        for name in sorted(left):
            before = len(server.changes)
            telling.problem(server.tenant(), Managed(SECRET, secret(name)), _DELETED, go_on)
            if len(server.changes) > before:
                left.discard(name)
        written.append(len(server.changes) - sum(written))
        clock.now += 60
    assert (written, left) == ([0, 150, 150, 150, 150, 150, 150, 100, 0], set())


def test_one_namespace_does_not_take_all_writes(telling: Telling, server: Server, clock: Clock) -> None:
    """Whoever marks all Secrets of a namespace has them taken off; others' problems are told all the same."""
    for _ in range(10):
        for number in range(1000):
            telling.problem(server.tenant(), Managed(SECRET, secret(f"app-{number}", problem="{}")), None, go_on)
        clock.now += 60
        before = len(server.changes)
        telling.problem(server.tenant("other"), Managed(SECRET, secret(namespace="other", problem="{}")), None, go_on)
        assert len(server.changes) == before + 1


def test_a_write_waits_for_its_turn_and_stops_when_it_must(server: Server, clock: Clock) -> None:
    asked: list[str] = []

    @contextmanager
    def paced(namespace: str, _go_on: Callable[[], None]) -> Iterator[None]:
        asked.append(namespace)
        yield

    def stop() -> None:
        raise Interrupted

    telling = Telling("me", paced, clock)
    telling.problem(server.tenant(), Managed(SECRET, secret()), _DELETED, stop)
    with pytest.raises(Interrupted):
        telling.problem(server.tenant(), Managed(SECRET, secret()), _DELETED, stop)
    assert (asked, server.changes, server.sent) == (["shop"], [], [])


def test_a_namespace_that_is_no_longer_followed_is_forgotten(telling: Telling, server: Server) -> None:
    for namespace in ("shop", "other"):
        for _ in range(2):
            telling.problem(server.tenant(), Managed(SECRET, secret(namespace=namespace)), _DELETED, go_on)
    telling.forget("shop")
    telling.retain("other", [])
    assert telling.problems_by_cause() == {}


def test_a_hint_is_logged_once_a_day_for_each_namespace(
    telling: Telling, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        telling.hint("shop", "metadata", "look at the policy")
        telling.hint("shop", "versions", "too many")
        telling.hint("other", "metadata", "look at the policy")
    assert len(caplog.records) == 3
    clock.now += 86_401
    telling.hint("shop", "metadata", "look at the policy")
    assert len(caplog.records) == 4
