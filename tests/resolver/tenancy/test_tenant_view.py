"""What is told of a denial, by a Vault that denies everything in one way or another and counts logins."""

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from resolver.connections.model import Authentication, Connection
from resolver.deadline import Deadline
from resolver.references.grammar import Reference
from resolver.resolve import Outcome, Resolved, Resolver
from resolver.tenancy.token_cache import TokenCache
from resolver.vault.denials import DeniedForNow, MountDenied, TokenUnknown
from resolver.vault.errors import VaultDenied
from tests.resolver.fake_server import answering, http
from tests.resolver.tenancy.test_token_cache import Minter

_DENIED = http("403 Forbidden", b'{"errors": ["1 error occurred:\\n\\t* permission denied\\n\\n"]}')
_UNKNOWN = http(
    "403 Forbidden", b'{"errors": ["2 errors occurred:\\n\\t* permission denied\\n\\t* invalid token\\n\\n"]}'
)
_READ = http("200 OK", b'{"data": {"data": {"f": "value"}, "metadata": {"version": 1}}}')


class Asked:
    """A resolver of one connection, and the logins that its Vault gave."""

    def __init__(self, resolver: Resolver, logins: list[int]) -> None:
        self._resolver = resolver
        self.logins = logins

    def outcome(self, path: str = "secret/app") -> Outcome:
        return self.outcomes([path], "a")[0]

    def outcomes(self, paths: Sequence[str], namespace: str) -> list[Outcome]:
        references = [Reference(path, "f") for path in paths]
        return list(self._resolver.resolve(references, namespace, Deadline.after(5)).values())


@contextmanager
def vault(answer: Callable[[int], bytes], heads: list[bytes] | None = None) -> Iterator[Asked]:
    """Answer each read by what `answer` gives for the number of the token that it came with, and add it to `heads`."""
    logins: list[int] = []

    def serve(client: socket.socket, head: bytes) -> None:
        if b"/login" in head:
            logins.append(len(logins) + 1)
            auth = {"client_token": f"token-{len(logins)}", "lease_duration": 600}
            client.sendall(http("200 OK", json.dumps({"auth": auth}).encode()))
        elif b"revoke-self" in head:
            client.sendall(http("204 No Content"))
        else:
            if heads is not None:
                heads.append(head)
            client.sendall(answer(int(head.partition(b"X-Vault-Token: token-")[2].partition(b"\r\n")[0])))

    with answering(serve) as (address, _):
        connection = Connection(address=address, auth=Authentication(method="jwt", role="r"), mounts={"secret": 2})
        with closing(Resolver({"default": connection}, TokenCache(Minter()))) as resolver:
            yield Asked(resolver, logins)


def test_what_a_fresh_token_is_denied_is_denied_for_good() -> None:
    with vault(lambda _: _DENIED) as asked:
        assert isinstance(asked.outcome(), VaultDenied)
        assert len(asked.logins) == 1


def test_what_an_older_token_is_denied_may_be_allowed_to_the_next() -> None:
    with vault(lambda token: _DENIED if token == 1 else _READ) as asked:
        assert isinstance(asked.outcome(), VaultDenied)
        assert isinstance(asked.outcome(), Resolved)
        assert len(asked.logins) == 2


def test_when_no_login_may_follow_now_the_answer_passes_and_says_when() -> None:
    with vault(lambda _: _DENIED) as asked:
        lasting = [asked.outcome(f"secret/{number}") for number in range(21)]
        assert {type(each) for each in lasting} == {VaultDenied}
        told = asked.outcome()
        assert isinstance(told, DeniedForNow)
        assert told.cause == "PermissionDenied"
        assert told.retry_after_seconds is not None
        assert 0 < told.retry_after_seconds <= 30
        assert f"can log in again in {told.retry_after_seconds} s" in told.message
        assert 'path "secret/data/app" { capabilities = ["read"] }' in told.message
        assert len(asked.logins) == 21


def test_a_token_that_is_used_up_is_replaced_within_the_admission() -> None:
    known = [1]
    with vault(lambda token: _READ if token in known else _UNKNOWN) as asked:
        for token in range(1, 5):
            known[:] = [token]
            assert isinstance(asked.outcome(), Resolved)
        assert len(asked.logins) == 4


def test_a_fresh_token_that_vault_does_not_know_is_no_lasting_refusal() -> None:
    with vault(lambda _: _UNKNOWN) as asked:
        for number in range(1, 3):
            assert isinstance(asked.outcome(), TokenUnknown)
            assert len(asked.logins) == number


def test_where_a_mount_is_hidden_each_reference_is_told_of_its_own_path() -> None:
    mount = http("200 OK", b'{"data": {"path": "grown/", "type": "kv", "options": {"version": "2"}}}')
    heads: list[bytes] = []

    def answer(token: int) -> bytes:
        if token > 1:
            return _DENIED
        return mount if b"/internal/ui/mounts/" in heads[-1] else _READ

    with vault(answer, heads) as asked:
        assert isinstance(asked.outcome("grown/app"), Resolved)
        told = asked.outcomes(["grown/one", "grown/two"], "b")
        assert [each.path for each in told if isinstance(each, MountDenied)] == ["grown/one", "grown/two"]
        assert sum(b"/internal/ui/mounts/" in head for head in heads) == 2
