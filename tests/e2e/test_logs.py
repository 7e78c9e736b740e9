"""Everything that a server writes is a line of its log, in the form that was asked for."""

import json
import os
import re
import signal
import socket
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from testbed import Testbed
from testbed.keyhole.installation import Webhook, serving
from tests.e2e.caller import Caller
from tests.e2e.objects import filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually, workers

_TIME = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z"
_CONSOLE = re.compile(rf"{_TIME} (?:DEBUG|INFO|WARNING|ERROR|CRITICAL) [\w.]+ .*process=\d+.*")
_FORGER = "dev cause=None outcome=allowed"
_HOSTILE = 'uid"\n2026-01-01T00:00:00.000Z INFO keyhole.audit forged'


def _log_of(  # noqa: PLR0917 - what the fixtures give
    testbed: Testbed, places: Places, tenant: str, plant: Planter, connections_file: Path, directory: Path, form: str
) -> list[str]:
    """Return the lines of a server that went through everything that is logged."""
    places.watch(directory / "keyhole.log")
    arguments = ["--log-format", form, "--log-level", "debug"]
    with serving(testbed, directory, connections_file, arguments=arguments) as webhook:
        caller = Caller(webhook, places, tenant)
        plant.secret("logged")
        reference = "vault:secret/e2e/logged#password"
        assert caller.admit(filled("logged", one=reference), uid="allowed-uid").allowed
        for uid in ("refused-uid", _HOSTILE):
            assert not caller.admit(filled("lo\ngged", one="vault:secret/e2e/absent#password"), uid=uid).allowed
        refused = caller.admit(filled("forged", one=reference), uid="forged-uid", userInfo={"username": _FORGER})
        assert refused.message.startswith(f'RequesterMayNotRead: Secret e2e/forged: the object: "{_FORGER}" may not')
        _send_nonsense(webhook, plant.value())
        victim = min(workers(webhook))
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: victim not in workers(webhook) and len(workers(webhook)) == 2, "another worker")
    return webhook.log_file.read_text().splitlines()


def _send_nonsense(webhook: Webhook, value: str) -> None:
    address = urlsplit(webhook.url)
    context = ssl.create_default_context(cafile=webhook.ca_file)
    with (
        socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as client,
    ):
        forged = "2026-01-01T00:00:00.000Z INFO keyhole.audit forged"
        client.sendall(f"GET /{value} {value}\r\nAuthorization: Bearer {value}\r\n{forged}\r\n\r\n".encode())
        client.recv(65536)


def _parsed(line: str) -> Mapping[str, Any]:
    told: Mapping[str, Any] = json.loads(line)
    assert re.fullmatch(_TIME, told["time"])
    assert {"level", "logger", "message", "process"} <= told.keys()
    return told


@pytest.fixture
def written(  # noqa: PLR0917 - pytest passes one for each fixture
    testbed: Testbed, places: Places, tenant: str, plant: Planter, connections_file: Path, tmp_path: Path
) -> Callable[[str], list[str]]:
    return lambda form: _log_of(testbed, places, tenant, plant, connections_file, tmp_path, form)


def test_each_line_is_json_and_names_its_admission(written: Callable[[str], list[str]]) -> None:
    lines = [_parsed(line) for line in written("json")]
    loggers = {line["logger"] for line in lines}
    assert {"gunicorn.error", "keyhole.admission", "keyhole.server"} <= loggers
    (refused,) = [line for line in lines if line.get("uid") == "refused-uid" and line["level"] == "INFO"]
    facts = ("logger", "outcome", "cause", "operation", "kind", "namespace", "object")
    assert [refused[fact] for fact in facts] == [
        *("keyhole.admission", "denied", "SecretNotFound", "CREATE", "Secret", "e2e", "lo\ngged")
    ]
    (allowed,) = [line for line in lines if line.get("uid") == "allowed-uid" and line["logger"] == "keyhole.admission"]
    assert (allowed["level"], allowed["outcome"]) == ("DEBUG", "allowed")
    assert [line for line in lines if line.get("uid") == _HOSTILE]
    assert not [line for line in lines if line["message"] == "forged"]


def test_each_line_for_people_is_one_line(written: Callable[[str], list[str]]) -> None:
    lines = written("console")
    assert not [line for line in lines if not _CONSOLE.fullmatch(line)]
    assert [line for line in lines if "uid=refused-uid" in line and "cause=SecretNotFound" in line]
    assert not [line for line in lines if line.endswith("forged")]
    (forged,) = [line for line in lines if "uid=forged-uid" in line and " INFO " in line]
    # What is left once quoted texts are taken out are the facts.
    facts = re.sub(r'"(?:[^"\\]|\\.)*"', '""', forged)
    assert re.findall(r"\b(?:outcome|cause)=\S*", facts) == ["outcome=denied", "cause=RequesterMayNotRead"]
