"""What Vault tells of secrets to somebody who may read none: which fields and versions there are, policies and roles.

Only KV v2 has this. `data/` is never asked for. Free text of whoever wrote a secret (`custom_metadata`) is dropped.

Sources: Vault's HTTP API for the KV v2 engine, *Read secret subkeys* and *Read secret metadata*, for
`sys/policies/acl`, *Read ACL policy*, and for the `jwt` and `kubernetes` authentication methods, *Read role*.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Final, TypeAlias

from hvac.api.secrets_engines import KvV2
from hvac.utils import format_url

from resolver.deadline import Deadline
from resolver.references import jsontext
from resolver.references.jsontext import JsonValue
from resolver.references.value import SecretValue
from resolver.vault import kv, kv_versions, responses
from resolver.vault.client import VaultClient
from resolver.vault.errors import VaultUnavailable
from resolver.vault.exchange_errors import AnswerTooLarge
from resolver.vault.http import VaultAnswer
from resolver.vault.kv_versions import VersionState
from resolver.vault.mounts import KvLocation
from resolver.vault.observer import Operation

Fields: TypeAlias = "Mapping[str, Fields | None]"
"""The fields of a secret, and below each that is a JSON object with something in it the members of that.

Everything else is None: texts, numbers, lists, empty objects, and null, which is why nobody can tell null from a value.
"""

# An answer that a policy is read from may be as long as any, but nobody reviews one that is longer than this.
_LONGEST_POLICY: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Outline:
    """One version of a secret: the names of its fields. `state` says why there are none."""

    fields: Fields
    state: VersionState = VersionState.READABLE


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of a secret that Vault still knows of. `current` is 0 if none was ever written.

    `created` is when each was written, `made` when the path got its metadata, as Vault writes it (RFC 3339 with
    nanoseconds); empty if it does not say. When a path is deleted with its metadata, its versions begin at 1 again.
    """

    current: int
    states: Mapping[int, VersionState]
    created: Mapping[int, str] = field(default_factory=dict)
    made: str = ""


def subkeys_path(location: KvLocation) -> str:
    """Return the path that a Vault policy must name for `outline`."""
    return f"{location.mount.path}/subkeys/{location.path}"


def outline(
    location: KvLocation,
    client: VaultClient,
    token: SecretValue,
    deadline: Deadline,
    now: Callable[[], datetime] = kv_versions.utc_now,
) -> Outline:
    """Ask for the fields of a secret at one version or the newest, in one request. `now` is our own clock, in UTC.

    Raises what `kv_versions.by_metadata` raises.
    """
    # hvac has no method for it.
    url = format_url("/v1/{mount}/subkeys/{path}", mount=location.mount.path, path=location.path)
    parameters = None if location.version is None else {"version": location.version}
    adapter = client.adapter(deadline, token, operation=Operation.VERSION)
    answer = kv_versions.asked(partial(adapter.get, url=url, params=parameters), location)
    server = client.connection.address
    gone = kv_versions.gone(answer, now) if answer.status == HTTPStatus.NOT_FOUND else None
    if gone is not None:
        # Vault's clock counts: by ours, the time of the deletion may not have come.
        return Outline({}, gone.state if gone.state is VersionState.DESTROYED else VersionState.DELETED)
    data = _data(answer, location, server, subkeys_path(location))
    found = data.get("subkeys")
    if not isinstance(found, dict):
        raise kv_versions.misfit(location, server)
    return Outline(_names(found))


def versions(
    location: KvLocation,
    client: VaultClient,
    token: SecretValue,
    deadline: Deadline,
    now: Callable[[], datetime] = kv_versions.utc_now,
) -> Versions:
    """Ask for all versions of a secret, in one request. `now` is our own clock, in UTC.

    Raises what `kv_versions.by_metadata` raises.
    """
    adapter = client.adapter(deadline, token, operation=Operation.VERSION)
    ask = partial(KvV2(adapter).read_secret_metadata, location.path, location.mount.path)
    answer = kv_versions.asked(ask, location)
    server = client.connection.address
    data = _data(answer, location, server, kv_versions.metadata_path(location))
    current, listed = data.get("current_version"), data.get("versions")
    if not isinstance(current, bytes) or not current.isdigit() or not isinstance(listed, dict):
        raise kv_versions.misfit(location, server)
    states: dict[int, VersionState] = {}
    created: dict[int, str] = {}
    for name, entry in listed.items():
        number = kv_versions.number(name.encode())
        state = kv_versions.state_of(entry, now) if isinstance(entry, dict) else None
        if number is None or state is None or not isinstance(entry, dict):
            raise kv_versions.misfit(location, server)
        states[number] = state
        created[number] = jsontext.text(entry.get("created_time")) or ""
    return Versions(int(current), states, created, jsontext.text(data.get("created_time")) or "")


def policy(name: str, client: VaultClient, token: SecretValue, deadline: Deadline) -> str | None:
    """Ask for the text of a policy, in one request; None if there is none of this name.

    Raises `TokenRefused`, `VaultDenied`, `VaultRefused` or what `VaultClient.send` raises.
    """
    data = _configured(f"sys/policies/acl/{name}", f"the policy {name}", client, token, deadline)
    if data is None:
        return None
    server, text = client.connection.address, jsontext.text(data.get("policy"))
    if text is None:
        raise VaultUnavailable(server, "sent an answer that is not Vault's")
    if len(text) > _LONGEST_POLICY:
        raise AnswerTooLarge(server, f"has a policy of more than {_LONGEST_POLICY} characters")
    return text


def role(
    mount: str, name: str, client: VaultClient, token: SecretValue, deadline: Deadline
) -> Mapping[str, JsonValue] | None:
    """Ask for the parameters of a role at an authentication mount, in one request; None if there is no such role.

    Raises what `policy` raises.
    """
    return _configured(f"auth/{mount}/role/{name}", f"the role {name} at auth/{mount}", client, token, deadline)


def _configured(
    path: str, what: str, client: VaultClient, token: SecretValue, deadline: Deadline
) -> Mapping[str, JsonValue] | None:
    """Ask for something that an administrator has written; None if there is none of this name."""
    server, url = client.connection.address, format_url("/v1/{path}", path=path)
    answer: VaultAnswer = client.adapter(deadline, token, operation=Operation.VERSION).get(url=url)
    if answer.status == HTTPStatus.FORBIDDEN:
        raise kv.denied(answer, path)
    if answer.status == HTTPStatus.NOT_FOUND:
        _check_is_vaults(answer, server)
        return None
    return kv_versions.data_of(responses.parsed(answer, server, f"asking for {what}"))


def _data(answer: VaultAnswer, location: KvLocation, server: str, policy_path: str) -> Mapping[str, JsonValue]:
    """Return what an answer is about. Raises what a refusal means."""
    if answer.status == HTTPStatus.NOT_FOUND:
        _check_is_vaults(answer, server)
    kv_versions.check(answer, location, server, policy_path)
    return kv_versions.data_of(kv_versions.body_of(answer, location, server))


def _check_is_vaults(answer: VaultAnswer, server: str) -> None:
    """Raise `VaultUnavailable` for a 404 of something that stands before Vault: of a secret it says nothing."""
    try:
        body = jsontext.parse(answer.body)
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("errors"), list):
        raise VaultUnavailable(server, "sent an answer that is not Vault's")


def _names(members: Mapping[str, JsonValue]) -> Fields:
    """Return the names alone. On a mount of another kind there could be values in their place."""
    return {name: _names(inner) if isinstance(inner, dict) and inner else None for name, inner in members.items()}
