"""Puts the loop together: what asks Vault, what acts in namespaces, and what they share."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from controller.errors import Interrupted
from controller.following.duty import Following
from controller.following.pacing.budget import Budget, Priority
from controller.following.pacing.outage import Outages
from controller.following.questions import Inquiry
from controller.following.round import Tools
from controller.following.settings import FollowSettings
from controller.restarting.restarts import Restarts
from controller.telling.meters import FollowMeters
from controller.telling.telling import Telling
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.namespaces import Namespaces
from kube.objects import ObjectName
from kube.secrets import Secrets
from kube.tenant_clients import TenantClients
from kube.tokens import ServiceAccountTokens
from manifests.kinds.known import ONLY_SECRETS, Kinds
from manifests.provenance.keyring import KeyRing, KeyRingError, parse
from resolver.connections.files import load
from resolver.connections.model import Connection
from resolver.tenancy.token_cache import TokenCache
from resolver.versions import Versions
from runtime.namespace_tokens import NamespaceTokens
from runtime.reload import Reloader

log = logging.getLogger("keyhole.controller")

_CALL_SECONDS: Final = 5.0
_BELIEVED_SECONDS: Final = 10.0


class RecordKeyReader:
    """The record keys, read when they are needed and believed for seconds. Threads may share it."""

    def __init__(self, secrets: Secrets, name: ObjectName, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds and never goes back."""
        self._secrets = secrets
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: KeyRing | None = None
        self._read_at = float("-inf")

    def current(self) -> KeyRing | None:
        """Return the keys; None if they cannot be read."""
        with self._lock:
            if self._clock() - self._read_at >= _BELIEVED_SECONDS:
                self._keys = self._read()
                self._read_at = self._clock()
            return self._keys

    def _read(self) -> KeyRing | None:
        try:
            return parse(self._secrets.read(self._name, _CALL_SECONDS).data)
        except (KubernetesError, KubernetesUnavailable, KeyRingError):
            return None


@dataclass(frozen=True, slots=True)
class Parts:
    """What the loop shares with the rest of the process: what is asked as the controller, and as tenants."""

    record_key: ObjectName
    secrets: Secrets
    namespaces: Namespaces
    tokens: ServiceAccountTokens
    clients: TenantClients
    budget: Budget
    kinds: Kinds = ONLY_SECRETS


class Loop:
    """The duty and what runs beside it."""

    def __init__(
        self,
        settings: FollowSettings,
        parts: Parts,
        meters: FollowMeters,
        is_leading: Callable[[], bool],
        stopping: threading.Event,
    ) -> None:
        """Raise `resolver.connections.model.ConfigurationError` if the connections cannot be used."""
        tokens = TokenCache(NamespaceTokens(parts.tokens))
        self._versions = Versions(load(settings.connections), tokens, meters.vault)
        self._outages = Outages()
        telling = Telling(paced=partial(parts.budget.patch, priority=Priority.PROBLEM))
        tools = Tools(
            inquiry=Inquiry(self._versions, parts.budget, self._outages, meters),
            budget=parts.budget,
            telling=telling,
            meters=meters,
            keys=RecordKeyReader(parts.secrets, parts.record_key).current,
            intervals=self._intervals,
            restarts=Restarts(parts.budget, telling, meters) if settings.restarts else None,
            kinds=parts.kinds,
        )
        self._budget = parts.budget
        self._stopping = stopping
        self._reloader = Reloader(settings.connections, self, self._sweep)
        self.duty = Following(parts.namespaces, parts.clients, self._outages, tools, is_leading, stopping)

    def start(self) -> None:
        """Start to read the connections again and again."""
        log.info("following Vault: %s", ", ".join(sorted(self._intervals())) or "no connection is to be followed")
        self._reloader.start()

    def close(self) -> None:
        """End the threads, once what they are doing is done."""
        self._reloader.close()
        self.duty.close()

    def give_back(self) -> None:
        """Give the Vault tokens back. There may be thousands, so nothing should wait for it."""
        self._versions.close()

    def replace(self, connections: Mapping[str, Connection], rejected: Collection[str] = ()) -> list[str]:
        """Use these connections from now on. Returns the names of those that changed; that they were away is forgotten.

        Raises OSError, before it changes anything, when a CA bundle cannot be used.
        """
        changed = self._versions.replace(connections, rejected)
        for name in changed:
            self._outages.forget(name)
        return changed

    def _intervals(self) -> Mapping[str, float]:
        return {
            name: connection.follow_interval_seconds
            for name, connection in self._versions.connections.items()
            if connection.follow_interval_seconds > 0
        }

    def _sweep(self) -> None:
        # Not while a Vault is away: each token would be a request that fails.
        if self._outages.away:
            return
        # After an outage all tokens may be idle. Most are used again before their turn to be revoked comes.
        with suppress(Interrupted):
            self._versions.sweep(self._pay)

    def _pay(self, connection: str) -> None:
        """Wait for the turn of a request to revoke a token. Raises `Interrupted`."""
        self._budget.vault(connection, "", self._check_sweeping)
        self._check_sweeping()

    def _check_sweeping(self) -> None:
        if self._stopping.is_set() or self._outages.away:
            raise Interrupted
