"""Lines of the log, in both forms: whole, in UTC, with the admission that they belong to, and without any value."""

import contextvars
import json
import logging
import re
import sys

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.log_context import log_context
from runtime.log_lines import LogFormat, formatter
from runtime.logs import tell_of_greenlets
from tests.e2e.canary import Canary
from tests.manifests.secrets import secret
from tests.webhook.reviews import parsed

_FORMS = list(LogFormat)
_HOSTILE = "app\n2026-01-01T00:00:00.000Z INFO keyhole.audit forged\r\x1b[2J\u2028\u202e\x85"


def _record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    record = logging.LogRecord("keyhole.test", logging.INFO, "file.py", 1, message, args, None)
    record.__dict__.update(extra)
    record.created = 1782561296.1239
    return record


def _line(form: LogFormat, record: logging.LogRecord) -> str:
    return formatter(form).format(record)


def test_a_line_for_people() -> None:
    line = _line(LogFormat.CONSOLE, _record("refused %s", "it", cause="PermissionDenied", told="two words", process=7))
    assert line == (
        '2026-06-27T11:54:56.123Z INFO keyhole.test refused it process=7 cause=PermissionDenied told="two words"'
    )


def test_a_line_as_json() -> None:
    line = _line(LogFormat.JSON, _record("refused %s", "it", cause="PermissionDenied", milliseconds=1.5, process=7))
    assert json.loads(line) == {
        "time": "2026-06-27T11:54:56.123Z",
        "level": "INFO",
        "logger": "keyhole.test",
        "message": "refused it",
        "process": 7,
        "cause": "PermissionDenied",
        "milliseconds": 1.5,
    }
    assert list(json.loads(line))[:4] == ["time", "level", "logger", "message"]


@pytest.mark.parametrize("form", _FORMS)
def test_no_name_and_no_message_can_be_another_line(form: LogFormat) -> None:
    request = parsed(secret(), name=_HOSTILE, namespace=_HOSTILE, uid=_HOSTILE)
    with log_context(request.log_facts):
        line = _line(form, _record("%s", _HOSTILE, cause=_HOSTILE))
    assert line.isprintable()
    assert len(line.splitlines()) == 1
    assert "forged" in line


@pytest.mark.parametrize("form", _FORMS)
def test_the_time_is_rfc_3339_in_utc(form: LogFormat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    assert re.search(r"\b2026-06-27T11:54:56\.123Z\b", _line(form, _record("x")))


@pytest.mark.parametrize("form", _FORMS)
def test_of_an_exception_only_its_kind_and_its_places_are_told(form: LogFormat) -> None:
    canary = Canary()
    try:
        int(canary.value())
    except ValueError:
        record = _record("it went wrong")
        record.exc_info = sys.exc_info()
    record.exc_text = canary.value()
    record.stack_info = canary.value()
    line = _line(form, record)
    assert not canary.find(line.encode())
    assert "it went wrong: ValueError at test_log_lines.py:" in line


@pytest.mark.parametrize("form", _FORMS)
def test_a_value_that_is_logged_by_mistake_is_masked(form: LogFormat) -> None:
    from resolver.references.value import SecretValue

    canary = Canary()
    line = _line(
        form, _record("%s %r", SecretValue(canary.value()), SecretValue(canary.value()), value=SecretValue("x"))
    )
    assert not canary.find(line.encode())


def test_every_line_of_an_admission_names_it() -> None:
    request = parsed(secret(), dryRun=True)
    with log_context(request.log_facts):
        told = json.loads(_line(LogFormat.JSON, _record("x")))
    assert {name: told[name] for name in ("uid", "operation", "kind", "namespace", "object", "dry_run")} == {
        "uid": request.uid,
        "operation": "CREATE",
        "kind": "Secret",
        "namespace": "team-a",
        "object": "app",
        "dry_run": "true",
    }
    assert "uid" not in json.loads(_line(LogFormat.JSON, _record("x")))


@pytest.mark.parametrize("form", _FORMS)
def test_no_name_fills_the_log(form: LogFormat) -> None:
    with log_context(parsed(secret(), name="x" * 1_000_000, uid="y" * 1_000_000).log_facts):
        assert len(_line(form, _record("x"))) < 3000


def test_greenlets_do_not_tell_each_others_requests() -> None:
    told: list[tuple[str, str]] = []

    def admit(uid: str) -> None:
        with log_context(parsed(secret(), uid=uid).log_facts):
            for _ in range(3):
                gevent.sleep(0)
                told.append((uid, json.loads(_line(LogFormat.JSON, _record("x")))["uid"]))

    gevent.joinall([gevent.spawn(admit, f"uid-{number}") for number in range(5)], raise_error=True)
    assert len(told) == 15
    assert all(own == seen for own, seen in told)
    assert contextvars.copy_context()


def test_a_greenlet_that_dies_is_told_without_its_text(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    canary = Canary()
    hub = gevent.get_hub()

    def dies() -> None:
        raise RuntimeError(canary.value())

    tell_of_greenlets(hub)
    try:
        gevent.joinall([gevent.spawn(dies)])
    finally:
        del hub.print_exception
    assert "bug: RuntimeError at " in caplog.text
    captured = capfd.readouterr()
    assert not canary.find((caplog.text + captured.out + captured.err).encode())


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        pytest.param("refused für ✓", "refused für ✓", id="what can be printed stays"),
        pytest.param("a\nb\u00a0c", r"a\nb\u00a0c", id="what nobody sees is an escape"),
        pytest.param("\x1b[0m\x85\u2028\ud800", r"\u001b[0m\u0085\u2028\ud800", id="what terminals obey"),
        pytest.param("dev process=1 cause=None", '"dev process=1 cause=None"', id="pairs"),
        pytest.param('x" outcome=allowed', r'"x\" outcome=allowed"', id="the end of quotes"),
        pytest.param('x\\" outcome=allowed\n', r'"x\\\" outcome=allowed\n"', id="an escaped end of quotes"),
        pytest.param('"x"', r'"\"x\""', id="quotes"),
    ],
)
def test_nothing_in_a_message_looks_like_a_fact(message: str, shown: str) -> None:
    line = _line(LogFormat.CONSOLE, _record("%s", message, process=7))
    assert line == f"2026-06-27T11:54:56.123Z INFO keyhole.test {shown} process=7"


@given(st.text(st.sampled_from('a\\"= \n')), st.text(st.sampled_from('a\\"= \n')))
def test_facts_are_read_as_they_were_told(message: str, fact: str) -> None:
    line = _line(LogFormat.CONSOLE, _record("%s", message, fact=fact, process=7))
    rest = line.removeprefix("2026-06-27T11:54:56.123Z INFO keyhole.test ")
    if rest.startswith('"'):
        told, end = json.JSONDecoder().raw_decode(rest)
        assert told == message
        rest = rest[end:]
    (read,) = re.findall(r'fact=("(?:[^"\\]|\\.)*"|\S+)', rest)
    assert (json.loads(read) if read.startswith('"') else read) == fact
