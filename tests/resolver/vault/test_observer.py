"""What observers are told of requests to Vault: each one that was sent, and nothing of paths, tokens or bodies."""

import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from resolver.connections.model import Authentication, Connection, Retries
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.references.value import SecretValue
from resolver.tenancy.token_cache import Tenant, TokenCache
from resolver.vault.breaker import FAILURES_IN_A_ROW
from resolver.vault.client import VaultClient
from resolver.vault.errors import IdentityRefused, IdentityUnavailable, VaultUnavailable
from resolver.vault.observer import Login, Operation
from tests.resolver.fake_server import Handler, answering, http, wait_for_examination

_GRANTED = http("200 OK", b'{"auth": {"client_token": "t", "lease_duration": 600}}')


@dataclass
class Told:
    """An observer that remembers."""

    exchanges: list[tuple[Operation, str]] = field(default_factory=list)
    repetitions: list[Operation] = field(default_factory=list)
    logins: list[Login] = field(default_factory=list)
    away: int = 0

    def exchanged(self, operation: Operation, status: str, seconds: float) -> None:
        assert 0 <= seconds < 60
        self.exchanges.append((operation, status))

    def repeated(self, operation: Operation) -> None:
        self.repetitions.append(operation)

    def turned_away(self) -> None:
        self.away += 1

    def logged_in(self, login: Login) -> None:
        self.logins.append(login)


def told_of(handler: Handler, ask: Callable[[VaultClient], object], attempts: int = 0) -> Told:
    told = Told()
    retries = Retries(attempts=attempts, first_pause_seconds=0.001)
    with answering(handler) as (address, _):
        auth = Authentication(method="jwt", role="r")
        connection = Connection(address=address, auth=auth, retries=retries, timeout_seconds=0.5)
        with closing(VaultClient(connection, observer=told)) as vault_client:
            ask(vault_client)
    return told


def read(vault_client: VaultClient) -> None:
    try:
        vault_client.adapter(Deadline.after(5), operation=Operation.READ).get(url="/v1/x")
    except VaultUnavailable:
        return


def saying(answer: bytes) -> Handler:
    return lambda client, _: client.sendall(answer)


@pytest.mark.parametrize(
    ("handler", "status"),
    [
        pytest.param(saying(http("200 OK", b"{}")), "200", id="an answer"),
        pytest.param(saying(http("473 Standby", b"{}")), "473", id="a status of Vault's own"),
        pytest.param(lambda _client, _head: None, "late", id="none in time"),
        pytest.param(saying(http("200 OK", b"x" * (8 * 1024 * 1024 + 1))), "too-large", id="too much of one"),
        pytest.param(saying(b"nonsense\r\n\r\n"), "broken", id="none of HTTP"),
    ],
)
def test_each_request_is_told_with_how_it_ended(handler: Handler, status: str) -> None:
    assert told_of(handler, read).exchanges == [(Operation.READ, status)]


def test_each_repetition_is_a_request_too() -> None:
    told = told_of(lambda client, _: client.shutdown(socket.SHUT_RDWR), read, attempts=2)
    assert {status for _, status in told.exchanges} == {"unanswered"}
    # One more, because a connection that was closed unanswered may have been closed long ago.
    assert len(told.exchanges) == len(told.repetitions) + 1 == 4


def test_what_is_not_sent_is_turned_away_and_no_request() -> None:
    def ask(vault_client: VaultClient) -> None:
        for _ in range(FAILURES_IN_A_ROW + 3):
            read(vault_client)
            wait_for_examination()

    told = told_of(saying(http("500 Internal Server Error", b'{"errors": []}')), ask)
    assert told.exchanges == [*[(Operation.READ, "500")] * FAILURES_IN_A_ROW, (Operation.HEALTH, "500")]
    assert told.away == 3


class Minter:
    def __init__(self, error: ResolverError | None = None) -> None:
        self._error = error

    def mint(self, namespace: str, audience: str, deadline: Deadline) -> SecretValue:
        if self._error is not None:
            raise self._error
        return SecretValue("jwt")


@pytest.mark.parametrize(
    ("minter", "answer", "login"),
    [
        pytest.param(Minter(), _GRANTED, Login.GRANTED, id="granted"),
        pytest.param(Minter(), http("403 Forbidden", b"{}"), Login.DENIED, id="Vault says no"),
        pytest.param(Minter(), http("500 Broken", b"{}"), Login.FAILED, id="Vault fails"),
        pytest.param(Minter(IdentityRefused("a/keyhole", 404)), _GRANTED, Login.NO_IDENTITY, id="no ServiceAccount"),
        pytest.param(Minter(IdentityUnavailable("is away")), _GRANTED, Login.FAILED, id="no API server"),
    ],
)
def test_each_login_is_told_with_how_it_ended(minter: Minter, answer: bytes, login: Login) -> None:
    def ask(vault_client: VaultClient) -> None:
        tenants = TokenCache(minter)
        try:
            for _ in range(2):
                with tenants.lease(Tenant("default", "a", "r"), vault_client, Deadline.after(5)) as lease:
                    lease.token()
        except ResolverError:
            return
        finally:
            tenants._revoking.shutdown()

    told = told_of(saying(answer), ask)
    assert told.logins == [login]
    assert {operation for operation, _ in told.exchanges} <= {Operation.LOGIN}
