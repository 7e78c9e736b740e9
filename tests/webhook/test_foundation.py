"""What a worker begins with: what the master last found in order, however broken the files are at its fork."""

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from audit.errors import AuditError
from certs.files import write
from certs.issue import issue_ca, issue_serving
from resolver.connections.model import ConfigurationError
from webhook.callerauth.bearer_token import BearerToken
from webhook.callerauth.caller import ProofUnreadable
from webhook.foundation import FOLLOW_SECONDS, Foundation
from webhook.server.serving_certificate import CertificateError, CertificateFiles, ServingCertificate

_CA = issue_ca()


class Files:
    def __init__(self, folder: Path) -> None:
        issued = write(folder / "certs", _CA, issue_serving(_CA, ["localhost"]))
        self.certificate = issued.certificate
        self.key = issued.key
        self.bundle = folder / "ca.crt"
        self.bundle.write_bytes(issued.ca_certificate.read_bytes())
        self.connections = folder / "connections.yaml"
        self.token = folder / "token"
        self.token.write_text("t" * 32)
        self.audit_key = folder / "audit-key"
        self.audit_key.write_bytes(bytes(range(32)))
        self.audit_key.chmod(0o400)
        self.say("first")

    def say(self, *names: str) -> None:
        """Write a connection for each name, the first one with a CA bundle."""
        auth = {"method": "jwt", "role": "keyhole", "audience": "vault"}
        known = {name: {"address": f"https://{name}.example:8200", "auth": auth} for name in names}
        known[names[0]]["caFile"] = str(self.bundle)
        self.connections.write_text(yaml.safe_dump({"connections": known}))

    def foundation(self, clock: Callable[[], float] = time.monotonic) -> Foundation:
        certificate = ServingCertificate.of_files(CertificateFiles(self.certificate, self.key))
        return Foundation(self.connections, certificate, BearerToken([self.token]), self.audit_key, clock)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def _gone(path: Callable[[Files], Path]) -> Callable[[Files], None]:
    return lambda files: path(files).unlink()


SPOILT = [
    pytest.param(
        lambda files: files.connections.write_text("{"), ConfigurationError, id="connections that are no YAML"
    ),
    pytest.param(_gone(lambda files: files.connections), ConfigurationError, id="no connections file"),
    pytest.param(_gone(lambda files: files.bundle), ConfigurationError, id="no CA bundle"),
    pytest.param(_gone(lambda files: files.certificate), CertificateError, id="no certificate"),
    pytest.param(lambda files: files.key.write_text("no key"), CertificateError, id="a key that is none"),
    pytest.param(_gone(lambda files: files.token), ProofUnreadable, id="no token of callers"),
    pytest.param(_gone(lambda files: files.audit_key), AuditError, id="no audit key"),
    pytest.param(lambda files: files.audit_key.chmod(0o444), AuditError, id="an audit key for everybody"),
]


@pytest.mark.parametrize(("spoil", "error"), SPOILT)
def test_at_the_start_everything_has_to_be_in_order(
    files: Files, spoil: Callable[[Files], object], error: type[Exception]
) -> None:
    spoil(files)
    with pytest.raises(error):
        files.foundation().check()


@pytest.mark.parametrize(("spoil", "_error"), SPOILT)
def test_before_a_fork_what_is_not_stays_as_it_was(
    files: Files, spoil: Callable[[Files], object], _error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    foundation = files.foundation()
    foundation.check()
    assert foundation.certificate
    assert foundation.caller
    assert foundation.audit_key
    before = foundation.certificate.current(), dict(foundation.connections), foundation.audit_key.id
    spoil(files)
    with caplog.at_level(logging.WARNING):
        foundation.refresh()
    now = foundation.certificate.current(), dict(foundation.connections), foundation.audit_key.id
    assert now == before
    assert foundation.caller.is_ready()
    # A bundle that is gone concerns one connection, of which the workers tell.
    assert len(caplog.records) == (0 if not files.bundle.exists() else 1)


def test_before_a_fork_what_is_new_and_in_order_is_taken_over(files: Files) -> None:
    foundation = files.foundation()
    foundation.check()
    files.say("first", "second")
    foundation.refresh()
    assert set(foundation.connections) == {"first", "second"}
    files.connections.write_text("{")
    foundation.refresh()
    assert set(foundation.connections) == {"first", "second"}


def test_what_the_workers_took_over_meanwhile_is_what_a_later_one_begins_with(files: Files) -> None:
    now = 100.0
    foundation = files.foundation(lambda: now)
    foundation.check()
    files.say("first", "second")
    foundation.follow()
    assert set(foundation.connections) == {"first"}
    now += FOLLOW_SECONDS
    foundation.follow()
    files.connections.write_text("{")
    now += FOLLOW_SECONDS
    foundation.follow()
    foundation.refresh()
    assert set(foundation.connections) == {"first", "second"}


def test_a_connection_that_was_never_in_order_is_left_out(files: Files) -> None:
    foundation = files.foundation()
    foundation.check()
    files.bundle.unlink()
    files.say("third", "first")
    foundation.refresh()
    assert set(foundation.connections) == {"first"}


def test_an_audit_key_from_a_pipe_is_read_once(files: Files, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody writes it a second time, so to open it again would wait for ever."""
    key = files.audit_key.read_bytes()
    files.audit_key.unlink()
    os.mkfifo(files.audit_key, 0o600)
    writer = threading.Thread(target=files.audit_key.write_bytes, args=(key,))
    writer.start()
    foundation = files.foundation()
    foundation.check()
    writer.join()
    again = threading.Thread(target=foundation.refresh, daemon=True)
    again.start()
    again.join(10)
    assert not again.is_alive()
    assert foundation.audit_key is not None
    assert caplog.text == ""


def test_what_somebody_is_writing_is_not_taken_over(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    foundation = files.foundation()
    foundation.check()
    files.say("second")
    monkeypatch.setattr("webhook.foundation.time.sleep", lambda _seconds: files.say("second", "third"))
    foundation.refresh()
    assert set(foundation.connections) == {"first"}


def test_a_bug_ends_nothing(files: Files, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    foundation = files.foundation()
    foundation.check()
    assert foundation.caller is not None

    def broken() -> None:
        raise TypeError("hunter2")

    monkeypatch.setattr(foundation.caller, "load", broken)
    foundation.refresh()
    assert "bug while reading what workers begin with: TypeError" in caplog.text
    assert "hunter2" not in caplog.text
