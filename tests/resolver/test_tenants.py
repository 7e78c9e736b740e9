"""Tokens of tenants, with a Vault that logs anybody in and counts."""

import json
import queue
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from resolver import tenants as module
from resolver.connections import Authentication, Connection
from resolver.deadline import Deadline
from resolver.tenants import Tenant, Tenants
from resolver.transport import Transport
from resolver.value import SecretValue
from tests.resolver.fake_server import answering, http


@dataclass
class Minter:
    minted: list[str] = field(default_factory=list)

    def mint(self, namespace: str, audience: str, deadline: Deadline) -> SecretValue:
        self.minted.append(namespace)
        return SecretValue(f"jwt-of-{namespace}")


@dataclass
class Vault:
    transport: Transport
    logins: list[bytes]
    revoked: list[bytes]


@pytest.fixture
def vault() -> Iterator[Vault]:
    logins: list[bytes] = []
    revoked: list[bytes] = []

    def serve(client: socket.socket, head: bytes) -> None:
        if b"/login" in head:
            logins.append(head)
            auth = {"client_token": f"token-{len(logins)}", "lease_duration": 600, "token_type": "service"}
            client.sendall(http("200 OK", json.dumps({"auth": auth}).encode()))
        else:
            token = next(line for line in head.split(b"\r\n") if line.startswith(b"X-Vault-Token: "))
            revoked.append(token.removeprefix(b"X-Vault-Token: "))
            client.sendall(http("204 No Content"))

    with answering(serve) as (address, _):
        transport = Transport(Connection(address=address, auth=Authentication(method="jwt", role="r")))
        yield Vault(transport, logins, revoked)
        transport.close()


def tenant(namespace: str = "a") -> Tenant:
    return Tenant("default", namespace, "r")


def later() -> Deadline:
    return Deadline.after(5)


def test_a_token_is_obtained_once_and_remembered(vault: Vault) -> None:
    minter = Minter()
    found = Tenants(minter)
    first, was_remembered = found.token(tenant(), vault.transport, later())
    assert not was_remembered
    assert found.token(tenant(), vault.transport, later()) == (first, True)
    assert minter.minted == ["a"]
    assert len(vault.logins) == 1


def test_a_hundred_at_once_make_one_login(vault: Vault) -> None:
    minter = Minter()
    found = Tenants(minter)
    threads = [threading.Thread(target=found.token, args=(tenant(), vault.transport, later())) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert minter.minted == ["a"]
    assert len(vault.logins) == 1


def test_tenants_have_tokens_of_their_own(vault: Vault) -> None:
    found = Tenants(Minter())
    a, _ = found.token(tenant("a"), vault.transport, later())
    b, _ = found.token(tenant("b"), vault.transport, later())
    assert a.token != b.token


def test_at_the_end_every_token_is_revoked(vault: Vault) -> None:
    found = Tenants(Minter())
    for namespace in ("a", "b"):
        found.token(tenant(namespace), vault.transport, later())
    found.close()
    assert sorted(vault.revoked) == [b"token-1", b"token-2"]
    assert found.held == 0


def test_what_is_idle_is_given_back(vault: Vault) -> None:
    found = Tenants(Minter())
    found.token(tenant("a"), vault.transport, later())
    assert found.drop_idle() == 0
    assert found.drop_idle(idle_seconds=0) == 1
    assert vault.revoked == [b"token-1"]
    _, was_remembered = found.token(tenant("a"), vault.transport, later())
    assert not was_remembered


def test_there_is_a_bound_and_the_least_lately_used_goes_first(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TENANTS", 2)
    found = Tenants(Minter())
    for namespace in ("a", "b", "a", "c"):
        found.token(tenant(namespace), vault.transport, later())
    assert found.held == 2
    assert found.token(tenant("a"), vault.transport, later())[1]
    found.close()
    assert sorted(vault.revoked) == [b"token-1", b"token-2", b"token-3"]


def test_who_comes_does_not_wait_for_the_revocation_of_who_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TENANTS", 1)
    has_its_token, seen_during_revocation = threading.Event(), queue.SimpleQueue[bool]()

    def serve(client: socket.socket, head: bytes) -> None:
        if b"/login" in head:
            auth = {"client_token": "token", "lease_duration": 600, "token_type": "service"}
            client.sendall(http("200 OK", json.dumps({"auth": auth}).encode()))
        else:
            seen_during_revocation.put(has_its_token.wait(1.5))
            client.sendall(http("204 No Content"))

    with answering(serve) as (address, _):
        transport = Transport(Connection(address=address, auth=Authentication(method="jwt", role="r")))
        found = Tenants(Minter())
        found.token(tenant("a"), transport, later())
        found.token(tenant("b"), transport, later())
        has_its_token.set()
        assert seen_during_revocation.get(timeout=5)
        found.close()
        transport.close()


def test_a_denied_token_is_replaced_once_in_a_while(vault: Vault) -> None:
    found = Tenants(Minter())
    first, _ = found.token(tenant(), vault.transport, later())
    second = found.replacement(tenant(), first, vault.transport, later(), was_remembered=True)
    assert second is not None
    assert second.token != first.token
    assert vault.revoked == [b"token-1"]
    assert found.replacement(tenant(), second, vault.transport, later(), was_remembered=True) is None


def test_one_that_was_just_obtained_is_not_replaced(vault: Vault) -> None:
    found = Tenants(Minter())
    first, _ = found.token(tenant(), vault.transport, later())
    assert found.replacement(tenant(), first, vault.transport, later(), was_remembered=False) is None
    assert len(vault.logins) == 1


def test_who_held_a_token_that_another_replaced_gets_the_new_one(vault: Vault) -> None:
    found = Tenants(Minter())
    first, _ = found.token(tenant(), vault.transport, later())
    second = found.replacement(tenant(), first, vault.transport, later(), was_remembered=True)
    assert found.replacement(tenant(), first, vault.transport, later(), was_remembered=False) is second


def test_while_a_connection_is_replaced_the_old_and_the_new_one_have_a_token_each(vault: Vault) -> None:
    found = Tenants(Minter())
    old, _ = found.token(tenant(), vault.transport, later())
    new_transport = Transport(vault.transport.connection)
    new, _ = found.token(tenant(), new_transport, later())
    assert found.token(tenant(), vault.transport, later()) == (old, True)
    assert found.token(tenant(), new_transport, later()) == (new, True)
    found.forget(vault.transport)
    assert vault.revoked == [b"token-1"]
    found.close()
    new_transport.close()
    assert vault.revoked == [b"token-1", b"token-2"]
