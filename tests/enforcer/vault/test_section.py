"""What is learned from servers that no real Vault can be made to be: it is told as not known, and nothing gets out."""

import json
import re
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from enforcer.collecting.inventory import nothing_yet
from enforcer.collecting.run import Run
from enforcer.collecting.sources import Sources
from enforcer.collecting.vault import section
from enforcer.facts.base import NotKnown, is_known
from enforcer.facts.cluster import ClusterFacts, Namespace
from enforcer.facts.vault import VaultFacts
from resolver.deadline import Deadline
from resolver.inspection import Inspector
from resolver.vault.mounts import KvLocation
from tests.enforcer.vault.world import NOW, secret
from tests.resolver.fake_server import HEALTH, answering, http, wait_for_examination

CANARY = "CANARY-7f3a"
TOKEN = "hvs.s3cr3t-token"
DENIED = {"errors": [f"1 error occurred:\n\t* permission denied {CANARY}\n"]}
METADATA: Mapping[str, Any] = {
    "data": {
        "current_version": 3,
        "created_time": "2026-05-01T00:00:00.123456789Z",
        "custom_metadata": {"note": CANARY},
        "versions": {
            str(number): {"created_time": f"2026-05-0{number}T00:00:00.1Z", "deletion_time": "", "destroyed": False}
            for number in (1, 2, 3)
        },
    }
}
ROLE: Mapping[str, Any] = {"data": {"bound_subject": "x", "token_ttl": 600, "bound_claims": None, "secret": CANARY}}
POLICY: Mapping[str, Any] = {
    "data": {"policy": f'# {CANARY}\npath "secret/data/shop/db" {{ capabilities = ["read"] }}'}
}
GRANTED: Mapping[str, str] = {"token": "a.b.c", "expirationTimestamp": "2030-01-01T00:00:00Z"}
Part = Callable[[socket.socket], None]


@dataclass
class Servers:
    """An API server that mints tokens, and a Vault at the same address. `parts` answers in place of a good Vault."""

    parts: dict[str, Part] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    hold: Callable[[str], None] = lambda _path: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def serve(self, client: socket.socket, head: bytes) -> None:
        verb, path = head.split(b" ", 2)[:2]
        path_text = path.decode()
        if head.startswith(HEALTH):
            client.sendall(http("200 OK", b"{}"))
            return
        with self._lock:
            self.asked.append(f"{verb.decode()} {path_text}")
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.hold(path_text)
            part = next((self.parts[each] for each in self.parts if each in path_text), None)
            (part or (lambda one: one.sendall(_good(path_text))))(client)
        finally:
            with self._lock:
                self.at_once -= 1


def answer(status: str, body: object) -> Part:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lambda client: client.sendall(http(status, content))


def _good(path: str) -> bytes:
    return http("200 OK", json.dumps(_body(path)).encode())


def _body(path: str) -> object:
    bodies = {
        "/serviceaccounts/": {"spec": {"audiences": []}, "status": GRANTED},
        "/login": {"auth": {"client_token": TOKEN, "lease_duration": 600, "token_type": "service"}},
        "/sys/internal/ui/mounts/": {"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}},
        "/metadata/": METADATA,
        "/role/": ROLE,
        "/policies/": POLICY,
    }  # fmt: skip
    return next((body for part, body in bodies.items() if part in path), {})


@contextmanager
def _kubeconfig(folder: Path, address: str) -> Any:
    file = folder / "kubeconfig"
    context = {"name": "it", "context": {"cluster": "it", "user": "it"}}
    clusters = [{"name": "it", "cluster": {"server": address}}]
    users = [{"name": "it", "user": {"token": "x"}}]
    document = {"clusters": clusters, "users": users, "contexts": [context], "current-context": "it"}
    file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **document}))
    yield file


class Looks:
    """Collects Vault's section from the servers; what comes of it is searched for the canary and tokens."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def at(
        self,
        servers: Servers,
        uses: Mapping[str, Sequence[str]] | None = None,
        run: Run | None = None,
        connections: Mapping[str, Any] | None = None,
        **connection: Any,
    ) -> VaultFacts:
        uses = {"shop": ["default:secret/shop/db"]} if uses is None else uses
        with answering(servers.serve) as (address, _), _kubeconfig(self._folder, address) as kubeconfig:
            one = {"auth": {"method": "jwt", "role": "keyhole-{namespace}"}, "address": address, **connection}
            one.setdefault("retries", {"attempts": 0})
            file = self._folder / "connections.yaml"
            others = {name: {**one, **other} for name, other in (connections or {}).items()}
            file.write_text(yaml.safe_dump({"connections": {"default": one, **others}}))
            sources = Sources(kubeconfig=kubeconfig, connections=file)
            so_far = nothing_yet("test", NOW).model_copy(update={"cluster": cluster(uses)})
            found = section.collect(sources, run or Run(Deadline.after(300)), so_far)
            wait_for_examination()
        assert is_known(found)
        text = found.model_dump_json()
        assert CANARY not in text
        assert TOKEN not in text
        assert not [path for path in servers.asked if "/v1/secret/data/" in path]
        return found


def cluster(uses: Mapping[str, Sequence[str]]) -> ClusterFacts:
    """Return a cluster whose namespaces have one Secret each, filled from these names of paths."""
    return ClusterFacts(
        namespaces=tuple(
            Namespace(
                name=name,
                enabled=True,
                variables=False,
                objects=tuple(
                    secret(name, [path], connection=connection)
                    for connection, _, path in (each.partition(":") for each in names)
                ),
            )
            for name, names in uses.items()
        )
    )


@pytest.fixture
def looks(tmp_path: Path) -> Looks:
    return Looks(tmp_path)


def reasons(found: VaultFacts) -> list[str]:
    """Return why what is not known is not: paths, policies, roles."""
    every: list[object] = [*(each.versions for each in found.paths), *(each.rules for each in found.policies)]
    every += [each.parameters for each in found.roles]
    return [each.not_known for each in every if isinstance(each, NotKnown)]


def test_a_good_vault_is_asked_once_for_each_and_gets_its_tokens_back(looks: Looks) -> None:
    servers = Servers()
    uses = {"shop": ["default:secret/shop/db", "default:secret/shop/db", "default:secret/data/shop/db"], "bank": []}
    found = looks.at(servers, uses)
    assert reasons(found) == []
    asked = sorted(re.sub(r"^(\w+) /(?:v1|api/v1)/", r"\1 ", each) for each in servers.asked)
    assert asked == sorted([
        *["POST namespaces/keyhole/serviceaccounts/keyhole-enforcer/token", "POST auth/jwt/login"],
        *["POST namespaces/shop/serviceaccounts/keyhole/token", "POST auth/jwt/login"],
        *[f"GET auth/jwt/role/keyhole-{name}" for name in ("shop", "bank")],
        *[f"GET sys/policies/acl/keyhole-{name}" for name in ("shop", "bank")],
        *["GET sys/internal/ui/mounts/secret/data/shop/db", "GET secret/metadata/shop/db"],
        *["POST auth/token/revoke-self"] * 2,
    ])  # fmt: skip
    (versions,) = {each.versions for each in found.paths if is_known(each.versions)}
    assert versions is not None
    assert (versions.current, [each.number for each in versions.versions]) == (3, [1, 3])
    assert versions.created is not None
    assert found.connections[0].mounts[0].path == "secret"
    assert found.roles[0].parameters == found.roles[1].parameters


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        ("403 Forbidden", DENIED, "add this line to its policy"),
        ("403 Forbidden", {"errors": ["invalid token"]}, "does not know a token it issued"),
        ("404 Not Found", b"<html>" + CANARY.encode(), "an answer that is not Vault's"),
        ("412 Precondition Failed", {"errors": [CANARY]}, "has not replicated"),
        ("418 Teapot", {"errors": [CANARY]}, "status 418"),
        ("429 Too Many", {"errors": [CANARY]}, "limits the rate of requests"),
        ("500 Error", {"errors": [CANARY]}, "failed (status 500)"),
        ("503 Sealed", {"errors": ["Vault is sealed"]}, "is sealed or in maintenance"),
        ("200 OK", CANARY.encode() + b"\xff", "an answer that is not Vault's"),
        ("200 OK", [CANARY], "an answer that is not Vault's"),
        ("200 OK", b"[" * 100_000, "an answer that is not Vault's"),
        ("200 OK", b" " * (2 * 1024 * 1024 + 1), "more than"),
        ("307 Temporary", {"errors": [CANARY]}, "redirect"),
    ],
)
@pytest.mark.parametrize("part", ["/metadata/", "/role/", "/policies/"])
def test_what_is_no_answer_is_not_known(looks: Looks, part: str, status: str, body: object, reason: str) -> None:
    (only,) = reasons(looks.at(Servers({part: answer(status, body)})))
    assert reason in only


@pytest.mark.parametrize("part", ["/role/", "/policies/", "/metadata/"])
def test_what_vault_does_not_have_is_known(looks: Looks, part: str) -> None:
    found = looks.at(Servers({part: answer("404 Not Found", {"errors": []})}))
    assert reasons(found) == []
    nothing = [found.roles[0].parameters, found.policies[0].rules, found.paths[0].versions]
    assert [each is None for each in nothing] == [part == each for each in ("/role/", "/policies/", "/metadata/")]


@pytest.mark.parametrize(
    ("part", "body", "reason"),
    [
        ("/role/", {"data": {"token_ttl": CANARY}}, "not Vault's"),
        ("/role/", {"data": {"token_policies": {"a": CANARY}}}, "not Vault's"),
        ("/policies/", {"data": {"policy": 1}}, "not Vault's"),
        ("/policies/", {"data": {"policy": f'path "{CANARY}" {{'}}, "not HCL"),
        ("/policies/", {"data": {"policy": f'path "a" {{ capabilities = ["{CANARY}"] }}'}}, "none of"),
        ("/policies/", {"data": {"policy": "x" * 300_000}}, "longer than"),
        ("/metadata/", {"data": {"current_version": CANARY, "versions": {}}}, "not Vault's"),
        ("/metadata/", {"data": {"current_version": 1, "versions": {"1": CANARY}}}, "not Vault's"),
        ("/metadata/", {"data": {"current_version": 1, "versions": {"x": {}}}}, "not Vault's"),
    ],
)
def test_what_cannot_be_read_is_not_known(looks: Looks, part: str, body: object, reason: str) -> None:
    (only,) = reasons(looks.at(Servers({part: answer("200 OK", body)})))
    assert reason in only


def _hang(client: socket.socket) -> None:
    client.recv(1)


def test_a_vault_that_hangs_is_left_alone_after_a_while(looks: Looks) -> None:
    servers = Servers({"/v1/": _hang})
    uses = {f"n{number}": [f"default:secret/n{number}/db"] for number in range(30)}
    found = looks.at(servers, uses, timeoutSeconds=0.2)
    assert len(reasons(found)) == 3 * len(uses)
    assert all("did not answer" in each or "is not asked now" in each for each in reasons(found))
    assert len([each for each in servers.asked if "/v1/auth/" in each]) < len(uses)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("403 Forbidden", "lacks the right to it; `keyhole tenant shop --enforcer` gives it (status 403)"),
        ("404 Not Found", "no such ServiceAccount; `keyhole tenant shop --enforcer` gives it (status 404)"),
        ("503 Busy", "could not answer"),
    ],
)
def test_an_api_server_that_mints_no_token_is_named(looks: Looks, status: str, reason: str) -> None:
    body = {"kind": "Status", "message": CANARY}
    found = looks.at(Servers({"/serviceaccounts/keyhole/": answer(status, body)}))
    (only,) = reasons(found)
    assert "no token of shop/keyhole" in only
    assert reason in only


def test_a_login_that_is_refused_is_the_answer_to_all_that_it_was_for(looks: Looks) -> None:
    uses = {"shop": ["default:secret/shop/db", "default:secret/shop/mail"]}
    found = looks.at(Servers({"/login": answer("400 Bad Request", {"errors": [CANARY]})}), uses)
    assert len(reasons(found)) == 4
    assert any(
        "system:serviceaccount:keyhole:keyhole-enforcer the role 'keyhole_enforcer'" in each for each in reasons(found)
    )
    assert any("system:serviceaccount:shop:keyhole the role 'keyhole-shop'" in each for each in reasons(found))


def test_at_most_eight_are_asked_at_once(looks: Looks) -> None:
    servers = Servers()
    full = threading.Event()

    def hold(path: str) -> None:
        if servers.at_once >= section.AT_ONCE:
            full.set()
        if "/metadata/" in path:
            full.wait(2)

    servers.hold = hold
    uses = {f"n{number}": [f"default:secret/n{number}/db"] for number in range(40)}
    assert reasons(looks.at(servers, uses)) == []
    assert servers.most_at_once == section.AT_ONCE


def test_a_run_that_is_stopped_keeps_what_it_has_learned(looks: Looks) -> None:
    run, servers = Run(Deadline.after(30)), Servers()

    def hold(path: str) -> None:
        if path.endswith("/metadata/shop/b"):
            run.stop("it was told to end")

    servers.hold = hold
    uses = {"shop": [f"default:secret/shop/{name}" for name in "abcd"]}
    found = looks.at(servers, uses, run)
    assert [is_known(each.versions) for each in found.paths] == [True, True, False, False]
    assert set(reasons(found)) == {"it was told to end"}
    # The token is given back all the same.
    assert [each for each in servers.asked if "revoke-self" in each] == ["POST /v1/auth/token/revoke-self"] * 2
    run = Run(Deadline.after(0))
    late = Servers()
    assert set(reasons(looks.at(late, uses, run))) == {"there was no time left"}
    assert late.asked == []


def test_each_connection_is_asked_for_itself_and_one_that_cannot_be_used_is_told(looks: Looks) -> None:
    uses = {"shop": ["eu:secret/shop/db", "unknown:secret/shop/db", "broken:secret/shop/db"]}
    others = {"eu": {"auth": {"method": "kubernetes", "role": "eu"}}, "broken": {"caFile": "/nonexistent/ca.crt"}}
    servers = Servers()
    found = looks.at(servers, uses, connections=others)
    assert {each.connection for each in found.paths if is_known(each.versions)} == {"eu"}
    assert any("the connection unknown is not in the connections file" in each for each in reasons(found))
    assert any("no such file: /nonexistent/ca.crt" in each for each in reasons(found))
    assert [(each.name, each.mount, each.namespaces) for each in found.roles if each.connection == "eu"] == [
        ("eu", "kubernetes", ("shop",))
    ]
    assert "GET /v1/sys/policies/acl/keyhole-eu" in servers.asked


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("default:secret/../sys/raw", "no secret can be at this path"),
        ("default:secret", "no secret can be at this path"),
        ("default:secret/bank/key", "no longer lets namespace shop refer to secret/bank/key"),
        ("default:secret/metadata/shop/db", "is a branch of its API"),
    ],
)
def test_a_path_that_no_reference_may_have_is_not_asked_for(looks: Looks, name: str, reason: str) -> None:
    servers = Servers()
    (only,) = reasons(looks.at(servers, {"shop": [name]}, allow=["secret/{namespace}/*"]))
    assert reason in only
    assert not [path for path in servers.asked if "/v1/secret/" in path]


def test_a_mount_of_version_1_is_not_asked_at_all(looks: Looks) -> None:
    mount = {"data": {"path": "secret/", "type": "kv", "options": {"version": "1"}}}
    servers = Servers({"/mounts/": answer("200 OK", mount)})
    (only,) = reasons(looks.at(servers))
    assert "KV v1" in only
    assert not [path for path in servers.asked if "/v1/secret/" in path]


def test_a_bug_that_one_namespace_or_role_brings_out_takes_nothing_else_away(
    looks: Looks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    good = (Inspector.versions, Inspector.role)

    def versions(self: Inspector, location: KvLocation, deadline: Deadline) -> object:
        if "shop" in str(location):
            raise KeyError(CANARY)
        return good[0](self, location, deadline)

    def role(self: Inspector, mount: str, name: str, deadline: Deadline) -> object:
        if "bank" in name:
            raise ValueError(CANARY)
        return good[1](self, mount, name, deadline)

    monkeypatch.setattr(Inspector, "versions", versions)
    monkeypatch.setattr(Inspector, "role", role)
    found = looks.at(Servers(), {"shop": ["default:secret/shop/db"], "bank": ["default:secret/bank/key"]})
    assert sorted(reasons(found)) == ["a bug in Keyhole: KeyError", "a bug in Keyhole: ValueError"]
    assert "asking Vault as shop failed" in caplog.text
    assert CANARY not in caplog.text


def test_only_proved_records_are_asked_for(looks: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = secret("shop", ["secret/shop/db"]).model_copy(update={"proof": "changed"})
    namespace = Namespace(name="shop", enabled=True, variables=False, objects=(changed,))
    monkeypatch.setattr(
        "tests.enforcer.vault.test_section.cluster", lambda _uses: ClusterFacts(namespaces=(namespace,))
    )
    servers = Servers()
    assert looks.at(servers).paths == ()
    assert not [path for path in servers.asked if "/serviceaccounts/keyhole/" in path]


def test_without_a_cluster_or_connections_the_section_says_so(tmp_path: Path) -> None:
    so_far = nothing_yet("test", NOW)
    run = Run(Deadline.after(5))
    for file, reason in ((None, "--connections"), (tmp_path / "none.yaml", "the run has not come to it")):
        found = section.collect(Sources(connections=file), run, so_far)
        assert isinstance(found, NotKnown)
        assert reason in found.not_known
    so_far = so_far.model_copy(update={"cluster": cluster({"shop": []})})
    found = section.collect(Sources(connections=tmp_path / "none.yaml"), run, so_far)
    assert isinstance(found, NotKnown)
    assert "cannot be read" in found.not_known
