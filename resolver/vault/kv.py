"""What is asked of Vault's key/value engine: on which mount a path lies, and one read of a secret.

Sources: Vault's HTTP API for the KV v1 and v2 engines, and for `sys/internal/ui/mounts/PATH`, which shows a token the
mount behind a path when the token may use anything below it.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import ClassVar, Final

from hvac.api.secrets_engines import KvV1, KvV2
from hvac.utils import format_url

from resolver.budget import Budget
from resolver.causes import Cause
from resolver.deadline import Deadline
from resolver.errors import ResolverError, TemporaryError
from resolver.references import jsontext
from resolver.references.jsontext import JsonValue
from resolver.references.value import SecretValue
from resolver.vault import refusal_texts, responses
from resolver.vault.client import VaultAdapter, VaultClient
from resolver.vault.errors import (
    NotKeyValue,
    SecretNotFound,
    SecretTooLarge,
    VaultDenied,
    VaultRefused,
    VaultUnavailable,
)
from resolver.vault.exchange_errors import AnswerTooLarge
from resolver.vault.http import MAX_BODY_BYTES, VaultAnswer
from resolver.vault.mounts import V1, V2, KvLocation, KvMount
from resolver.vault.observer import Operation


@dataclass(frozen=True, slots=True)
class KvSecret:
    """Some fields of one secret, the version that was read (None on KV v1) and Vault's id of the request.

    A field that is missing or null is None; `null` has the names of the latter. Parsed JSON takes many times the memory
    of its text, so only the requested fields are kept.
    """

    fields: Mapping[str, SecretValue | None] = field(repr=False)
    version: int | None
    request_id: str
    null: frozenset[str] = frozenset()


class MountDoubted(ResolverError):
    """The answer may mean that another mount is there by now. `told` is the error to report if that is not so."""

    cause: ClassVar[Cause] = Cause.NOT_A_KEY_VALUE_MOUNT

    def __init__(self, mount: KvMount, told: ResolverError) -> None:
        super().__init__(told.message)
        self.mount = mount
        self.told = told


def read(
    location: KvLocation, names: Iterable[str] | None, client: VaultClient, token: SecretValue, budget: Budget
) -> KvSecret:
    """Read the named fields of one secret, or all with None, in one request, within a budget and its deadline.

    Raises `TokenRefused`, `VaultDenied`, `SecretNotFound`, `SecretTooLarge`, `VaultRefused`, `MountDoubted` if the
    answer does not fit the kind of mount, or what `VaultClient.send`, `Budget.read` and `Budget.spend` raise.
    """
    try:
        return _read(location, names, client, token, budget)
    except AnswerTooLarge:
        raise SecretTooLarge(str(location), MAX_BODY_BYTES, jsontext.MAX_PARTS) from None


def _read(
    location: KvLocation, names: Iterable[str] | None, client: VaultClient, token: SecretValue, budget: Budget
) -> KvSecret:
    answer = _asked(location, client.adapter(budget.deadline, token, arrives=budget.read))
    server = client.connection.address
    error = refused(answer, location, server)
    if error is not None:
        raise error
    budget.spend(jsontext.cost(answer.body)[0])
    secret = _secret(responses.parsed(answer, server, f"reading {location}"), names, location.mount.version)
    if secret is None:
        raise MountDoubted(location.mount, VaultUnavailable(server, "sent an answer that is not Vault's"))
    return secret


def doubted(error: ResolverError, location: KvLocation) -> ResolverError:
    """Return what a failed read means on a mount that Vault described earlier: the mount may have changed."""
    is_vaults_word = location.mount.asked_at_seconds is not None and not location.mount.is_configured
    may_have_changed = isinstance(error, VaultDenied) or (isinstance(error, SecretNotFound) and not error.deleted)
    if is_vaults_word and may_have_changed:
        return MountDoubted(location.mount, error)
    return error


def refused(answer: VaultAnswer, location: KvLocation, server: str) -> ResolverError | None:
    """Return the error of a status that has a special meaning for reads of secrets; None for other statuses."""
    match answer.status:
        case HTTPStatus.FORBIDDEN:
            return denied(answer, location.policy_path)
        case HTTPStatus.NOT_FOUND:
            missing = SecretNotFound(str(location), location.version, deleted=_says_deleted(answer))
            return MountDoubted(location.mount, missing) if refusal_texts.names_other_mount(answer) else missing
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return MountDoubted(location.mount, VaultRefused(f"reading {location}", answer.status))
        case HTTPStatus.BAD_REQUEST if refusal_texts.upgrades(answer):
            return VaultUnavailable(server, f"is upgrading the mount {location.mount.path} to KV v2")
    return None


def _asked(location: KvLocation, adapter: VaultAdapter) -> VaultAnswer:
    answer: VaultAnswer
    if location.mount.version == V1:
        answer = KvV1(adapter).read_secret(location.path, location.mount.path)
    else:
        answer = KvV2(adapter).read_secret_version(
            location.path, location.version, location.mount.path, raise_on_deleted_version=False
        )
    return answer


def _secret(body: Mapping[str, JsonValue], names: Iterable[str] | None, engine_version: int) -> KvSecret | None:
    # The answer of another engine: its values have a lease, which nobody would renew.
    if body.get("mount_type", "kv") not in KEY_VALUE_TYPES or body.get("lease_id"):
        return None
    data, version = body.get("data"), None
    if engine_version == V2 and isinstance(data, dict):
        metadata, data = data.get("metadata"), data.get("data")
        read_version = metadata.get("version") if isinstance(metadata, dict) else None
        if isinstance(read_version, jsontext.JsonNumber) and read_version.isdigit():
            version = int(read_version)
    if not isinstance(data, dict):
        return None
    fields = {name: jsontext.field_value(data.get(name)) for name in (data if names is None else names)}
    null = frozenset(name for name in fields if name in data and data[name] is None)
    return KvSecret(fields, version, str(body.get("request_id", "")), null)


def _says_deleted(answer: VaultAnswer) -> bool:
    """Whether a 404 is about a deleted version: only then KV v2 sends the version's metadata."""
    try:
        body = jsontext.parse(answer.body)
    except ValueError:
        return False
    return isinstance(body, dict) and isinstance(body.get("data"), dict)


KEY_VALUE_TYPES: Final = frozenset({"kv", "generic"})
"""Vault's names for the engine; `generic` is an old name of KV v1."""


class TokenRefused(TemporaryError):
    """Vault does not know the token: it expired, was revoked or is used up. The caller tries another token."""

    cause: ClassVar[Cause] = Cause.VAULT_UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("Vault does not know the token")


def ask_for_mount(path: str, client: VaultClient, token: SecretValue, deadline: Deadline) -> KvMount:
    """Ask Vault which mount a path is on. Vault does not count this as a use of the token.

    Raises `TokenRefused`, `VaultDenied` if there is none or the token may use nothing below it, `NotKeyValue`, or
    what `VaultClient.send` raises.
    """
    url, asked_at_seconds = format_url("/v1/sys/internal/ui/mounts/{path}", path=path), time.monotonic()
    answer: VaultAnswer = client.adapter(deadline, token, operation=Operation.MOUNT).get(url=url)
    if answer.status == HTTPStatus.FORBIDDEN:
        raise denied(answer, path)
    body = responses.parsed(answer, client.connection.address, f"asking for the mount of {path}")
    mount = body.get("data")
    full_path = jsontext.text(mount.get("path")) if isinstance(mount, dict) else None
    if not isinstance(mount, dict) or full_path is None:
        raise VaultUnavailable(client.connection.address, "sent an answer that is not Vault's")
    mount_path, options = full_path.strip("/"), mount.get("options")
    if mount.get("type") not in KEY_VALUE_TYPES or not path.startswith(mount_path + "/"):
        raise NotKeyValue(mount_path)
    version = options.get("version") if isinstance(options, dict) else None
    return KvMount(mount_path, V2 if version == str(V2) else V1, asked_at_seconds)


def denied(answer: VaultAnswer, path: str) -> ResolverError:
    """Return what a 403 means for a token and a path: `TokenRefused` or `VaultDenied`."""
    return TokenRefused() if refusal_texts.denies_token(answer) else VaultDenied(path)
