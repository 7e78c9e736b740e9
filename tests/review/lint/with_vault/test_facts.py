"""What is learned from servers that no real Vault can be made to be: each fault is told, and none is a finding."""

import json
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from review.lint.with_vault.answers import Answer, Gone, Held, Missing, NoAnswer, PolicyText, Secret
from review.lint.with_vault.facts import AT_ONCE, ask
from review.lint.with_vault.judge import judged
from tests.resolver.fake_server import answering, http, wait_for_examination, well
from tests.review.lint.with_vault.uses import TOKEN, inspector, use

CANARY = "CANARY-1f0c"
MOUNT = {"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}}
DENIED = f"1 error occurred:\n\t* permission denied {CANARY}\n"
Handler = Callable[[socket.socket, bytes], None]


def name(_connection: str, namespace: str) -> str:
    return f"keyhole-{namespace}"


def answer(status: str, body: object, *headers: str) -> bytes:
    return http(status, body if isinstance(body, bytes) else json.dumps(body).encode(), *headers)


def after_the_mount(serve: Handler) -> Handler:
    """Answer as Vault what is asked about mounts and policies, and leave the rest to `serve`."""

    def handler(client: socket.socket, head: bytes) -> None:
        if b"/sys/internal/ui/mounts/" in head:
            client.sendall(answer("200 OK", MOUNT))
        elif b"/sys/policies/acl/" in head:
            client.sendall(answer("200 OK", {"data": {"policy": "# none"}}))
        else:
            serve(client, head)

    return well(handler)


def learned(serve: Handler, reference: str = "vault:secret/app#password", timeout_seconds: float = 5.0) -> Answer:
    """Return the answer for one reference."""
    wanted = use(reference)
    with answering(after_the_mount(serve)) as (address, _), inspector(address, timeout_seconds) as vault:
        facts = ask([wanted], {"default": vault}, name)
        wait_for_examination()
    secret = facts.secrets["default", "secret/app"]
    found = secret if isinstance(secret, NoAnswer) else secret.versions[wanted.reference.version]
    assert facts.lack_vault == (isinstance(found, NoAnswer) and found.is_away)
    assert CANARY not in repr(found)
    assert TOKEN not in repr(found)
    return found


@pytest.mark.parametrize(
    ("status", "body", "reason", "is_away"),
    [
        pytest.param("403 Forbidden", {"errors": [DENIED]}, 'add this line to its policy: path "secret/subkeys/app"',
                     False, id="denied"),
        pytest.param("403 Forbidden", {"errors": ["invalid token"]}, "does not know your token", True, id="no token"),
        pytest.param("404 Not Found", b"<html>" + CANARY.encode(), "an answer that is not Vault's", True, id="a proxy"),
        pytest.param("404 Not Found", {"message": CANARY}, "an answer that is not Vault's", True, id="another proxy"),
        pytest.param("404 Not Found", {"errors": ["unsupported path"]}, "from release 1.10 on", False, id="old Vault"),
        pytest.param("405 Method Not Allowed", {"errors": [CANARY]}, "from release 1.10 on", False, id="older Vault"),
        pytest.param("412 Precondition Failed", {"errors": []}, "has not replicated", True, id="behind"),
        pytest.param("418 Teapot", {"errors": [CANARY]}, "status 418", False, id="teapot"),
        pytest.param("429 Too Many", {"errors": [CANARY]}, "limits the rate of requests", True, id="rate"),
        pytest.param("472 Secondary", {"errors": []}, "disaster recovery secondary", True, id="secondary"),
        pytest.param("473 Standby", {"errors": []}, "performance standby", True, id="standby"),
        pytest.param("500 Error", {"errors": [CANARY]}, "failed (status 500)", True, id="error"),
        pytest.param("502 Bad Gateway", CANARY.encode(), "failed (status 502)", True, id="balancer"),
        pytest.param("503 Sealed", {"errors": ["Vault is sealed"]}, "is sealed or in maintenance", True, id="sealed"),
        pytest.param("200 OK", CANARY.encode() + b"\xff", "an answer that is not Vault's", True, id="garbage"),
        pytest.param("200 OK", [CANARY], "an answer that is not Vault's", True, id="a list"),
        pytest.param("200 OK", {"data": None}, "an answer that is not Vault's", True, id="no data"),
        pytest.param("200 OK", {"data": {"password": CANARY}}, "an answer that is not Vault's", True, id="values"),
        pytest.param("200 OK", {"data": {"subkeys": CANARY}}, "an answer that is not Vault's", True, id="a text"),
        pytest.param("200 OK", {"data": {"subkeys": [CANARY]}}, "an answer that is not Vault's", True, id="names"),
        pytest.param("200 OK", b'{"data":{"subkeys":{"a":null,"a":null}}}', "not Vault's", True, id="a name twice"),
        pytest.param("200 OK", b"[" * 100_000, "an answer that is not Vault's", True, id="deep"),
        pytest.param("200 OK", b"[" + b"1," * 100_000 + b"1]", "more than", False, id="too many parts"),
        pytest.param("200 OK", b" " * (2 * 1024 * 1024 + 1), "more than", False, id="too long"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_told_with_its_cause(status: str, body: object, reason: str, is_away: bool) -> None:
    found = learned(lambda client, _: client.sendall(answer(status, body)))
    assert isinstance(found, NoAnswer)
    assert reason in found.reason
    assert found.is_away is is_away


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed_and_the_token_goes_nowhere(status: str) -> None:
    with answering(lambda client, _: client.sendall(answer("200 OK", MOUNT))) as (elsewhere, asked):
        found = learned(
            lambda client, _: client.sendall(answer(status, {}, f"Location: {elsewhere}/v1/secret/subkeys/app"))
        )
    assert isinstance(found, NoAnswer)
    assert "redirect" in found.reason
    assert found.is_away
    assert asked == []


def _hang(client: socket.socket, _head: bytes) -> None:
    client.recv(1)


def _drip(client: socket.socket, _head: bytes) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        client.sendall(b" ")
        if threading.Event().wait(0.05):
            return


def _hang_up(client: socket.socket, _head: bytes) -> None:
    client.shutdown(socket.SHUT_RDWR)


def _break_off(client: socket.socket, _head: bytes) -> None:
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    client.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("serve", "reason"),
    [
        pytest.param(_hang, "did not answer in time", id="hangs"),
        pytest.param(_drip, "did not answer in time", id="drips"),
        pytest.param(_hang_up, "broke the connection", id="hangs up"),
        pytest.param(_break_off, "broke the connection", id="breaks off"),
    ],
)
def test_what_does_not_end_is_ended(serve: Handler, reason: str) -> None:
    found = learned(serve, timeout_seconds=0.3)
    assert isinstance(found, NoAnswer)
    assert reason in found.reason
    assert found.is_away


def test_when_nothing_answers_only_some_paths_are_asked_for() -> None:
    uses = [use(f"vault:secret/app-{number}#x") for number in range(60)]
    unwell: Handler = _hang

    def handler(client: socket.socket, head: bytes) -> None:
        if b"/sys/internal/ui/mounts/" in head:
            client.sendall(answer("200 OK", MOUNT))
        elif b"/sys/policies/" in head:
            client.sendall(answer("200 OK", {"data": {"policy": ""}}))
        else:
            unwell(client, head)

    with answering(handler) as (address, asked), inspector(address, timeout_seconds=0.3) as vault:
        facts = ask(uses, {"default": vault}, name)
        wait_for_examination()
    reasons = [
        found.reason
        for secret in facts.secrets.values()
        if isinstance(secret, Secret) and isinstance(found := secret.versions[None], NoAnswer)
    ]
    reasons += [secret.reason for secret in facts.secrets.values() if isinstance(secret, NoAnswer)]
    assert len(reasons) == len(uses)
    assert any("is not asked now" in reason for reason in reasons)
    assert sum(b"/subkeys/" in head for head in asked) < len(uses)


def test_a_vault_that_gives_no_policy_is_asked_for_nothing_else() -> None:
    uses = [use(f"vault:secret/app-{number}#x") for number in range(60)]
    with answering(_hang) as (address, asked), inspector(address, timeout_seconds=0.3) as vault:
        facts = ask(uses, {"default": vault}, name)
        wait_for_examination()
    assert set(facts.secrets.values()) == {facts.policies["default", "shop"]}
    assert facts.lack_vault
    assert [head.split(b" ")[1] for head in asked] == [b"/v1/sys/policies/acl/keyhole-shop"]


def test_one_policy_without_an_answer_keeps_nobody_from_asking() -> None:
    def handler(client: socket.socket, head: bytes) -> None:
        if b"/keyhole-shop" in head:
            client.sendall(answer("500 Error", {"errors": []}))
        elif b"/sys/policies/" in head:
            client.sendall(answer("200 OK", {"data": {"policy": ""}}))
        else:
            client.sendall(answer("200 OK", MOUNT if b"/mounts/" in head else TestTogether.FIELDS))

    uses = [use("vault:secret/app#password"), use("vault:secret/app#password", "other")]
    with answering(well(handler)) as (address, _), inspector(address) as vault:
        facts = ask(uses, {"default": vault}, name)
        wait_for_examination()
    assert isinstance(facts.policies["default", "shop"], NoAnswer)
    assert isinstance(facts.secrets["default", "secret/app"], Secret)


def test_without_time_nothing_is_asked() -> None:
    with answering(after_the_mount(_hang)) as (address, asked), inspector(address) as vault:
        facts = ask([use("vault:secret/app#x")], {"default": vault}, name, seconds=0)
    assert facts.secrets == {("default", "secret/app"): NoAnswer("there was no time left to ask Vault", is_away=True)}
    assert facts.lack_vault
    assert asked == []


class TestTogether:
    FIELDS: Mapping[str, Any] = {"data": {"subkeys": {"password": None, "db": {"user": None}}}}

    def test_eight_are_asked_at_once_and_each_only_once(self) -> None:
        everybody_is_here = threading.Barrier(AT_ONCE)
        lock, here, most = threading.Lock(), 0, 0

        def serve(client: socket.socket, _head: bytes) -> None:
            nonlocal here, most
            with lock:
                here += 1
                most = max(most, here)
            # Breaks if fewer come: then the test fails with what they are told.
            everybody_is_here.wait(timeout=30)
            with lock:
                here -= 1
            client.sendall(answer("200 OK", self.FIELDS))

        # Three uses of each path, of two fields, in two namespaces.
        paths = [f"secret/app-{number}" for number in range(4 * AT_ONCE)]
        uses = [use(f"vault:{path}#{field}", space) for path in paths for field in "xy" for space in ("shop", "other")]
        with answering(after_the_mount(serve)) as (address, asked), inspector(address) as vault:
            facts = ask(uses, {"default": vault}, name)
        held = Held({"password": None, "db": {"user": None}})
        assert [secret.versions for secret in facts.secrets.values() if isinstance(secret, Secret)] == [
            {None: held} for _ in paths
        ]
        assert most == AT_ONCE
        kinds = [head.split(b" ")[1].split(b"/")[3:5] for head in asked]
        assert sum(kind[0] == b"subkeys" for kind in kinds) == len(paths)
        assert sum(kind[0] == b"internal" for kind in kinds) == 1
        assert sum(kind[0] == b"policies" for kind in kinds) == 2

    def test_versions_take_one_list_and_a_question_for_each(self) -> None:
        entries = {
            "1": {"destroyed": True, "deletion_time": "", "created_time": ""},
            "2": {"destroyed": False, "deletion_time": "2020-01-01T00:00:00Z", "created_time": ""},
            "3": {"destroyed": False, "deletion_time": "", "created_time": ""},
            "4": {"destroyed": False, "deletion_time": "2999-01-01T00:00:00Z", "created_time": ""},
        }
        metadata = {"data": {"current_version": 4, "versions": entries, "custom_metadata": {"note": CANARY}}}

        def serve(client: socket.socket, head: bytes) -> None:
            client.sendall(answer("200 OK", metadata if b"/metadata/" in head else self.FIELDS))

        uses = [use(f"vault:secret/app#password#{version}") for version in (1, 2, 3, 4, 5, 3)]
        with answering(after_the_mount(serve)) as (address, asked), inspector(address) as vault:
            facts = ask(uses, {"default": vault}, name)
        secret = facts.secrets["default", "secret/app"]
        assert isinstance(secret, Secret)
        assert secret.newest == 4
        assert secret.versions == {
            1: Gone("destroyed", 4),
            2: Gone("deleted", 4),
            3: Held({"password": None, "db": {"user": None}}),
            4: Held({"password": None, "db": {"user": None}}),
            5: Missing("there is no version 5; the newest is 4"),
        }
        assert CANARY not in repr(facts)
        targets = [head.split(b" ")[1] for head in asked if b"/secret/" in head.split(b"mounts")[0]]
        assert targets == [
            b"/v1/secret/metadata/app",
            b"/v1/secret/subkeys/app?version=3",
            b"/v1/secret/subkeys/app?version=4",
        ]

    def test_values_in_the_place_of_names_are_dropped(self) -> None:
        lies = {"data": {"subkeys": {"password": CANARY, "db": {"user": CANARY, "list": [CANARY]}}}}
        found = learned(lambda client, _: client.sendall(answer("200 OK", lies)))
        assert found == Held({"password": None, "db": {"user": None, "list": None}})

    @pytest.mark.parametrize("lists", [{"current_version": "4"}, {"current_version": 1, "versions": {"x": {}}}, {}])
    def test_versions_that_are_none_are_no_answer(self, lists: Mapping[str, Any]) -> None:
        serve: Handler = lambda client, _: client.sendall(answer("200 OK", {"data": lists}))  # noqa: E731
        found = learned(serve, "vault:secret/app#password#1")
        assert isinstance(found, NoAnswer)
        assert found.is_away

    def test_connections_that_cannot_be_asked_do_not_keep_others(self) -> None:
        uses = [use("vault:secret/app#password"), use("vault+eu:secret/app#password"), use("vault+us:secret/app#x")]
        away = NoAnswer("away", is_away=True)
        with ExitStack() as stack:
            address, _ = stack.enter_context(
                answering(after_the_mount(lambda client, _: client.sendall(answer("200 OK", self.FIELDS))))
            )
            vault = stack.enter_context(inspector(address))
            facts = ask(uses, {"default": vault, "eu": away}, name)
        assert isinstance(facts.secrets["default", "secret/app"], Secret)
        assert facts.secrets["eu", "secret/app"] == away
        unknown = facts.secrets["us", "secret/app"]
        assert isinstance(unknown, NoAnswer)
        assert "connection us" in unknown.reason
        assert facts.policies["default", "shop"] == PolicyText("keyhole-shop", "# none")
        assert facts.policies["eu", "shop"] == away


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param("200 OK", {"data": {"name": CANARY, "policy": "# text"}}, "# text", id="a text"),
        pytest.param("404 Not Found", {"errors": []}, None, id="none of this name"),
        pytest.param("404 Not Found", CANARY.encode(), "?an answer that is not Vault's", id="a proxy"),
        pytest.param("403 Forbidden", {"errors": [DENIED]}, '?path "sys/policies/acl/keyhole-shop"', id="denied"),
        pytest.param("403 Forbidden", {"errors": ["bad token"]}, "?does not know your token", id="no token"),
        pytest.param("200 OK", {"data": {"policy": [CANARY]}}, "?an answer that is not Vault's", id="no text"),
        pytest.param("200 OK", {"data": {"policy": " " * 1_100_000}}, "?has a policy of more than", id="too long"),
        pytest.param("503 Sealed", {"errors": []}, "?is sealed or in maintenance", id="sealed"),
        pytest.param("400 Bad Request", {"errors": [CANARY]}, "?status 400", id="refused"),
    ],
)
def test_what_is_said_of_a_policy(status: str, body: object, expected: str | None) -> None:
    def handler(client: socket.socket, head: bytes) -> None:
        if b"/sys/policies/acl/" in head:
            client.sendall(answer(status, body))
        elif b"/sys/internal/" in head:
            client.sendall(answer("200 OK", MOUNT))
        else:
            client.sendall(answer("200 OK", TestTogether.FIELDS))

    with answering(well(handler)) as (address, _), inspector(address) as vault:
        facts = ask([use("vault:secret/app#password")], {"default": vault}, name)
    found = facts.policies["default", "shop"]
    assert CANARY not in repr(found)
    if expected is not None and expected.startswith("?"):
        assert isinstance(found, NoAnswer)
        assert expected[1:] in found.reason
    else:
        assert found == PolicyText("keyhole-shop", expected)


@pytest.mark.parametrize(
    ("mount", "reason"),
    [
        pytest.param({"data": {"path": "other/", "type": "kv"}}, "is not a key/value mount", id="another mount"),
        pytest.param({"data": {"path": "secret/", "type": "ssh"}}, "is not a key/value mount", id="another engine"),
        pytest.param({"data": {"path": 7}}, "an answer that is not Vault's", id="no path"),
        pytest.param([CANARY], "an answer that is not Vault's", id="a list"),
        pytest.param({"data": {"path": "secret/", "type": "kv"}}, "a KV v1 mount", id="without options"),
        pytest.param({"data": {"path": "secret/", "type": "kv", "options": {"version": 2}}}, "KV v1", id="a number"),
    ],
)
def test_nothing_is_asked_of_a_mount_that_is_no_kv_v2(mount: object, reason: str) -> None:
    with answering(lambda client, _: client.sendall(answer("200 OK", mount))) as (address, asked):
        with inspector(address) as vault:
            facts = ask([use("vault:secret/app#password", namespace="")], {"default": vault}, name)
        secret = facts.secrets["default", "secret/app"]
        found = secret if isinstance(secret, NoAnswer) else secret.versions[None]
    assert isinstance(found, NoAnswer | Missing)
    assert reason in (found.reason if isinstance(found, NoAnswer) else found.why)
    assert CANARY not in repr(facts)
    assert all(b"/sys/internal/ui/mounts/" in head for head in asked)


@pytest.mark.parametrize(
    "namespace",
    [
        "..",
        "a/b",
        "x/../../auth/token/lookup-self",
        "a b",
        "ü",
        "A",
        "x" * 64,
        "a\nb",
        "{{ .ns }}",
        "${NS}",
        "%2e",
        "-",
    ],
)
def test_what_no_namespace_can_be_called_is_asked_for_nowhere(namespace: str) -> None:
    serve: Handler = lambda client, _: client.sendall(answer("200 OK", TestTogether.FIELDS))  # noqa: E731
    wanted = use("vault:secret/app#password", namespace=namespace)
    with answering(after_the_mount(serve)) as (address, asked), inspector(address) as vault:
        facts = ask([wanted], {"default": vault}, name)
    found = facts.policies["default", namespace]
    assert isinstance(found, NoAnswer)
    assert found.reason.endswith("is not the name of a namespace")
    assert [head.split(b" ")[1] for head in asked] == [
        b"/v1/sys/internal/ui/mounts/secret/app",
        b"/v1/secret/subkeys/app",
    ]
    assert len(list(judged([wanted], facts))) == 1
