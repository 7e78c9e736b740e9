"""Which version of a secret is the current one on KV v2, without its values.

Source: Vault's HTTP API for the KV v2 engine, *Read secret metadata* and *Read secret version*.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from functools import partial
from http import HTTPStatus
from typing import Final

from hvac.api.secrets_engines import KvV2

from resolver.deadline import Deadline
from resolver.references import jsontext
from resolver.references.jsontext import JsonNumber, JsonValue
from resolver.references.value import SecretValue
from resolver.vault import kv, responses
from resolver.vault.client import VaultClient
from resolver.vault.errors import SecretTooLarge, VaultUnavailable
from resolver.vault.exchange_errors import AnswerTooLarge
from resolver.vault.http import MAX_BODY_BYTES, VaultAnswer
from resolver.vault.kv import MountDoubted
from resolver.vault.mounts import KvLocation
from resolver.vault.observer import Operation

LONG_BYTES: Final = 64 * 1024
"""More bytes of metadata than this are long: a version takes about 220, and Vault keeps ten unless told otherwise."""
# As many as a reference may have for its version.
_MOST_DIGITS: Final = 10


class VersionState(Enum):
    """What can be read of the current version."""

    READABLE = "readable"
    DELETED = "deleted"
    """Its deletion time has come. It can be undeleted."""
    DESTROYED = "destroyed"
    NONE = "none"
    """There is metadata, but no version was ever written."""


@dataclass(frozen=True, slots=True)
class KvVersion:
    """The current version of a secret.

    `current` is None on KV v1, which keeps no versions, and 0 if there is no version. `created` is when the current
    version was written, as Vault writes it (RFC 3339 with nanoseconds); empty if unknown. A path that was deleted with
    its metadata begins at 1 again, so only the two together tell a version from another.
    """

    current: int | None
    created: str = ""
    state: VersionState = VersionState.READABLE
    is_long: bool = False
    """The metadata has more than 64 KiB: the path keeps hundreds of versions, and each question costs Vault more."""
    lacks_metadata: bool = False
    """The identity's policy does not let `metadata/` be read, so the version comes from `data/`."""


def utc_now() -> datetime:
    """Return the time of our own clock, in UTC."""
    return datetime.now(UTC)


def metadata_path(location: KvLocation) -> str:
    """Return the path that a Vault policy must name for `by_metadata`."""
    return f"{location.mount.path}/metadata/{location.path}"


def by_metadata(
    location: KvLocation,
    client: VaultClient,
    token: SecretValue,
    deadline: Deadline,
    now: Callable[[], datetime] = utc_now,
) -> KvVersion:
    """Ask for the versions of a secret, in one request. `now` is our own clock, in UTC.

    Raises `TokenRefused`, `VaultDenied`, `SecretNotFound`, `SecretTooLarge` above 2 MiB, `VaultRefused`,
    `MountDoubted` if the answer does not fit KV v2, or what `VaultClient.send` raises.
    """
    adapter = client.adapter(deadline, token, operation=Operation.VERSION)
    ask = partial(KvV2(adapter).read_secret_metadata, location.path, location.mount.path)
    answer = asked(ask, location)
    server = client.connection.address
    check(answer, location, server, metadata_path(location))
    found = _listed(data_of(body_of(answer, location, server)), now)
    if found is None:
        raise misfit(location, server)
    return replace(found, is_long=len(answer.body) > LONG_BYTES)


def by_data(
    location: KvLocation,
    client: VaultClient,
    token: SecretValue,
    deadline: Deadline,
    now: Callable[[], datetime] = utc_now,
) -> KvVersion:
    """Read the newest version of a secret, in one request, keep its number and forget its values.

    Raises what `by_metadata` raises; `SecretNotFound` for metadata without a version too, which cannot be told apart
    here.
    """
    adapter = client.adapter(deadline, token, operation=Operation.VERSION)
    kv2 = KvV2(adapter)
    ask = partial(kv2.read_secret_version, location.path, None, location.mount.path, raise_on_deleted_version=False)
    answer = asked(ask, location)
    server = client.connection.address
    without_value = gone(answer, now) if answer.status == HTTPStatus.NOT_FOUND else None
    if without_value is not None:
        return without_value
    check(answer, location, server, location.policy_path)
    metadata = data_of(body_of(answer, location, server)).get("metadata")
    found = _read(metadata, now)
    if found is None:
        raise misfit(location, server)
    return found


def asked(ask: Callable[[], VaultAnswer], location: KvLocation) -> VaultAnswer:
    """Ask. Raises `SecretTooLarge` for an answer that is, or what `VaultClient.send` raises."""
    try:
        return ask()
    except AnswerTooLarge:
        raise _too_large(location) from None


def check(answer: VaultAnswer, location: KvLocation, server: str, policy_path: str) -> None:
    """Raise what a refusal means. `policy_path` is what a policy would have to name."""
    if answer.status == HTTPStatus.FORBIDDEN:
        raise kv.denied(answer, policy_path)
    error = kv.refused(answer, location, server)
    if error is not None:
        raise error


def body_of(answer: VaultAnswer, location: KvLocation, server: str) -> Mapping[str, JsonValue]:
    """Return the JSON of an answer. Raises what `responses.parsed` raises, but `SecretTooLarge` for too many parts."""
    try:
        return responses.parsed(answer, server, f"asking for the version of {location}")
    except AnswerTooLarge:
        raise _too_large(location) from None


def _too_large(location: KvLocation) -> SecretTooLarge:
    return SecretTooLarge(str(location), MAX_BODY_BYTES, jsontext.MAX_PARTS)


def misfit(location: KvLocation, server: str) -> MountDoubted:
    """Return the error of an answer that KV v2 does not give."""
    return MountDoubted(location.mount, VaultUnavailable(server, "sent an answer that is not Vault's"))


def data_of(body: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """Return what an answer is about; nothing if it is about nothing."""
    data = body.get("data")
    return data if isinstance(data, dict) else {}


def gone(answer: VaultAnswer, now: Callable[[], datetime]) -> KvVersion | None:
    """Return the version that a 404 is about, if there is one: only KV v2 sends its metadata, and only then."""
    try:
        body = jsontext.parse(answer.body)
    except ValueError:
        return None
    metadata = data_of(body).get("metadata") if isinstance(body, dict) else None
    return _read(metadata, now)


def _read(metadata: JsonValue, now: Callable[[], datetime]) -> KvVersion | None:
    """Return the version that `data/` tells of in its `metadata`."""
    return _version(number(metadata.get("version")), metadata, now) if isinstance(metadata, dict) else None


def _listed(data: Mapping[str, JsonValue], now: Callable[[], datetime]) -> KvVersion | None:
    current, versions = number(data.get("current_version")), data.get("versions")
    if current == 0:
        return KvVersion(0, state=VersionState.NONE)
    entry = versions.get(str(current)) if isinstance(versions, dict) else None
    return _version(current, entry, now) if isinstance(entry, dict) else None


def _version(current: int | None, entry: Mapping[str, JsonValue], now: Callable[[], datetime]) -> KvVersion | None:
    state = state_of(entry, now)
    if current is None or state is None:
        return None
    return KvVersion(current, jsontext.text(entry.get("created_time")) or "", state)


def number(value: JsonValue) -> int | None:
    """Return the number of a version; None if it is none."""
    if not isinstance(value, JsonNumber) or not value.isdigit() or len(value) > _MOST_DIGITS:
        return None
    return int(value)


def state_of(entry: Mapping[str, JsonValue], now: Callable[[], datetime]) -> VersionState | None:
    """Return the state of one version; None if its deletion time is no time.

    `delete_version_after` sets a deletion time in the future: it counts only once it has come.
    """
    if entry.get("destroyed") is True:
        return VersionState.DESTROYED
    deletion_time = jsontext.text(entry.get("deletion_time"))
    if not deletion_time:
        return VersionState.READABLE
    try:
        deleted_at = datetime.fromisoformat(deletion_time)
    except ValueError:
        return None
    if deleted_at.tzinfo is None:
        return None
    return VersionState.DELETED if deleted_at <= now() else VersionState.READABLE
