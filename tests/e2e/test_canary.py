"""A planted leak is found: otherwise the search after each test would say nothing."""

import base64
import json
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest

from testbed import Testbed
from testbed.keyhole.installation import Webhook
from tests.e2e.caller import Caller, Reply
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster, events
from tests.e2e.objects import encoded, filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter

_ENCODINGS: list[tuple[str, Callable[[str], str]]] = [
    ("as it is", lambda text: text),
    ("inside of JSON", lambda text: json.dumps({"message": text})),
    *[
        (f"in base64, {shift} bytes into it", lambda text, shift=shift: encoded("-" * shift + text + "tail"))
        for shift in range(3)
    ],
    *[
        (
            f"in URL-safe base64, {shift} bytes into it",
            lambda text, shift=shift: base64.urlsafe_b64encode(b"-" * shift + text.encode()).decode(),
        )
        for shift in range(3)
    ],
    *[
        (f"in base64 of base64, {shift} bytes into it", lambda text, shift=shift: encoded("-" * shift + encoded(text)))
        for shift in range(3)
    ],
    ("URL-encoded, every byte", lambda text: "".join(f"%{byte:02x}" for byte in text.encode())),
    ("URL-encoded twice", lambda text: urllib.parse.quote("".join(f"%{byte:02X}" for byte in text.encode()))),
    ("in base64, then URL-encoded", lambda text: urllib.parse.quote(encoded(text), safe="")),
    ("in base64, then URL-encoded twice", lambda text: urllib.parse.quote(urllib.parse.quote(encoded(text), safe=""))),
]


@pytest.mark.parametrize("encode", [pytest.param(encode, id=name) for name, encode in _ENCODINGS])
def test_the_canary_is_found(encode: Callable[[str], str]) -> None:
    canary = Canary()
    text = encode(f"password={canary.value()};")
    assert canary.find(f"2026 INFO before {text} after".encode())
    assert not Canary().find(f"2026 INFO before {text} after".encode())


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("hvs." + "CAESIJlWh4_q-" * 3, id="a service token of Vault"),
        pytest.param("hvb." + "AAAAAQJlWh4_q-" * 3, id="a batch token of Vault"),
        pytest.param("eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOlsidmF1bHQiXX0.c2lnbmF0dXJl", id="a ServiceAccount token"),
    ],
)
def test_a_token_is_found(token: str) -> None:
    assert Canary().find(f'{{"token":"{token}"}}'.encode())
    assert Canary().find(urllib.parse.quote(f'{{"token":"{token}"}}').encode())


@pytest.mark.parametrize(
    "harmless",
    [
        pytest.param("INFO Booting worker with pid: 12", id="a line of the log"),
        pytest.param("data.keyhole.dev/password: vault:secret/app#password", id="a reference"),
        pytest.param("the token hvs. and eyJ are prefixes", id="the prefixes of tokens"),
    ],
)
def test_what_is_harmless_is_not_found(harmless: str) -> None:
    assert Canary().find(harmless.encode()) == []


def test_a_leak_in_a_file_is_found_in_what_is_new_and_told_without_the_value(tmp_path: Path) -> None:
    canary = Canary()
    places = Places(canary)
    log = tmp_path / "keyhole.log"
    places.watch(log)
    assert places.leaks() == []
    log.write_text("INFO started\n" * 1000)
    assert places.leaks() == []
    with log.open("a") as file:
        file.write(f"ERROR value was {encoded(canary.value())}\n")
    leaks = places.leaks()
    assert [leak for leak in leaks if leak.startswith(str(log)) and "base64 canary" in leak]
    assert canary.core not in " ".join(leaks)


def test_a_leak_that_is_written_in_two_pieces_is_found(tmp_path: Path) -> None:
    canary = Canary()
    places = Places(canary)
    log = tmp_path / "keyhole.log"
    places.watch(log)
    log.write_text("x" * 10_000 + canary.core[:8])
    assert places.leaks() == []
    with log.open("a") as file:
        file.write(canary.core[8:])
    assert places.leaks()


def test_a_leak_in_an_answer_of_the_webhook_is_found(caller: Caller, places: Places, plant: Planter) -> None:
    refusal = {"response": {"allowed": False, "status": {"message": f"cannot use {plant.value()}"}}}
    caller.note(Reply(200, "application/json", json.dumps(refusal).encode()))
    assert places.leaks() == ["the webhook's answer: raw canary"]
    allowed = {"response": {"allowed": True, "patch": encoded(plant.value()), "warnings": ["none"]}}
    caller.note(Reply(200, "application/json", json.dumps(allowed).encode()))
    assert places.leaks() == []
    allowed["response"]["warnings"] = [plant.value()]
    caller.note(Reply(200, "application/json", json.dumps(allowed).encode()))
    assert places.leaks() == ["the webhook's answer: raw canary"]


def test_a_leak_in_the_webhook_s_own_log_is_found(webhook: Webhook, places: Places, plant: Planter) -> None:
    assert places.leaks() == []
    whole = webhook.log_file.stat().st_size
    with webhook.log_file.open("a") as log:
        log.write(f"DEBUG patch {encoded(plant.value())}\n")
    try:
        assert any(leak.startswith(str(webhook.log_file)) for leak in places.leaks())
    finally:
        with webhook.log_file.open("r+") as log:
            log.truncate(whole)
    places.leaks()


def test_a_leak_in_an_event_is_found(testbed: Testbed, cluster: Cluster, places: Places, plant: Planter) -> None:
    event = {
        "metadata": {"name": "leaking"},
        "involvedObject": {"kind": "Secret", "name": "app", "namespace": cluster.namespace},
        "message": f"resolved to {encoded(plant.value())}",
    }
    path = f"/api/v1/namespaces/{cluster.namespace}/events"
    testbed.kubernetes.request("POST", path, event).raise_for_status()
    try:
        assert "Kubernetes events: base64 canary" in places.leaks()
    finally:
        testbed.kubernetes.request("DELETE", f"{path}/leaking").raise_for_status()
    assert b"leaking" not in events(testbed)
    # The API server's audit log holds the event's body from now on, and has just been searched.
    places.leaks()


def test_a_leak_in_what_kubectl_writes_is_found(cluster: Cluster, places: Places, plant: Planter) -> None:
    plant.secret("shown")
    cluster.create(filled("shown", password="vault:secret/e2e/shown#password")).raise_for_status()
    cluster.kubectl("get", "secret", "shown", "-o", "yaml")
    assert "kubectl get: stdout: base64 canary" in places.leaks()
