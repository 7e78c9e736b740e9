"""The mounts of Vault's key/value engine: on which one a path lies, and of which version it is.

Source: `sys/internal/ui/mounts/PATH` of Vault's HTTP API, which tells a token the mount behind a path when the token
may use anything below it.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import ClassVar, Final

from hvac.utils import format_url

from resolver.causes import Cause
from resolver.deadline import Deadline
from resolver.errors import ResolverError, TemporaryError
from resolver.references import jsontext
from resolver.references.value import SecretValue
from resolver.vault import refusal_texts, responses
from resolver.vault.client import Transport
from resolver.vault.errors import NotKeyValue, VaultDenied, VaultUnavailable
from resolver.vault.http import VaultAnswer
from resolver.vault.kv_location import V1, V2, KvMount
from resolver.vault.observer import Operation

KEY_VALUE_TYPES: Final = frozenset({"kv", "generic"})
"""How Vault calls the engine; `generic` is KV v1 of old."""


class TokenRefused(TemporaryError):
    """Vault does not know the token: it expired, was revoked or is used up. The caller tries another token."""

    cause: ClassVar[Cause] = Cause.VAULT_UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("Vault does not know the token")


class Mounts:
    """The mounts of one connection: those configured, and those that Vault was asked about. Threads may share it."""

    def __init__(self, configured: Mapping[str, int]) -> None:
        self._known = {path: KvMount(path, version, is_configured=True) for path, version in configured.items()}
        self._lock = threading.Lock()

    def known(self, path: str) -> KvMount | None:
        """Return the mount of a path, as far as it is known. It may have changed since."""
        segments = path.split("/")
        for length in range(len(segments) - 1, 0, -1):
            mount = self._known.get("/".join(segments[:length]))
            if mount is not None:
                return mount
        return None

    def remember(self, mount: KvMount, instead_of: KvMount | None = None) -> None:
        """Take what Vault said about a mount; `instead_of` is what was known of it."""
        with self._lock:
            if instead_of is not None:
                self._known.pop(instead_of.path, None)
            is_configured = instead_of is not None and instead_of.is_configured and instead_of == mount
            self._known[mount.path] = replace(mount, is_configured=is_configured)

    def forget(self, mount: KvMount) -> None:
        """Know the mount no longer, unless it is configured."""
        if not mount.is_configured:
            with self._lock:
                self._known.pop(mount.path, None)


def ask_for_mount(path: str, transport: Transport, token: SecretValue, deadline: Deadline) -> KvMount:
    """Ask Vault on which mount a path lies; Vault does not count it as a use of the token.

    Raises `TokenRefused`, `VaultDenied` when there is none or the token may use nothing below it, `NotKeyValue`, or
    what `Transport.send` raises.
    """
    url, asked_at_seconds = format_url("/v1/sys/internal/ui/mounts/{path}", path=path), time.monotonic()
    answer: VaultAnswer = transport.adapter(deadline, token, operation=Operation.MOUNT).get(url=url)
    if answer.status == HTTPStatus.FORBIDDEN:
        raise denied(answer, path)
    body = responses.parsed(answer, transport.connection.address, f"asking for the mount of {path}")
    mount = body.get("data")
    full_path = jsontext.text(mount.get("path")) if isinstance(mount, dict) else None
    if not isinstance(mount, dict) or full_path is None:
        raise VaultUnavailable(transport.connection.address, "sent an answer that is not Vault's")
    mount_path, options = full_path.strip("/"), mount.get("options")
    if mount.get("type") not in KEY_VALUE_TYPES or not path.startswith(mount_path + "/"):
        raise NotKeyValue(mount_path)
    version = options.get("version") if isinstance(options, dict) else None
    return KvMount(mount_path, V2 if version == str(V2) else V1, asked_at_seconds)


def denied(answer: VaultAnswer, path: str) -> ResolverError:
    """Return what a 403 means where a token asked for a path: `TokenRefused` or `VaultDenied`."""
    return TokenRefused() if refusal_texts.denies_token(answer) else VaultDenied(path)
