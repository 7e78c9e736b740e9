"""Tokens of token_cache, with a Vault that logs anybody in and counts."""

import json
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace

import pytest

from resolver.connections.model import Authentication, Connection
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded
from resolver.references.value import SecretValue
from resolver.tenancy import token_cache as module
from resolver.tenancy.login import VaultToken
from resolver.tenancy.token_cache import Tenant, TokenCache
from resolver.vault.client import VaultClient
from resolver.vault.denials import TokenUsesTooFew
from resolver.vault.errors import LoginDenied
from tests.resolver.fake_server import answering, http


@dataclass
class Minter:
    minted: list[str] = field(default_factory=list)

    def mint(self, namespace: str, audience: str, deadline: Deadline) -> SecretValue:
        self.minted.append(namespace)
        return SecretValue(f"jwt-of-{namespace}")


@dataclass
class Vault:
    client: VaultClient
    uses: int = 0
    life_seconds: int = 600
    is_open: bool = True
    logins: list[bytes] = field(default_factory=list)
    revoked: list[bytes] = field(default_factory=list)
    login_began: threading.Event = field(default_factory=threading.Event)
    may_log_in: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def vault() -> Iterator[Vault]:
    found: list[Vault] = []

    def serve(client: socket.socket, head: bytes) -> None:
        vault = found[0]
        if b"/login" in head:
            vault.login_began.set()
            vault.may_log_in.wait(5)
            if not vault.is_open:
                client.sendall(http("400 Bad Request", b"{}"))
                return
            vault.logins.append(head)
            auth = {
                "client_token": f"token-{len(vault.logins)}",
                "lease_duration": vault.life_seconds,
                "num_uses": vault.uses,
            }
            client.sendall(http("200 OK", json.dumps({"auth": auth}).encode()))
        else:
            token = next(line for line in head.split(b"\r\n") if line.startswith(b"X-Vault-Token: "))
            vault.revoked.append(token.removeprefix(b"X-Vault-Token: "))
            client.sendall(http("204 No Content"))

    with answering(serve) as (address, _):
        found.append(Vault(VaultClient(_connection(address))))
        found[0].may_log_in.set()
        yield found[0]
        found[0].client.close()


def _connection(address: str) -> Connection:
    return Connection(address=address, auth=Authentication(method="jwt", role="r"))


@pytest.fixture
def token_cache() -> Iterator[TokenCache]:
    with closing(TokenCache(Minter())) as token_cache:
        yield token_cache


def tenant(namespace: str = "a") -> Tenant:
    return Tenant("default", namespace, "r")


def later() -> Deadline:
    return Deadline.after(5)


def use(token_cache: TokenCache, vault: Vault, namespace: str = "a") -> VaultToken:
    """Do what an admission with one read does."""
    with token_cache.lease(tenant(namespace), vault.client, later()) as lease:
        return lease.token()


def test_a_token_is_obtained_once_and_remembered(vault: Vault) -> None:
    minter = Minter()
    with closing(TokenCache(minter)) as token_cache:
        assert use(token_cache, vault) is use(token_cache, vault)
    assert minter.minted == ["a"]
    assert len(vault.logins) == 1


def test_who_sends_no_request_logs_nobody_in(vault: Vault, token_cache: TokenCache) -> None:
    with token_cache.lease(tenant(), vault.client, later()):
        pass
    assert vault.logins == []


def test_a_hundred_at_once_make_one_login(vault: Vault, token_cache: TokenCache) -> None:
    threads = [threading.Thread(target=use, args=(token_cache, vault)) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(vault.logins) == 1


def test_tenants_have_tokens_of_their_own(vault: Vault, token_cache: TokenCache) -> None:
    assert use(token_cache, vault, "a").token != use(token_cache, vault, "b").token


def test_at_the_end_every_token_is_revoked(vault: Vault, token_cache: TokenCache) -> None:
    for namespace in ("a", "b"):
        use(token_cache, vault, namespace)
    token_cache.close()
    assert sorted(vault.revoked) == [b"token-1", b"token-2"]
    assert token_cache.held == 0


def test_what_is_idle_is_given_back(vault: Vault, token_cache: TokenCache) -> None:
    first = use(token_cache, vault)
    assert token_cache.drop_idle() == 0
    assert token_cache.drop_idle(idle_seconds=0) == 1
    assert vault.revoked == [b"token-1"]
    assert use(token_cache, vault) is not first


def test_what_is_idle_is_given_back_one_by_one_and_only_if_it_still_is(vault: Vault, token_cache: TokenCache) -> None:
    for namespace in ("a", "b", "c"):
        use(token_cache, vault, namespace)
    paid: list[str] = []
    with ExitStack() as used:

        def pay(connection: str) -> None:
            paid.append(connection)
            if len(paid) == 2:
                used.enter_context(token_cache.lease(tenant("b"), vault.client, later())).token()

        assert token_cache.drop_idle(idle_seconds=0, pay=pay) == 2
    assert paid == ["default"] * 3
    assert vault.revoked == [b"token-1", b"token-3"]


def test_what_has_expired_is_not_given_back(vault: Vault, token_cache: TokenCache) -> None:
    vault.life_seconds = 0
    use(token_cache, vault)
    token_cache.close()
    assert len(vault.logins) == 1
    assert vault.revoked == []


def test_there_is_a_bound_and_the_least_lately_used_goes_first(
    vault: Vault, token_cache: TokenCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_TENANTS", 2)
    first = use(token_cache, vault, "a")
    for namespace in ("b", "a", "c"):
        use(token_cache, vault, namespace)
    assert token_cache.held == 2
    assert use(token_cache, vault, "a") is first
    token_cache.close()
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
        vault_client = VaultClient(Connection(address=address, auth=Authentication(method="jwt", role="r")))
        token_cache, vault = TokenCache(Minter()), Vault(vault_client)
        use(token_cache, vault, "a")
        use(token_cache, vault, "b")
        has_its_token.set()
        assert seen_during_revocation.get(timeout=5)
        token_cache.close()
        vault_client.close()


class TestDenied:
    def test_a_token_that_is_older_than_the_admission_is_replaced(self, vault: Vault, token_cache: TokenCache) -> None:
        old = use(token_cache, vault)
        with token_cache.lease(tenant(), vault.client, later()) as lease:
            assert not lease.is_new(lease.token())
            assert lease.replace(old) == 0
            assert lease.is_new(lease.token())
        token_cache.close()
        assert vault.revoked == [b"token-1", b"token-2"]

    def test_one_bad_reference_does_not_make_a_namespace_log_in_again_and_again(
        self, vault: Vault, token_cache: TokenCache
    ) -> None:
        use(token_cache, vault)
        waits = []
        for _ in range(25):
            with token_cache.lease(tenant(), vault.client, later()) as lease:
                waits.append(lease.replace(lease.token()))
        assert waits[:20] == [0.0] * 20
        assert all(0 < wait <= 30 for wait in waits[20:])
        assert len(vault.logins) == 21

    def test_who_held_a_token_that_another_replaced_gets_the_new_one(
        self, vault: Vault, token_cache: TokenCache
    ) -> None:
        old = use(token_cache, vault)
        with token_cache.lease(tenant(), vault.client, later()) as other:
            with token_cache.lease(tenant(), vault.client, later()) as lease:
                lease.replace(old)
            assert other.replace(old) == 0
            assert other.token() is use(token_cache, vault)
        assert len(vault.logins) == 2

    def test_a_replaced_token_is_not_taken_away_from_who_uses_it(self, vault: Vault, token_cache: TokenCache) -> None:
        with token_cache.lease(tenant(), vault.client, later()) as other:
            old = other.token()
            with token_cache.lease(tenant(), vault.client, later()) as lease:
                lease.replace(old)
            assert vault.revoked == []
        token_cache.close()
        assert sorted(vault.revoked) == [b"token-1", b"token-2"]

    def test_a_failed_login_is_the_answer_until_one_succeeds_and_counts_for_nothing(
        self, vault: Vault, token_cache: TokenCache
    ) -> None:
        old = use(token_cache, vault)
        vault.is_open = False
        for _ in range(30):
            with (
                token_cache.lease(tenant(), vault.client, later()) as lease,
                pytest.raises(LoginDenied),
            ):
                lease.replace(lease.token())
        vault.is_open = True
        assert use(token_cache, vault) is not old
        with token_cache.lease(tenant(), vault.client, later()) as lease:
            assert lease.replace(lease.token()) == 0

    def test_a_token_that_vault_does_not_know_is_forgotten_and_not_revoked(
        self, vault: Vault, token_cache: TokenCache
    ) -> None:
        use(token_cache, vault)
        with token_cache.lease(tenant(), vault.client, later()) as lease:
            lease.drop(lease.token())
            assert lease.is_new(lease.token())
        token_cache.close()
        assert vault.revoked == [b"token-2"]


class TestUses:
    def test_admissions_share_the_uses_of_a_token(self, vault: Vault, token_cache: TokenCache) -> None:
        vault.uses = 2
        tokens = [use(token_cache, vault) for _ in range(4)]
        assert tokens[0] is tokens[1]
        assert tokens[1] is not tokens[2]
        assert tokens[2] is tokens[3]

    def test_a_request_that_vault_does_not_count_spends_none(self, vault: Vault, token_cache: TokenCache) -> None:
        vault.uses = 1
        with token_cache.lease(tenant(), vault.client, later()) as lease:
            assert lease.token(spends=False) is lease.token()
            assert len(vault.logins) == 1

    def test_what_is_used_up_is_not_revoked_and_what_is_left_is(self, vault: Vault, token_cache: TokenCache) -> None:
        vault.uses = 2
        for _ in range(3):
            use(token_cache, vault)
        token_cache.close()
        assert vault.revoked == [b"token-2"]

    def test_one_object_does_not_take_logins_without_end(self, vault: Vault, token_cache: TokenCache) -> None:
        vault.uses = 1
        with token_cache.lease(tenant(), vault.client, later()) as lease:
            for _ in range(32):
                lease.token()
            with pytest.raises(TokenUsesTooFew, match="token_num_uses=1,"):
                lease.token()


class TestOwners:
    """Every token that was obtained is in a slot, or revoked once nobody uses it."""

    def test_of_a_connection_that_is_replaced_while_the_old_one_is_used(
        self, vault: Vault, token_cache: TokenCache
    ) -> None:
        old = use(token_cache, vault)
        with closing(VaultClient(vault.client.connection)) as changed:
            other = replace(vault, client=changed)
            new = use(token_cache, other)
            assert (use(token_cache, vault), use(token_cache, other)) == (old, new)
            token_cache.forget(vault.client)
            assert vault.revoked == [b"token-1"]
            token_cache.close()
        assert vault.revoked == [b"token-1", b"token-2"]

    @pytest.mark.parametrize("how", ["close", "forget", "evict"])
    def test_of_a_login_that_ends_after_its_slot_is_gone(
        self, vault: Vault, token_cache: TokenCache, how: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        vault.may_log_in.clear()
        used: list[VaultToken] = []
        admission = threading.Thread(target=lambda: used.append(use(token_cache, vault)))
        admission.start()
        assert vault.login_began.wait(5)
        if how == "evict":
            monkeypatch.setattr(module, "MOST_TENANTS", 0)
            with token_cache.lease(tenant("b"), vault.client, later()):
                pass
        ending = threading.Thread(
            target={"close": token_cache.close}.get(how, lambda: token_cache.forget(vault.client))
        )
        ending.start()
        vault.may_log_in.set()
        admission.join()
        ending.join()
        assert len(used) == 1
        token_cache.close()
        assert vault.revoked == [b"token-1"]

    def test_of_an_admission_that_does_not_end_when_the_worker_does(
        self, vault: Vault, token_cache: TokenCache, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_REVOCATION_SECONDS", 0.1)
        with token_cache.lease(tenant(), vault.client, later()) as lease:
            lease.token()
            token_cache.close()
            assert vault.revoked == [b"token-1"]
        assert vault.revoked == [b"token-1"]

    def test_of_an_admission_that_begins_after_the_end(self, vault: Vault, token_cache: TokenCache) -> None:
        token_cache.close()
        use(token_cache, vault)
        assert vault.revoked == [b"token-1"]
        assert token_cache.held == 0

    def test_who_is_late_gets_no_token(self, vault: Vault, token_cache: TokenCache) -> None:
        with token_cache.lease(tenant(), vault.client, later()) as lease:
            pass
        with pytest.raises(DeadlineExceeded):
            lease.token()
        assert vault.logins == []
