"""Reads of key/value mounts that are no longer what they were, by a server that answers as Vault does then."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from resolver.budget import Budget
from resolver.connections.model import Authentication, Connection
from resolver.deadline import Deadline
from resolver.errors import ResolverError
from resolver.references.grammar import Reference
from resolver.references.value import SecretValue
from resolver.vault import kv, mounts
from resolver.vault.client import VaultClient
from resolver.vault.errors import ReferenceRefused, SecretNotFound, VaultDenied, VaultUnavailable
from resolver.vault.kv import MountDoubted, TokenRefused
from resolver.vault.mounts import V1, V2, KvLocation, KvMount, Mounts
from tests.resolver.fake_server import answering, http

_UPGRADING = (
    "Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period and will "
    "resume service shortly."
)
_WAITING = (
    "Waiting for the primary to upgrade from non-versioned to versioned data. This backend will be unavailable for a "
    "brief period and will resume service when the primary is finished."
)
_INVALID_TOKEN = "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"


def _read(status: str, body: Mapping[str, Any]) -> object:
    """Return the secret, or the error that a read ends with."""
    with _saying(status, body) as vault_client:
        try:
            location = KvLocation(KvMount("grow", V1), "app")
            return kv.read(location, ["password"], vault_client, SecretValue("t"), Budget("a", Deadline.after(5)))
        except ResolverError as error:
            return error


@contextmanager
def _saying(status: str, body: Mapping[str, Any]) -> Iterator[VaultClient]:
    def serve(client: socket.socket, _: bytes) -> None:
        client.sendall(http(status, json.dumps(body).encode()))

    with answering(serve) as (address, _):
        vault_client = VaultClient(Connection(address=address, auth=Authentication(method="jwt", role="r")))
        yield vault_client
        vault_client.close()


@pytest.mark.parametrize("text", [_UPGRADING, _WAITING])
def test_an_upgrade_passes(text: str) -> None:
    error = _read("400 Bad Request", {"errors": [text]})
    assert isinstance(error, VaultUnavailable)
    assert "is upgrading the mount grow to KV v2" in error.message


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(
            "404 Not Found",
            {"data": None, "warnings": ["Invalid path for a versioned K/V secrets engine. See the API docs"]},
            id="a KV v1 path on KV v2",
        ),
        pytest.param(
            "404 Not Found", {"errors": ['no handler for route "grow/app". route entry not found.']}, id="no mount"
        ),
        pytest.param("405 Method Not Allowed", {"errors": ["unsupported operation"]}, id="an engine without reads"),
        pytest.param("200 OK", {"data": {"username": "u"}, "lease_id": "db/creds/1"}, id="an answer with a lease"),
        pytest.param("200 OK", {"data": {"username": "u"}, "mount_type": "database"}, id="another engine's answer"),
        pytest.param("200 OK", {"data": None}, id="no data"),
    ],
)
def test_an_answer_that_does_not_fit_the_mount_puts_it_in_doubt(status: str, body: Mapping[str, Any]) -> None:
    assert isinstance(_read(status, body), MountDoubted)


def test_a_missing_secret_puts_in_doubt_only_what_vault_said_earlier() -> None:
    error = _read("404 Not Found", {"errors": []})
    assert isinstance(error, SecretNotFound)
    configured, asked = KvMount("grow", V1, is_configured=True), KvMount("grow", V1, asked_at_seconds=1.0)
    assert kv.doubted(error, KvLocation(configured, "app")) is error
    assert isinstance(kv.doubted(error, KvLocation(asked, "app")), MountDoubted)


def test_a_token_that_vault_does_not_know_is_told_from_a_policy() -> None:
    assert isinstance(_read("403 Forbidden", {"errors": [_INVALID_TOKEN]}), TokenRefused)
    assert isinstance(_read("403 Forbidden", {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}), VaultDenied)


@pytest.mark.parametrize("path", ["config", "config/app", "metadata/app", "destroy/a/b"])
def test_a_secret_with_the_name_of_a_branch_is_told_how_to_be_written(path: str) -> None:
    with pytest.raises(ReferenceRefused, match=f"write secret/data/{path}$"):
        mounts.location(Reference(f"secret/{path}", "password"), KvMount("secret", V2))
    found = mounts.location(Reference(f"secret/data/{path}", "password"), KvMount("secret", V2))
    assert str(found) == f"secret/{path}"


def test_a_configured_mount_that_vault_confirms_stays_configured_and_one_that_changed_does_not() -> None:
    mounts = Mounts({"grow": V1})
    configured = mounts.known("grow/app")
    assert configured is not None
    mounts.remember(KvMount("grow", V1, asked_at_seconds=1.0), instead_of=configured)
    confirmed = mounts.known("grow/app")
    assert confirmed is not None
    assert (confirmed.is_configured, confirmed.asked_at_seconds) == (True, 1.0)
    mounts.forget(confirmed)
    assert mounts.known("grow/app") is confirmed
    error = _read("404 Not Found", {"errors": []})
    assert isinstance(error, SecretNotFound)
    assert kv.doubted(error, KvLocation(confirmed, "app")) is error
    mounts.remember(KvMount("grow", V2, asked_at_seconds=2.0), instead_of=confirmed)
    changed = mounts.known("grow/app")
    assert changed is not None
    assert not changed.is_configured
    mounts.forget(changed)
    assert mounts.known("grow/app") is None
