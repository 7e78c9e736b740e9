"""What of the audit logs of API server and Vault is the controller's."""

from pathlib import Path
from typing import Any

import pytest

from bench.loop.logs import Tail, questions_in, seconds_of, writes_in

_RECONCILER = "system:serviceaccount:shop:keyhole-reconciler"
_CONTROLLER = "system:serviceaccount:keyhole:keyhole-controller"


def _entry(user: str, verb: str, resource: str, subresource: str = "", code: int = 200) -> dict[str, Any]:
    about = {"resource": resource, "namespace": "shop", "name": "app"} | (
        {"subresource": subresource} if subresource else {}
    )
    return {
        "user": {"username": user},
        "verb": verb,
        "objectRef": about,
        "responseStatus": {"code": code},
        "stageTimestamp": "2026-01-02T03:04:05.000006Z",
    }


@pytest.mark.parametrize(
    ("entry", "counts", "refreshes"),
    [
        pytest.param(_entry(_RECONCILER, "patch", "secrets"), True, True, id="a refresh"),
        pytest.param(_entry(_RECONCILER, "patch", "secrets", code=409), True, False, id="a conflict"),
        pytest.param(_entry(_RECONCILER, "create", "events"), True, False, id="an Event"),
        pytest.param(_entry(_CONTROLLER, "patch", "secrets"), True, True, id="by the controller itself"),
        pytest.param(_entry(_RECONCILER, "list", "secrets"), False, False, id="a list"),
        pytest.param(_entry(_CONTROLLER, "create", "serviceaccounts", "token"), False, False, id="a token"),
        pytest.param(_entry(_CONTROLLER, "patch", "leases"), False, False, id="its Lease"),
        pytest.param(_entry("kubectl", "patch", "secrets"), False, False, id="somebody else"),
    ],
)
def test_writes_are_the_controllers_own_but_for_tokens_and_leases(
    entry: dict[str, Any], counts: bool, refreshes: bool
) -> None:
    found = list(writes_in(entry))
    assert len(found) == counts
    assert [write.is_refresh for write in found] == [refreshes] * counts


def _asked(operation: str, path: str, who: str = "jwt-shop", kind: str = "request") -> dict[str, Any]:
    request = {"operation": operation, "path": path}
    return {"type": kind, "auth": {"display_name": who}, "request": request, "time": "2026-01-02T03:04:05.123456789Z"}


def test_questions_are_requests_of_others_than_the_root_token() -> None:
    assert list(questions_in(_asked("read", "secret/metadata/a", who="root"))) == []
    assert list(questions_in(_asked("read", "secret/metadata/a", kind="response"))) == []
    (question,) = questions_in(_asked("read", "secret/metadata/a/b"))
    assert (question.asked_version_of, question.is_login) == ("a/b", False)
    (value,) = questions_in(_asked("read", "secret/data/a"))
    assert value.asked_version_of is None
    (login,) = questions_in(_asked("update", "auth/jwt/login"))
    assert login.is_login


def test_both_logs_tell_the_time() -> None:
    assert seconds_of("1970-01-01T00:00:01.5Z") == 1.5
    assert seconds_of("1970-01-01T01:00:01.123456789+01:00") == pytest.approx(1.123456)


def test_a_log_is_read_once_line_by_line(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"old\n")
    tail = Tail(log)
    with log.open("ab") as more:
        more.write(b"one\ntw")
        more.flush()
        assert tail.read() == [b"one"]
        more.write(b"o\n")
        more.flush()
        assert tail.read() == [b"two"]
    assert tail.read() == []
