"""Acting as the ServiceAccounts of tenants: a short-lived token for each, kept as long as it is good for.

Source: Kubernetes' TokenRequest API, `serviceaccounts/token`. All tenants share one pool of connections: with one for
each, a tenant would cost 320 KB for its TLS context. They differ in the header `Authorization` only.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from kubernetes import client

from kube.client import without_credentials
from kube.instrumented import InstrumentedClient, Observe, null_observer
from kube.secrets import Secrets
from kube.tokens import LIFETIME_SECONDS, ServiceAccountTokens

_USED_FOR_SECONDS: Final = 0.9 * LIFETIME_SECONDS
_MOST_KEPT: Final = 5_000


@dataclass(frozen=True, slots=True)
class TenantApi:
    """The API server for one ServiceAccount of one namespace, with its rights.

    `api` is for the modules of `kube`; it is never closed. To be asked for anew for each piece of work: its token lives
    for a few minutes.
    """

    namespace: str
    api: client.ApiClient = field(repr=False)
    secrets: Secrets = field(repr=False)


class TenantClients:
    """The ServiceAccounts for which Keyhole may create tokens. Threads may share it."""

    def __init__(
        self, api: client.ApiClient, clock: Callable[[], float] = time.monotonic, most_kept: int = _MOST_KEPT
    ) -> None:
        """Create tokens with `api`, and keep `most_kept` of them: those that were used last.

        `clock` gives monotonic seconds.
        """
        self._tokens = ServiceAccountTokens(api)
        self._observe = api.observe if isinstance(api, InstrumentedClient) else null_observer
        self._shared = client.ApiClient(without_credentials(api))
        self._clock = clock
        self._most_kept = most_kept
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._lock = threading.Lock()

    def acting_as(self, account: str, namespace: str, timeout_seconds: float) -> TenantApi:
        """Return the API server as that ServiceAccount. Its token has at least a minute of life left.

        Who asks for the same one at the same time waits for one token. Raises what `ServiceAccountTokens.mint` raises.
        """
        kept = self._place(account, namespace)
        with kept.lock:
            tenant = kept.tenant
            if tenant is None or kept.until_seconds <= self._clock():
                # Before the request: the token's life begins while it is on its way.
                until_seconds = self._clock() + _USED_FOR_SECONDS
                token = self._tokens.mint(account, namespace, None, timeout_seconds)
                api = _TenantClient(self._shared, token, self._observe, kept)
                tenant = TenantApi(namespace, api, Secrets(api))
                kept.tenant, kept.until_seconds = tenant, until_seconds
            return tenant

    def _place(self, account: str, namespace: str) -> "_Kept":
        key = (account, namespace)
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
            self._kept.move_to_end(key)
            if len(self._kept) > self._most_kept:
                self._kept.popitem(last=False)
            return kept


class _Kept:
    """A place for one ServiceAccount. `lock` is held while its token is requested."""

    __slots__ = ("lock", "tenant", "until_seconds")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.tenant: TenantApi | None = None
        self.until_seconds = 0.0

    def drop(self, api: client.ApiClient) -> None:
        """Give up the token of `api`, unless another one has taken its place."""
        # Without the lock: whoever holds it sets both, and a token that is dropped too often is only created anew.
        tenant = self.tenant
        if tenant is not None and tenant.api is api:
            self.tenant = None


class _TenantClient(InstrumentedClient):
    """A client with a token, on the connections of another one."""

    def __init__(self, shared: client.ApiClient, token: str, observe: Observe, kept: _Kept) -> None:
        super().__init__(shared.configuration, observe)
        self.rest_client = shared.rest_client
        self.default_headers["authorization"] = f"Bearer {token}"
        self._kept = kept

    def answered(self, status: int) -> None:
        """Give up a token that the API server does not accept."""
        if status == HTTPStatus.UNAUTHORIZED:
            self._kept.drop(self)
