"""What Vault's answers about versions mean, by a server that gives answers of a real Vault 1.21, and others."""

import json
import socket
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from resolver.connections.model import Authentication, Connection, Retries
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.references.value import SecretValue
from resolver.vault import kv_versions
from resolver.vault.client import VaultClient
from resolver.vault.errors import (
    SecretNotFound,
    SecretTooLarge,
    VaultDenied,
    VaultRateLimited,
    VaultRefused,
    VaultUnavailable,
)
from resolver.vault.http import MAX_BODY_BYTES
from resolver.vault.kv import MountDoubted, TokenRefused
from resolver.vault.kv_versions import KvVersion, VersionState
from resolver.vault.mounts import V2, KvLocation, KvMount
from tests.resolver.fake_server import answering, http

_LOCATION = KvLocation(KvMount("secret", V2), "s9/a")
_NOW = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
_CREATED = "2026-11-28T10:14:03.905104117Z"
_PAST = "2026-11-28T11:59:59.999999999Z"
_FUTURE = "2026-11-28T12:00:00.000001Z"
_UNKNOWN_TOKEN = "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"

_Ask = Callable[..., KvVersion]


def _entry(**changes: object) -> dict[str, object]:
    return {"created_time": _CREATED, "deletion_time": "", "destroyed": False} | changes


def _metadata(current: object, versions: object) -> dict[str, object]:
    """Return the answer of `metadata/`, as Vault 1.21 sends it."""
    return {
        "request_id": "b0b1",
        "lease_id": "",
        "renewable": False,
        "lease_duration": 0,
        "data": {
            "cas_required": False,
            "created_time": "2026-11-28T10:14:03.905104117Z",
            "current_version": current,
            "custom_metadata": None,
            "delete_version_after": "0s",
            "max_versions": 0,
            "oldest_version": 0,
            "updated_time": "2026-11-28T10:14:05.120937781Z",
            "versions": versions,
        },
        "wrap_info": None,
        "warnings": None,
        "auth": None,
        "mount_type": "kv",
    }


def _data(version: object, data: object = None, **changes: object) -> dict[str, object]:
    """Return the answer of `data/`, as Vault 1.21 sends it."""
    metadata = _entry(version=version, custom_metadata=None, **changes)
    return {"request_id": "b0b2", "data": {"data": data, "metadata": metadata}, "mount_type": "kv"}


def _asked(ask: _Ask, status: str, body: Mapping[str, Any] | bytes) -> KvVersion | ResolverError:
    """Return what a question gives, or the error that it ends with, and check that it was one request."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()

    def serve(client: socket.socket, _: bytes) -> None:
        client.sendall(http(status, text))

    with answering(serve) as (address, asked):
        auth = Authentication(method="jwt", role="r")
        with closing(VaultClient(Connection(address=address, auth=auth, retries=Retries(attempts=0)))) as client:
            found: KvVersion | ResolverError
            try:
                found = ask(_LOCATION, client, SecretValue("t"), Deadline.after(5), lambda: _NOW)
            except ResolverError as error:
                found = error
        assert len(asked) == 1
        branch = b"metadata" if ask is kv_versions.by_metadata else b"data"
        assert asked[0].startswith(b"GET /v1/secret/" + branch + b"/s9/a HTTP/1.1\r\n")
    return found


@pytest.mark.parametrize(
    ("current", "versions", "expected"),
    [
        pytest.param(1, {"1": _entry()}, KvVersion(1, _CREATED), id="one version"),
        pytest.param(
            3,
            {"1": _entry(created_time="x"), "2": _entry(created_time="y"), "3": _entry()},
            KvVersion(3, _CREATED),
            id="three, the last of them the same value written again",
        ),
        pytest.param(
            3, {"3": _entry(deletion_time=_PAST)}, KvVersion(3, _CREATED, VersionState.DELETED), id="newest deleted"
        ),
        pytest.param(
            2, {"1": _entry(deletion_time=_PAST), "2": _entry()}, KvVersion(2, _CREATED), id="an old one deleted"
        ),
        pytest.param(
            3, {"3": _entry(destroyed=True)}, KvVersion(3, _CREATED, VersionState.DESTROYED), id="newest destroyed"
        ),
        pytest.param(
            3,
            {"3": _entry(destroyed=True, deletion_time=_PAST)},
            KvVersion(3, _CREATED, VersionState.DESTROYED),
            id="deleted, then destroyed",
        ),
        pytest.param(
            1, {"1": _entry(deletion_time=_FUTURE)}, KvVersion(1, _CREATED), id="delete_version_after, not yet"
        ),
        pytest.param(
            1,
            {"1": _entry(deletion_time="2026-11-28T12:00:00Z")},
            KvVersion(1, _CREATED, VersionState.DELETED),
            id="delete_version_after, at this moment",
        ),
        pytest.param(0, {}, KvVersion(0, "", VersionState.NONE), id="metadata without a version"),
        pytest.param(0, None, KvVersion(0, "", VersionState.NONE), id="metadata without a version, null"),
        pytest.param(1, {"1": _entry(created_time=7)}, KvVersion(1, ""), id="no time of creation"),
    ],
)
def test_the_metadata_tell_the_version_and_what_became_of_it(
    current: int, versions: Mapping[str, object] | None, expected: KvVersion
) -> None:
    assert _asked(kv_versions.by_metadata, "200 OK", _metadata(current, versions)) == expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param("200 OK", _data(2, {"password": "p"}), KvVersion(2, _CREATED), id="readable"),
        pytest.param(
            "200 OK", _data(2, {"p": "p"}, deletion_time=_FUTURE), KvVersion(2, _CREATED), id="delete_version_after"
        ),
        pytest.param(
            "404 Not Found",
            _data(3, deletion_time=_PAST),
            KvVersion(3, _CREATED, VersionState.DELETED),
            id="deleted",
        ),
        pytest.param(
            "404 Not Found", _data(3, destroyed=True), KvVersion(3, _CREATED, VersionState.DESTROYED), id="destroyed"
        ),
    ],
)
def test_so_does_a_read(status: str, body: Mapping[str, Any], expected: KvVersion) -> None:
    assert _asked(kv_versions.by_data, status, body) == expected


@pytest.mark.parametrize("ask", [kv_versions.by_metadata, kv_versions.by_data])
class TestErrors:
    @pytest.mark.parametrize(
        ("status", "body", "kind"),
        [
            pytest.param("404 Not Found", {"errors": []}, SecretNotFound, id="metadata deleted"),
            pytest.param("404 Not Found", b"<html>", SecretNotFound, id="404 that is not Vault's"),
            pytest.param("403 Forbidden", {"errors": ["1 error: permission denied"]}, VaultDenied, id="denied"),
            pytest.param("403 Forbidden", {"errors": [_UNKNOWN_TOKEN]}, TokenRefused, id="token unknown"),
            pytest.param("404 Not Found", {"errors": ["no handler for route"]}, MountDoubted, id="no mount"),
            pytest.param("405 Method Not Allowed", {"errors": []}, MountDoubted, id="another engine"),
            pytest.param("200 OK", {"data": None}, MountDoubted, id="no data"),
            pytest.param("200 OK", {"data": {"password": "p"}}, MountDoubted, id="the values of a KV v1 path"),
            pytest.param("400 Bad Request", {"errors": []}, VaultRefused, id="400"),
            pytest.param("429 Too Many", {"errors": []}, VaultRateLimited, id="429"),
            pytest.param("503 Sealed", {"errors": ["Vault is sealed"]}, VaultUnavailable, id="sealed"),
            pytest.param("502 Bad Gateway", b"<html>", VaultUnavailable, id="balancer, not asked again"),
            pytest.param("200 OK", b"<html>", VaultUnavailable, id="no JSON"),
            pytest.param("200 OK", b'{"a":"' + b"x" * MAX_BODY_BYTES + b'"}', SecretTooLarge, id="2 MiB"),
            pytest.param("200 OK", b"[" + b"1," * 100_000 + b"1]", SecretTooLarge, id="too many parts"),
        ],
    )
    def test_what_is_no_version(
        self, ask: _Ask, status: str, body: Mapping[str, Any] | bytes, kind: type[ResolverError]
    ) -> None:
        assert type(_asked(ask, status, body)) is kind

    @pytest.mark.parametrize(
        "version",
        [
            pytest.param(None, id="none"),
            pytest.param("3", id="text"),
            pytest.param(1.5, id="fraction"),
            pytest.param(-1, id="negative"),
            pytest.param(10**4400, id="more digits than Python reads"),
        ],
    )
    def test_a_version_that_is_no_number_of_vaults(self, ask: _Ask, version: object) -> None:
        is_metadata = ask is kv_versions.by_metadata
        # json.dumps would refuse the largest.
        sent = "1" + "0" * 4400 if isinstance(version, int) and version > 1 else json.dumps(version)
        body = _metadata("PLACE", {"3": _entry(), "1.5": _entry(), "-1": _entry()})
        body = body if is_metadata else _data("PLACE", {"p": "p"})
        told = _asked(ask, "200 OK", json.dumps(body).replace('"PLACE"', sent).encode())
        assert isinstance(told, MountDoubted)

    @pytest.mark.parametrize("time", ["soon", "2026-11-28T12:00:00", "0"])
    def test_a_deletion_time_that_is_no_time(self, ask: _Ask, time: str) -> None:
        is_metadata = ask is kv_versions.by_metadata
        entry = _entry(deletion_time=time)
        body = _metadata(1, {"1": entry}) if is_metadata else _data(1, {"p": "p"}, deletion_time=time)
        assert isinstance(_asked(ask, "200 OK", body), MountDoubted)


def test_a_current_version_that_is_not_listed_is_no_answer_of_vaults() -> None:
    assert isinstance(_asked(kv_versions.by_metadata, "200 OK", _metadata(2, {"1": _entry()})), MountDoubted)


def test_a_denial_names_the_path_of_the_policy() -> None:
    denied = {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}
    for ask, path in ((kv_versions.by_metadata, "secret/metadata/s9/a"), (kv_versions.by_data, "secret/data/s9/a")):
        told = _asked(ask, "403 Forbidden", denied)
        assert isinstance(told, VaultDenied)
        assert told.policy_path == path


@pytest.mark.parametrize(("count", "is_long"), [(10, False), (1000, True)])
def test_long_metadata_are_told(count: int, is_long: bool) -> None:
    versions = {str(number): _entry() for number in range(1, count + 1)}
    found = _asked(kv_versions.by_metadata, "200 OK", _metadata(count, versions))
    assert found == KvVersion(count, _CREATED, is_long=is_long)


def test_no_value_stays_in_what_a_read_gives() -> None:
    found = _asked(kv_versions.by_data, "200 OK", _data(2, {"password": "canary"}))
    assert "canary" not in repr(found)
