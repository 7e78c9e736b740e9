"""How a server is replaced while others still use it."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from resolver.connections.model import Authentication, Connection
from resolver.vault import servers as module
from resolver.vault.client import VaultClient
from resolver.vault.errors import ConnectionUnusable, UnknownConnection
from resolver.vault.mounts import Mounts
from resolver.vault.servers import Server, Servers

FIRST, SECOND = "http://127.0.0.1:1", "http://127.0.0.1:2"


class Ended:
    """What was given back, in order; `wait` returns when so many were."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self._changed = threading.Condition()

    def __call__(self, server: Server) -> None:
        with self._changed:
            self.addresses.append(address(server))
            self._changed.notify_all()

    def wait(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.addresses) == count, timeout=10)


def address(server: Server) -> str:
    return server.client.connection.address


def to(address: str, **changes: object) -> Connection:
    return Connection.model_validate(
        {"address": address, "auth": Authentication(method="jwt", role="r"), **changes}, by_name=True
    )


def made(name: str, connection: Connection) -> Server:
    return Server(name, VaultClient(connection), Mounts({}))


@contextmanager
def serving(**connections: Connection) -> Iterator[tuple[Servers, Ended]]:
    ended = Ended()
    with closing(Servers(made, ended)) as servers:
        servers.replace(connections)
        yield servers, ended


def test_what_is_under_way_ends_on_the_server_that_it_began_with() -> None:
    with serving(default=to(FIRST)) as (servers, ended):
        with servers.using("default") as old:
            assert servers.replace({"default": to(SECOND)}) == ["default"]
            with servers.using("default") as new:
                assert (address(old), address(new)) == (FIRST, SECOND)
            assert ended.addresses == []
        ended.wait(1)
        assert ended.addresses == [FIRST]


def test_the_last_one_out_gives_it_back_and_only_once() -> None:
    with serving(default=to(FIRST)) as (servers, ended):
        with ExitStack() as users:
            for _ in range(3):
                users.enter_context(servers.using("default"))
            servers.replace({})
            assert ended.addresses == []
        ended.wait(1)
    assert ended.addresses == [FIRST]


def test_nobody_waits_longer_than_the_longest_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DRAIN_SECONDS", 0.01)
    with serving(default=to(FIRST)) as (servers, ended), servers.using("default"):
        servers.replace({})
        ended.wait(1)


def test_one_that_did_not_change_is_the_same() -> None:
    with serving(default=to(FIRST)) as (servers, ended):
        before = servers.current["default"]
        assert servers.replace({"default": to(FIRST), "other": to(SECOND)}) == ["other"]
        assert servers.current["default"] is before
        assert ended.addresses == []


def test_one_whose_bundle_is_another_changed(tmp_path_factory: pytest.TempPathFactory) -> None:
    connection = to(FIRST, ca_file=tmp_path_factory.mktemp("ca") / "ca.crt")
    with serving(default=connection.trusting(b"one")) as (servers, _):
        assert servers.replace({"default": connection.trusting(b"one")}) == []
        assert servers.replace({"default": connection.trusting(b"two")}) == ["default"]


def test_one_that_is_rejected_stays_as_it_was() -> None:
    with serving(default=to(FIRST), other=to(FIRST)) as (servers, _):
        assert servers.replace({"other": to(SECOND)}, rejected=["default"]) == ["other"]
        with servers.using("default") as kept:
            assert address(kept) == FIRST


def test_one_that_never_could_be_used_is_no_unknown_one() -> None:
    with serving(default=to(FIRST)) as (servers, _):
        servers.replace({"default": to(FIRST)}, rejected=["eu"])
        with pytest.raises(ConnectionUnusable), servers.using("eu"):
            pass
        with pytest.raises(UnknownConnection), servers.using("us"):
            pass


def test_at_the_end_everything_is_given_back_also_what_was_replaced_and_is_in_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_LAST_DRAIN_SECONDS", 0.01)
    with serving(default=to(FIRST)) as (servers, ended), servers.using("default"):
        servers.replace({"default": to(SECOND)})
        servers.close()
        assert sorted(ended.addresses) == [FIRST, SECOND]
        with pytest.raises(ConnectionUnusable), servers.using("default"):
            pass


def test_after_the_end_nothing_begins() -> None:
    with serving(default=to(FIRST)) as (servers, _):
        servers.close()
        assert servers.replace({"default": to(SECOND)}) == []
        assert not servers.current


def test_at_the_end_what_is_under_way_is_waited_for() -> None:
    ended = Ended()
    servers = Servers(made, ended)
    servers.replace({"default": to(FIRST)})
    entered, leave = threading.Event(), threading.Event()

    def use() -> None:
        with servers.using("default"):
            entered.set()
            leave.wait(10)
            assert ended.addresses == []

    user = threading.Thread(target=use)
    user.start()
    entered.wait(10)
    closer = threading.Thread(target=servers.close)
    closer.start()
    leave.set()
    for thread in (user, closer):
        thread.join(10)
    assert ended.addresses == [FIRST]
