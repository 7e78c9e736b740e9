"""What a question costs, by a Vault that allows and denies as told and notes every request."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import pytest

from resolver import questions as module
from resolver.budget import ValuesTooLarge
from resolver.connections.model import Authentication, Connection, Retries
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded, ResolverError
from resolver.questions import Remembered
from resolver.references.grammar import Reference, parse_reference
from resolver.resolve import Resolved
from resolver.tenancy.token_cache import TokenCache
from resolver.vault.denials import MountDenied
from resolver.vault.errors import (
    ConnectionUnusable,
    LoginDenied,
    PathNotAllowed,
    SecretNotFound,
    UnknownConnection,
    VaultDenied,
    VaultRateLimited,
    VaultUnavailable,
)
from resolver.vault.kv_versions import KvVersion
from resolver.vault.mounts import V2, KvLocation, KvMount
from resolver.versions import Versions
from tests.resolver.fake_server import answering, http
from tests.resolver.tenancy.test_token_cache import Minter

_DENIED = http("403 Forbidden", b'{"errors": ["1 error occurred:\\n\\t* permission denied\\n\\n"]}')
_UNKNOWN = http("403 Forbidden", b'{"errors": ["permission denied", "invalid token"]}')
_MISSING = http("404 Not Found", b'{"errors": []}')
_ENTRY = {"created_time": "2026-11-28T10:14:03Z", "deletion_time": "", "destroyed": False}
METADATA = http("200 OK", json.dumps({"data": {"current_version": 3, "versions": {"3": _ENTRY}}}).encode())
DATA = http("200 OK", json.dumps({"data": {"data": {"f": "v"}, "metadata": {"version": 3, **_ENTRY}}}).encode())
PLAIN = http("200 OK", json.dumps({"data": {"f": "v", "j": '{"a": "1", "b": "2"}'}}).encode())
_VERSION = KvVersion(3, "2026-11-28T10:14:03Z")
_LACKING = KvVersion(3, "2026-11-28T10:14:03Z", lacks_metadata=True)
_META, _READ, _LOGIN = "secret/metadata/app", "secret/data/app", "auth/jwt/login"
_MOUNT = "sys/internal/ui/mounts/"


class Interrupted(Exception):
    """What a budget raises when the work must stop."""


@dataclass
class Vault:
    """Answers each path as `answers` says, and others with `otherwise`: a denial. An empty answer hangs up."""

    answers: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    logins: int = 0
    may_log_in: bool = True
    otherwise: bytes = _DENIED
    of_next_token: dict[str, bytes] = field(default_factory=dict)
    unknown_tokens: set[str] = field(default_factory=set)

    def __call__(self, client: socket.socket, head: bytes) -> None:
        path = head.split(b" ")[1].decode().removeprefix("/v1/").partition("?")[0]
        if path == "auth/token/revoke-self":
            client.sendall(http("204 No Content"))
            return
        self.requests.append(path)
        if path == _LOGIN:
            client.sendall(self._login())
            return
        token = head.partition(b"X-Vault-Token: ")[2].partition(b"\r\n")[0].decode()
        answer = _UNKNOWN if token in self.unknown_tokens else self.answers.get(path, self.otherwise)
        if answer:
            client.sendall(answer)
        else:
            client.shutdown(socket.SHUT_RDWR)

    def _login(self) -> bytes:
        if not self.may_log_in:
            return http("400 Bad Request", b'{"errors": ["role could not be found"]}')
        self.logins += 1
        self.answers |= self.of_next_token
        auth = {"client_token": f"token-{self.logins}", "lease_duration": 600}
        return http("200 OK", json.dumps({"auth": auth}).encode())

    def allow(self, path: str, version: int = 2) -> None:
        """Show the mount of a path."""
        mount = {"path": path.partition("/")[0] + "/", "type": "kv", "options": {"version": str(version)}}
        self.answers[_MOUNT + path] = http("200 OK", json.dumps({"data": mount}).encode())


class Loop:
    """Asks in rounds, and counts what it pays."""

    def __init__(self, vault: Vault, versions: Versions) -> None:
        self.vault = vault
        self.versions = versions
        self.paid = 0

    def _pay(self) -> None:
        self.paid += 1

    def ask(self, *texts: str, was_denied: bool = False, namespace: str = "a") -> list[KvVersion | ResolverError]:
        """Ask in one round, and check that all requests were paid for."""
        before, paid = len(self.vault.requests), self.paid
        found: list[KvVersion | ResolverError] = []
        with self.versions.asking("default", namespace, Deadline.after(5), self._pay) as asked:
            for text in texts:
                try:
                    found.append(asked.version(parse_reference(text), was_denied=was_denied))
                except ResolverError as error:
                    found.append(error)
        assert self.paid - paid == len(self.vault.requests) - before
        return found

    def one(self, text: str = "vault:secret/app#f", *, was_denied: bool = False) -> KvVersion | ResolverError:
        (found,) = self.ask(text, was_denied=was_denied)
        return found

    def new_requests(self) -> list[str]:
        """Return what came since this was last called."""
        found, self.vault.requests[:] = list(self.vault.requests), []
        return found

    def values(self, *texts: str) -> list[Resolved | ResolverError]:
        references = [parse_reference(text) for text in texts]
        with self.versions.asking("default", "a", Deadline.after(5), self._pay) as asked:
            return list(asked.values(references).values())


def connection_to(address: str, **changes: object) -> Connection:
    auth = Authentication(method="jwt", role="r")
    mounts = {"secret": 2, "legacy": 1}
    return Connection.model_validate({"address": address, "auth": auth, "mounts": mounts, **changes}, by_name=True)


@contextmanager
def looping(**changes: object) -> Iterator[Loop]:
    vault = Vault()
    with (
        answering(vault) as (address, _),
        closing(Versions({"default": connection_to(address, **changes)}, TokenCache(Minter()))) as versions,
    ):
        yield Loop(vault, versions)


@pytest.fixture
def loop() -> Iterator[Loop]:
    with looping() as loop:
        yield loop


@pytest.fixture
def _a_minute_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nothing that was learned in an earlier round count as fresh."""
    monkeypatch.setattr(module, "_FRESH_SECONDS", 0.0)


class TestVersions:
    def test_a_quiet_round_costs_one_request_a_location(self, loop: Loop) -> None:
        loop.vault.answers[_META] = METADATA
        texts = ("vault:secret/app#f", "vault:secret/app#other", "vault:secret/data/app#f", "vault:secret/app#f#2")
        assert loop.ask(*texts) == [_VERSION] * 4
        assert loop.new_requests() == [_LOGIN, _META]
        assert loop.ask(*texts) == [_VERSION] * 4
        assert loop.new_requests() == [_META]

    def test_on_kv_v1_nothing_is_asked(self, loop: Loop) -> None:
        assert loop.one("vault:legacy/app#f") == KvVersion(None)
        assert loop.new_requests() == []

    def test_a_path_that_may_not_be_used_is_not_asked_for(self) -> None:
        with looping(allow=["secret/other/*"]) as loop:
            assert isinstance(loop.one(), PathNotAllowed)
            assert loop.new_requests() == []

    def test_a_mount_that_is_not_configured_is_asked_for_once(self, loop: Loop) -> None:
        loop.vault.allow("grown/app")
        loop.vault.answers["grown/metadata/app"] = METADATA
        assert loop.one("vault:grown/app#f") == _VERSION
        assert loop.new_requests() == [_LOGIN, f"{_MOUNT}grown/app", "grown/metadata/app"]
        assert loop.one("vault:grown/app#f") == _VERSION
        assert loop.new_requests() == ["grown/metadata/app"]

    @pytest.mark.usefixtures("_a_minute_later")
    def test_a_mount_that_became_kv_v1_is_found_out(self, loop: Loop) -> None:
        loop.vault.allow("grown/app")
        loop.vault.answers["grown/metadata/app"] = METADATA
        loop.one("vault:grown/app#f")
        loop.vault.allow("grown/app", version=1)
        loop.vault.answers["grown/metadata/app"] = _MISSING
        assert loop.one("vault:grown/app#f") == KvVersion(None)

    def test_what_is_missing_is_told(self, loop: Loop) -> None:
        loop.vault.answers[_META] = _MISSING
        assert isinstance(loop.one(), SecretNotFound)

    def test_a_token_that_vault_forgot_costs_one_login(self, loop: Loop) -> None:
        loop.vault.answers[_META] = METADATA
        loop.one()
        loop.vault.unknown_tokens.add("token-1")
        loop.new_requests()
        assert loop.one() == _VERSION
        assert loop.new_requests() == [_META, _LOGIN, _META]


class TestDenials:
    def test_a_policy_without_metadata_costs_one_request_a_round_and_is_told(self, loop: Loop) -> None:
        loop.vault.answers[_READ] = DATA
        assert loop.one() == _LACKING
        assert loop.new_requests() == [_LOGIN, _META, _READ]
        assert [loop.one() for _ in range(3)] == [_LACKING] * 3
        assert loop.new_requests() == [_READ] * 3

    def test_after_ten_minutes_metadata_is_tried_again(self, loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "_AGAIN_SECONDS", -1.0)
        loop.vault.answers[_READ] = DATA
        loop.one()
        loop.vault.answers[_META] = METADATA
        assert loop.one() == _VERSION

    def test_a_denial_soon_after_the_login_is_believed(self, loop: Loop) -> None:
        loop.vault.answers[_META] = METADATA
        loop.one()
        loop.vault.answers.clear()
        loop.new_requests()
        assert isinstance(loop.one(), VaultDenied)
        assert loop.new_requests() == [_META, _READ]

    @pytest.mark.usefixtures("_a_minute_later")
    def test_a_denied_path_costs_four_requests_at_first_and_then_one(self, loop: Loop) -> None:
        loop.vault.answers[_META] = METADATA
        loop.one()  # the token is older than the denial
        loop.vault.answers.clear()
        loop.new_requests()
        assert isinstance(loop.one(), VaultDenied)
        assert loop.new_requests() == [_META, _READ, _LOGIN, _READ]
        for _ in range(3):
            assert isinstance(loop.one(was_denied=True), VaultDenied)
            assert loop.new_requests() == [_READ]

    def test_a_path_that_is_allowed_again_is_found_by_that_one_request(self, loop: Loop) -> None:
        loop.one()
        loop.vault.answers |= {_META: METADATA, _READ: DATA}
        loop.new_requests()
        assert loop.one(was_denied=True) == _VERSION
        assert loop.new_requests() == [_READ]
        assert loop.one() == _VERSION
        assert loop.new_requests() == [_META]

    @pytest.mark.usefixtures("_a_minute_later")
    def test_a_role_that_allows_more_by_now_does_not_lack_metadata(self, loop: Loop) -> None:
        loop.one()
        loop.new_requests()
        loop.vault.of_next_token = {_META: METADATA, _READ: DATA}
        assert loop.one() == _VERSION
        assert loop.new_requests() == [_META, _READ, _LOGIN, _READ]
        assert loop.one() == _VERSION
        assert loop.new_requests() == [_META]

    def test_an_old_token_is_replaced_even_after_a_denial(self, loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
        loop.one()
        loop.new_requests()
        monkeypatch.setattr(module, "_AGAIN_SECONDS", 0.0)
        assert isinstance(loop.one(was_denied=True), VaultDenied)
        assert loop.new_requests() == [_READ, _LOGIN, _READ]

    @pytest.mark.usefixtures("_a_minute_later")
    def test_a_denied_path_on_a_mount_that_vault_told_of(self, loop: Loop) -> None:
        loop.vault.allow("grown/app")
        loop.vault.answers["grown/metadata/app"] = METADATA
        loop.one("vault:grown/app#f")
        del loop.vault.answers["grown/metadata/app"]
        loop.new_requests()
        assert isinstance(loop.one("vault:grown/app#f"), VaultDenied)
        assert len(loop.new_requests()) == 5
        assert isinstance(loop.one("vault:grown/app#f", was_denied=True), VaultDenied)
        assert loop.new_requests() == ["grown/data/app"]

    def test_a_hidden_mount(self, loop: Loop) -> None:
        assert isinstance(loop.one("vault:hidden/app#f"), MountDenied)
        assert loop.new_requests() == [_LOGIN, f"{_MOUNT}hidden/app"]
        assert isinstance(loop.one("vault:hidden/app#f", was_denied=True), MountDenied)
        assert loop.new_requests() == [f"{_MOUNT}hidden/app"]

    def test_a_refused_login_ends_all_questions_of_the_round(self, loop: Loop) -> None:
        loop.vault.may_log_in = False
        found = loop.ask(*(f"vault:secret/{number}#f" for number in range(20)))
        assert {type(each) for each in found} == {LoginDenied}
        assert loop.new_requests() == [_LOGIN]

    @pytest.mark.usefixtures("_a_minute_later")
    def test_ten_minutes_of_a_denied_path_cost_at_most_ten_requests(self, loop: Loop) -> None:
        loop.vault.answers[_META] = METADATA
        loop.one()
        loop.vault.answers.clear()
        loop.new_requests()
        for minutes in (0, 1, 3, 7):
            assert isinstance(loop.one(was_denied=minutes > 0), VaultDenied)
        revocations = loop.vault.logins - 1
        assert len(loop.new_requests()) + revocations <= 10


class TestFailures:
    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(b"", id="hangs up"),
            pytest.param(http("503 Service Unavailable", b"<html>no server</html>"), id="a balancer's 503"),
            pytest.param(http("412 Precondition Failed", b'{"errors": []}'), id="412"),
        ],
    )
    def test_a_failure_costs_one_request(self, answer: bytes) -> None:
        with looping(retries=Retries(attempts=5)) as loop:
            loop.vault.answers |= {_META: METADATA, "secret/metadata/other": answer}
            loop.one()
            loop.new_requests()
            # Hanging up on a connection that was idle looks as if it had been closed long ago: that is one more.
            expected = 1 if answer else 2
            with loop.versions.asking("default", "a", Deadline.after(5), loop._pay) as asked:
                with pytest.raises(VaultUnavailable):
                    asked.version(Reference("secret/other", "f"))
                assert len(loop.new_requests()) == expected
                with pytest.raises(VaultUnavailable):
                    asked.version(Reference("secret/other", "g"))
            assert loop.new_requests() == []

    def test_a_rate_limit_is_told_and_not_waited_for(self, loop: Loop) -> None:
        loop.vault.answers[_META] = http("429 Too Many Requests", b'{"errors": []}', "Retry-After: 1")
        found = loop.one()
        assert isinstance(found, VaultRateLimited)
        assert found.retry_after_seconds == 1
        assert loop.new_requests() == [_LOGIN, _META]

    def test_failures_in_a_row_give_rise_to_no_other_request(self, loop: Loop) -> None:
        texts = [f"vault:secret/{number}#f" for number in range(30)]
        loop.vault.answers = {
            f"secret/metadata/{number}": http("500 Internal Server Error", b"{}") for number in range(30)
        }
        assert {type(each) for each in loop.ask(*texts)} == {VaultUnavailable}
        assert loop.new_requests() == [_LOGIN, *(f"secret/metadata/{number}" for number in range(30))]

    def test_what_paying_raises_ends_the_question(self, loop: Loop) -> None:
        def stop() -> None:
            raise Interrupted

        with loop.versions.asking("default", "a", Deadline.after(5), stop) as asked, pytest.raises(Interrupted):
            asked.version(Reference("secret/app", "f"))
        assert loop.new_requests() == []
        loop.vault.answers[_META] = METADATA
        assert loop.one() == _VERSION

    def test_a_connection_that_is_not_there(self, loop: Loop) -> None:
        with pytest.raises(UnknownConnection), loop.versions.asking("other", "a", Deadline.after(5), loop._pay):
            pass
        loop.versions.replace({}, rejected=["other"])
        with pytest.raises(ConnectionUnusable), loop.versions.asking("other", "a", Deadline.after(5), loop._pay):
            pass
        assert not loop.versions.is_well("other", Deadline.after(5))
        assert loop.versions.is_well("default", Deadline.after(5))  # removed: nothing waits for it


class TestHealth:
    @pytest.mark.parametrize(
        ("status", "is_well"),
        [
            *(("200 OK", True), ("429 Standby", True), ("472 Secondary", True), ("473 Standby", True)),
            *(("501 Not Initialized", False), ("503 Sealed", False), ("500 Error", False), ("", False)),
        ],
    )
    def test_one_request_tells(self, status: str, is_well: bool) -> None:
        with looping(retries=Retries(attempts=5)) as loop:
            loop.vault.answers["sys/health"] = http(status, b"{}") if status else b""
            assert loop.versions.is_well("default", Deadline.after(5)) is is_well
            assert loop.new_requests() == ["sys/health"]

    def test_no_time_is_no_health(self, loop: Loop) -> None:
        assert not loop.versions.is_well("default", Deadline.after(0))
        assert loop.new_requests() == []


class TestValues:
    def test_a_path_is_read_once_for_all_its_references(self, loop: Loop) -> None:
        loop.vault.answers["legacy/app"] = PLAIN
        found = loop.values("vault:legacy/app#f", "vault:legacy/app#j | json:/a", "vault:legacy/app#j | json:/b")
        assert [each.value.reveal_text() for each in found if isinstance(each, Resolved)] == ["v", "1", "2"]
        assert loop.new_requests() == [_LOGIN, "legacy/app"]
        assert loop.paid == 2

    def test_what_is_wrong_with_one_is_its_own(self, loop: Loop) -> None:
        loop.vault.answers["legacy/app"] = PLAIN
        found = loop.values("vault:legacy/app#f", "vault:legacy/app#none", "vault:legacy/denied#f")
        assert isinstance(found[0], Resolved)
        causes = [each.cause for each in found if isinstance(each, ResolverError)]
        assert causes == ["FieldNotFound", "PermissionDenied"]

    def test_a_refused_login_is_tried_once(self, loop: Loop) -> None:
        loop.vault.may_log_in = False
        found = loop.values("vault:legacy/one#f", "vault:legacy/two#f", "vault:legacy/three#f")
        assert {type(each) for each in found} == {LoginDenied}
        assert loop.new_requests() == [_LOGIN]

    def test_values_of_more_than_a_few_megabytes_are_not_held(self, loop: Loop) -> None:
        loop.vault.answers["legacy/app"] = http("200 OK", b'{"data": {"f": "' + b"x" * 900_000 + b'"}}')
        many = [f"vault:legacy/app#f | default:{number}" for number in range(50)]
        assert {type(each) for each in loop.values(*many[:4])} == {Resolved}
        assert {type(each) for each in loop.values(*many)} == {ValuesTooLarge}

    def test_work_ends_with_the_deadline(self) -> None:
        with pytest.raises(DeadlineExceeded):
            module.PROCESS.rest("a", Deadline(time.monotonic() - 1))
        module.PROCESS.rest("a", Deadline.after(60))


class TestConnections:
    def test_the_same_ones_again_change_nothing(self, loop: Loop) -> None:
        loop.vault.answers[_META] = METADATA
        loop.one()
        address = loop.versions.connections["default"].address
        assert loop.versions.replace({"default": connection_to(address)}) == []
        assert loop.versions.replace({"default": connection_to(address).trusting(b"another")}) == ["default"]

    def test_a_bundle_stays_with_itsconnection_to(self, loop: Loop) -> None:
        address = loop.versions.connections["default"].address
        with pytest.raises(OSError, match="does not contain a certificate"):
            loop.versions.replace({"default": connection_to("https://127.0.0.1:1").trusting(b"not PEM")})
        assert loop.versions.connections["default"].address == address

    def test_the_interval_is_that_of_the_file(self) -> None:
        with looping(follow_interval_seconds=7) as loop:
            assert loop.versions.connections["default"].follow_interval_seconds == 7


def test_threads_share_it_and_a_namespace_logs_in_once(loop: Loop) -> None:
    loop.vault.answers |= {f"secret/metadata/{number}": METADATA for number in range(40)}
    found: list[KvVersion | ResolverError] = []
    begin = threading.Barrier(4)

    def ask(thread: int) -> None:
        begin.wait(10)
        with loop.versions.asking("default", f"ns-{thread % 2}", Deadline.after(10), lambda: None) as asked:
            found.extend(asked.version(Reference(f"secret/{number}", "f")) for number in range(10 * thread, 40))

    threads = [threading.Thread(target=ask, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [_VERSION] * (40 + 30 + 20 + 10)
    assert loop.vault.logins == 2


def test_only_so_much_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_REMEMBERED", 3)
    now = [0.0]
    remembered = Remembered(lambda: now[0])
    keys = [("default", "a", KvLocation(KvMount("secret", V2), str(number))) for number in range(4)]
    for key in keys:
        remembered.add(key)
    assert [key in remembered for key in keys] == [False, True, True, True]
    now[0] = 599.0
    assert keys[3] in remembered
    now[0] = 600.0
    assert keys[3] not in remembered
