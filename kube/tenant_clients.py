"""Acting as the ServiceAccounts of tenants: a short-lived token for each, kept as long as it is good for.

Source: Kubernetes' TokenRequest API, `serviceaccounts/token`. All tenants share one pool of connections: with one for
each, a tenant would cost 320 KB for its TLS context. They differ in the header `Authorization` only.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from kubernetes import client

from kube.client import without_credentials
from kube.instrumented import InstrumentedClient, Observe, null_observer
from kube.objects_of import ObjectsOf, Resource
from kube.secrets import Secrets
from kube.tokens import LIFETIME_SECONDS, ServiceAccountTokens

_USED_FOR_SECONDS: Final = 0.9 * LIFETIME_SECONDS
_MOST_KEPT: Final = 5_000
# For a token that is needed in the middle of something.
_CALL_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class TenantApi:
    """The API server for one ServiceAccount of one namespace, with its rights. Threads may share it.

    `api` is for the modules of `kube`. It gets another token when it needs one, so a request may also raise what
    `ServiceAccountTokens.mint` raises. It is never closed.
    """

    namespace: str
    api: client.ApiClient = field(repr=False)
    secrets: Secrets = field(repr=False)

    def of(self, resource: Resource) -> ObjectsOf:
        """Return the objects of a resource."""
        return ObjectsOf(self.api, resource)


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
        self._kept: OrderedDict[tuple[str, str], _TenantClient] = OrderedDict()
        self._lock = threading.Lock()

    def acting_as(self, account: str, namespace: str, timeout_seconds: float) -> TenantApi:
        """Return the API server as that ServiceAccount, with a token that has a minute of life left at least.

        Who asks for the same one at the same time waits for one token. Raises what `ServiceAccountTokens.mint` raises.
        """
        key = (account, namespace)
        with self._lock:
            api = self._kept.get(key)
            if api is None:
                mint = partial(self._tokens.mint, account, namespace, None)
                api = self._kept[key] = _TenantClient(self._shared, mint, self._observe, self._clock)
            self._kept.move_to_end(key)
            if len(self._kept) > self._most_kept:
                self._kept.popitem(last=False)
        api.token(timeout_seconds)
        return TenantApi(namespace, api, Secrets(api))


class _TenantClient(InstrumentedClient):
    """A client with a token of its own, on the connections of another one."""

    def __init__(
        self, shared: client.ApiClient, mint: Callable[[float], str], observe: Observe, clock: Callable[[], float]
    ) -> None:
        super().__init__(shared.configuration, observe)
        self.rest_client = shared.rest_client
        self._mint = mint
        self._clock = clock
        self._token = ""
        self._until_seconds = 0.0
        # Held while a token is requested.
        self._lock = threading.Lock()

    def token(self, timeout_seconds: float) -> str:
        """Return the token for a request that is sent now. Raises what `ServiceAccountTokens.mint` raises."""
        with self._lock:
            if not self._token or self._until_seconds <= self._clock():
                # Before the request: the token's life begins while it is on its way.
                until_seconds = self._clock() + _USED_FOR_SECONDS
                self._token = self._mint(timeout_seconds)
                self._until_seconds = until_seconds
            return self._token

    def call_api(self, method: str, url: str, header_params: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Send one request (the package's own method)."""
        token = self.token(_CALL_SECONDS)
        headers = {**(header_params or {}), "authorization": f"Bearer {token}"}
        answer = super().call_api(method, url, headers, *args, **kwargs)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            with self._lock:
                # Another one may have taken its place meanwhile.
                if self._token == token:
                    self._token = ""
        return answer
