"""What the audit trail tells of an admission."""

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.entry import AuditEntry, Done, FieldEntry, Login, ProblemEntry, ReferenceEntry, Requester, timestamp
from audit.line import lay_out
from manifests.fields.scan import Form
from tests.audit.audits import RECORD, REQUEST_ID
from tests.resolver.canary import CANARY, leaks
from tests.resolver.strategies import any_text


def document(record: AuditEntry) -> dict[str, Any]:
    (text,) = lay_out(record)
    told: dict[str, Any] = json.loads(text)
    return told


def test_an_admission_is_told_with_everything_that_it_used() -> None:
    assert document(RECORD) == {
        "time": "2026-08-01T12:30:00.000042Z",
        "uid": RECORD.uid,
        "requester": {"username": "dev", "uid": "u-1", "groups": ["team-a", "system:authenticated"]},
        "object": {"group": "", "kind": "Secret", "namespace": "team-a", "name": "app"},
        "operation": "CREATE",
        "dry_run": False,
        "identity": "system:serviceaccount:team-a:keyhole",
        "logins": [{"connection": "default", "role": "keyhole-team-a"}],
        "fields": [
            {
                "pointer": "/data/password",
                "form": "annotation",
                "done": "resolved",
                "references": [{"text": "vault:secret/app#password", "version": 3, "request_id": REQUEST_ID}],
            }
        ],
        "outcome": {"allowed": True, "status": 200},
        "milliseconds": 4.3,
    }


def test_a_refusal_is_told_with_its_words() -> None:
    denied = ReferenceEntry("vault:secret/b#x", cause="PermissionDenied")
    refused = replace(
        RECORD,
        allowed=False,
        status=HTTPStatus.FORBIDDEN,
        cause="PermissionDenied",
        fields=(FieldEntry("/data/x", Form.IN_PLACE, Done.REFUSED, (denied,), "PermissionDenied"),),
        problems=(ProblemEntry("annotation data.keyhole.dev/y", "MalformedReference"),),
    )
    told = document(refused)
    assert told["outcome"] == {"allowed": False, "status": 403, "cause": "PermissionDenied"}
    assert told["fields"] == [
        {
            "pointer": "/data/x",
            "form": "in place",
            "done": "refused",
            "cause": "PermissionDenied",
            "references": [{"text": "vault:secret/b#x", "cause": "PermissionDenied"}],
        }
    ]
    assert told["problems"] == [{"origin": "annotation data.keyhole.dev/y", "cause": "MalformedReference"}]


def test_times_are_told_in_utc() -> None:
    east = timezone(timedelta(hours=2))
    assert timestamp(datetime(2026, 1, 1, 1, 0, tzinfo=east)) == "2025-12-31T23:00:00.000000Z"


@pytest.mark.parametrize(
    "request_id",
    [
        pytest.param(CANARY, id="a value"),
        pytest.param("hunter2", id="a word"),
        pytest.param(f"{REQUEST_ID}\n", id="an id and more"),
        pytest.param(f"{REQUEST_ID.upper()}", id="capital letters"),
    ],
)
def test_what_vault_sends_as_a_request_s_id_and_is_none_is_not_told(request_id: str) -> None:
    told = ReferenceEntry("vault:a/b#c", 1, request_id).document()
    assert told["request_id"] == "unfit"


def test_what_vault_sends_as_a_version_and_is_none_is_not_told() -> None:
    assert "version" not in ReferenceEntry("vault:a/b#c", 10**400).document()
    assert "version" not in ReferenceEntry("vault:a/b#c", -1).document()
    assert ReferenceEntry("vault:a/b#c", 0).document()["version"] == 0


@pytest.mark.parametrize("text", [f"no: {CANARY}", "two words", "Cause:", "\u00e4", "x" * 65])
def test_a_message_cannot_be_passed_for_a_cause(text: str) -> None:
    for make in (
        lambda: ReferenceEntry("vault:a/b#c", cause=text),
        lambda: FieldEntry("/data/x", Form.IN_PLACE, Done.REFUSED, (), text),
        lambda: ProblemEntry("data.x", text),
        lambda: replace(RECORD, cause=text),
    ):
        with pytest.raises(ValueError, match="a cause is a single word") as caught:
            make()
        assert not leaks(str(caught.value))


@given(any_text, any_text, st.lists(any_text, max_size=5), any_text)
def test_whatever_the_names_hold_the_record_is_one_line_of_ascii(
    username: str, name: str, groups: list[str], role: str
) -> None:
    record = replace(
        RECORD, requester=Requester(username, username, groups), name=name, logins=(Login("default", role),)
    )
    (text,) = lay_out(record)
    assert text.isascii()
    assert all(byte >= ord(" ") for byte in text)
    assert document(record)["object"]["name"][:80] == name[:80]


def test_long_names_and_lists_are_cut_where_one_sees_it() -> None:
    crowd = replace(
        RECORD,
        requester=Requester("u" * 5000, "", tuple(f"group-{number}" for number in range(5000))),
        logins=tuple(Login("c" * 63, f"role-{number}") for number in range(1000)),
    )
    told = document(crowd)
    assert told["requester"]["username"].endswith("[cut]")
    groups = told["requester"]["groups"]
    assert groups == [f"group-{number}" for number in range(len(groups))]
    assert len(groups) > 500
    assert told["requester"]["groups_left_out"] == 5000 - len(groups)
    assert told["logins_left_out"] == 1000 - len(told["logins"])


def test_a_name_of_usual_length_is_never_cut() -> None:
    name = "n" * 1000
    assert document(replace(RECORD, name=name))["object"]["name"] == name


def test_the_worst_texts_leave_room_in_a_line() -> None:
    worst = "\U0001f511" * 2000
    record = replace(
        RECORD,
        uid=worst,
        requester=Requester(worst, worst, [worst] * 100),
        kind=worst,
        group=worst,
        namespace=worst,
        name=worst,
        operation=worst,
        identity=worst,
        logins=[Login(worst, worst)] * 100,
    )
    assert len(json.dumps(record.heading())) < 40 * 1024
