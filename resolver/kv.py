"""Reading Vault's key/value secrets: which mount a path lies on, of which version, and one read of it.

Sources: Vault's HTTP API for the KV v1 and v2 engines, and `sys/internal/ui/mounts/PATH`, which tells a token the
mount behind a path when the token may use anything below it.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from hvac.api.secrets_engines import KvV1, KvV2
from hvac.utils import format_url

from resolver import answers, jsontext
from resolver.budget import Budget
from resolver.deadline import Deadline
from resolver.edge_errors import (
    NotKeyValue,
    ReferenceRefused,
    SecretNotFound,
    SecretTooLarge,
    VaultDenied,
    VaultUnavailable,
)
from resolver.grammar import Reference
from resolver.jsontext import JsonValue
from resolver.observer import Operation
from resolver.transport import Transport, VaultAdapter
from resolver.value import SecretValue
from resolver.wire import MAX_BODY_BYTES, AnswerTooLarge, VaultAnswer

V1, V2 = 1, 2
_V2_DATA_BRANCH: Final = "data"
# The other branches of a KV v2 mount's API. `secret/metadata/app` means the API's path to whoever writes it, so to
# read a secret that happens to be called `metadata/app` would surprise them.
_V2_OTHER_BRANCHES: Final = frozenset({"metadata", "delete", "undelete", "destroy", "subkeys", "config"})


@dataclass(frozen=True, slots=True)
class KvMount:
    """A mount of the key/value engine: its path without slashes at the ends, and the engine's version."""

    path: str
    version: int


@dataclass(frozen=True, slots=True)
class KvLocation:
    """One secret, at one version or the newest: what a single read of Vault returns."""

    mount: KvMount
    path: str
    version: int | None = None

    def __str__(self) -> str:
        return f"{self.mount.path}/{self.path}"

    @property
    def policy_path(self) -> str:
        """The path that a Vault policy has to name."""
        branch = f"{_V2_DATA_BRANCH}/" if self.mount.version == V2 else ""
        return f"{self.mount.path}/{branch}{self.path}"


@dataclass(frozen=True, slots=True)
class KvSecret:
    """Some fields of one secret, the version that was read (None on KV v1) and Vault's own id of the request.

    None is a field that is missing or null. JSON that was read takes many times the memory of its text, so no more is
    kept of it than was asked for.
    """

    fields: Mapping[str, SecretValue | None] = field(repr=False)
    version: int | None
    request_id: str


class Mounts:
    """The mounts of one connection: those configured, and those asked of Vault once and remembered."""

    def __init__(self, configured: Mapping[str, int]) -> None:
        self._known = {path: KvMount(path, version) for path, version in configured.items()}
        self._lock = threading.Lock()

    def locate(self, reference: Reference, transport: Transport, token: SecretValue, deadline: Deadline) -> KvLocation:
        """Return where a reference's secret lies; asks Vault only for a mount that is not known yet.

        Raises `NotKeyValue`, `ReferenceRefused`, `VaultDenied`, or what `Transport.send` raises.
        """
        mount = self._longest_known(reference.path)
        if mount is None:
            mount = _ask_for_mount(reference.path, transport, token, deadline)
            with self._lock:
                self._known[mount.path] = mount
        return location(reference, mount)

    def _longest_known(self, path: str) -> KvMount | None:
        segments = path.split("/")
        for length in range(len(segments) - 1, 0, -1):
            mount = self._known.get("/".join(segments[:length]))
            if mount is not None:
                return mount
        return None


def _ask_for_mount(path: str, transport: Transport, token: SecretValue, deadline: Deadline) -> KvMount:
    url = format_url("/v1/sys/internal/ui/mounts/{path}", path=path)
    answer: VaultAnswer = transport.adapter(deadline, token, operation=Operation.MOUNT).get(url=url)
    if answer.status == HTTPStatus.FORBIDDEN:
        raise VaultDenied(path)
    body = answers.parsed(answer, transport.connection.address, f"asking for the mount of {path}")
    mount = body.get("data")
    full_path = jsontext.text(mount.get("path")) if isinstance(mount, dict) else None
    if not isinstance(mount, dict) or full_path is None:
        raise VaultUnavailable(transport.connection.address, "sent an answer that is not Vault's")
    mount_path, options = full_path.strip("/"), mount.get("options")
    if mount.get("type") not in {"kv", "generic"} or not path.startswith(mount_path + "/"):
        raise NotKeyValue(mount_path)
    version = options.get("version") if isinstance(options, dict) else None
    return KvMount(mount_path, V2 if version == str(V2) else V1)


def location(reference: Reference, mount: KvMount) -> KvLocation:
    """Return where a reference's secret lies on a mount; raises `ReferenceRefused`."""
    path = reference.path.removeprefix(mount.path + "/")
    if mount.version == V1:
        if reference.version is not None:
            raise ReferenceRefused(f"{mount.path} is a KV v1 mount, which keeps no versions")
        return KvLocation(mount, path)
    branch, _, below = path.partition("/")
    if branch == _V2_DATA_BRANCH and below:
        path = below
    elif branch in _V2_OTHER_BRANCHES:
        raise ReferenceRefused(f"{mount.path}/{branch} is not a branch from which values are read")
    return KvLocation(mount, path, reference.version)


def read(
    location: KvLocation, names: Iterable[str], transport: Transport, token: SecretValue, budget: Budget
) -> KvSecret:
    """Read the fields of these names of one secret, in one request, within the deadline and the bounds of a budget.

    Raises `VaultDenied`, `SecretNotFound`, `SecretTooLarge`, `VaultRefused`, or what `Transport.send`, `Budget.read`
    and `Budget.spend` raise.
    """
    try:
        return _read(location, names, transport, token, budget)
    except AnswerTooLarge:
        raise SecretTooLarge(str(location), MAX_BODY_BYTES, jsontext.MAX_PARTS) from None


def _read(
    location: KvLocation, names: Iterable[str], transport: Transport, token: SecretValue, budget: Budget
) -> KvSecret:
    answer = _asked(location, transport.adapter(budget.deadline, token, arrives=budget.read))
    if answer.status == HTTPStatus.FORBIDDEN:
        raise VaultDenied(location.policy_path)
    if answer.status == HTTPStatus.NOT_FOUND:
        raise SecretNotFound(str(location), location.version, deleted=_says_deleted(answer))
    budget.spend(jsontext.cost(answer.body)[0])
    server = transport.connection.address
    secret = _secret(answers.parsed(answer, server, f"reading {location}"), names, location.mount.version)
    if secret is None:
        raise VaultUnavailable(server, "sent an answer that is not Vault's")
    return secret


def _asked(location: KvLocation, adapter: VaultAdapter) -> VaultAnswer:
    answer: VaultAnswer
    if location.mount.version == V1:
        answer = KvV1(adapter).read_secret(location.path, location.mount.path)
    else:
        answer = KvV2(adapter).read_secret_version(
            location.path, location.version, location.mount.path, raise_on_deleted_version=False
        )
    return answer


def _secret(body: Mapping[str, JsonValue], names: Iterable[str], engine_version: int) -> KvSecret | None:
    data, version = body.get("data"), None
    if engine_version == V2 and isinstance(data, dict):
        metadata, data = data.get("metadata"), data.get("data")
        read_version = metadata.get("version") if isinstance(metadata, dict) else None
        if isinstance(read_version, jsontext.JsonNumber) and read_version.isdigit():
            version = int(read_version)
    if not isinstance(data, dict):
        return None
    fields = {name: jsontext.field_value(data.get(name)) for name in names}
    return KvSecret(fields, version, str(body.get("request_id", "")))


def _says_deleted(answer: VaultAnswer) -> bool:
    """Whether a 404 is that of a deleted version: only then KV v2 sends the version's metadata along."""
    try:
        body = jsontext.parse(answer.body)
    except ValueError:
        return False
    return isinstance(body, dict) and isinstance(body.get("data"), dict)
