"""The client of one Vault server. Requests are limited in time and size, and never redirected or rewritten.

hvac's own HTTP layer is not safe here. It follows redirects with the token, waits 30 seconds for each socket operation,
reads proxies from the environment and raises errors that carry Vault's response body; `requests` below it normalises
dot segments. So hvac only builds Vault's paths and bodies, through an adapter, and `VaultClient` sends them.
"""

import re
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from json import dumps
from typing import Final
from urllib.parse import urlencode

import hvac.adapters

from resolver.connections.model import Connection
from resolver.deadline import Deadline
from resolver.errors import DeadlineExceeded
from resolver.references.value import SecretValue
from resolver.vault.breaker import Breaker, State
from resolver.vault.errors import VaultUnavailable
from resolver.vault.exchange_errors import AnswerTooLarge, ClosedUnanswered, TooLate, Unanswered
from resolver.vault.http import SOCKETS_LIMIT, Arrives, ExchangeLimit, VaultAnswer, VaultHttp, VaultRequest, unbounded
from resolver.vault.observer import NULL_OBSERVER, Observer, Operation
from resolver.vault.responses import pause_seconds

EXAMINER: Final = "vault-health"
"""The name of the thread that checks the health of a server."""
# A request is not repeated if less time than this would be left for the answer.
_LEAST_SECONDS = 0.1
# A request that had less time than this, and got no answer, says nothing about the server.
_FAIR_CHANCE_SECONDS = 1.0
# Vault answers this without a token and without using a mount: 200 if it is active, other codes below 500 if it is some
# kind of standby, 501 or 503 if it is not initialised or sealed (Vault's HTTP API, `/sys/health`).
_HEALTH: Final = VaultRequest("GET", "/v1/sys/health", {"X-Vault-Request": "true"}, operation=Operation.HEALTH)
# The words that observers get instead of a status when there was no answer.
UNANSWERED: Final = {TooLate: "late", Unanswered: "unanswered", AnswerTooLarge: "too-large", VaultUnavailable: "broken"}


class VaultClient:
    """Sends requests to one Vault server, and repeats them where that helps. Threads may share it.

    Create it after a fork, never before.
    """

    def __init__(
        self,
        connection: Connection,
        limit: ExchangeLimit = SOCKETS_LIMIT,
        observer: Observer = NULL_OBSERVER,
        breaker: Breaker | None = None,
    ) -> None:
        """Load the CA bundle. Raises OSError (including `ssl.SSLError`) if it cannot be used."""
        self.connection = connection
        self.breaker = breaker or Breaker()
        self.observer = observer
        self._http = VaultHttp(connection, limit)

    def close(self) -> None:
        """Close the idle connections."""
        self._http.close()

    def adapter(
        self,
        deadline: Deadline,
        token: SecretValue | None = None,
        *,
        may_repeat: bool = False,
        operation: Operation = Operation.READ,
        arrives: Arrives = unbounded,
    ) -> "VaultAdapter":
        """Return an hvac adapter for calls with one token and one deadline. It is cheap, and must not be shared.

        With `may_repeat`, requests other than GET may be repeated too: sending them twice must do no harm.
        `arrives` is called with the number of bytes that arrive of each answer.
        """
        return VaultAdapter(self, deadline, token, may_repeat=may_repeat, operation=operation, arrives=arrives)

    def send(self, request: VaultRequest, deadline: Deadline) -> VaultAnswer:
        """Send one request and read its whole answer within the deadline.

        If the server had closed an idle connection, the request is sent once more on a new one; everything that Keyhole
        asks of Vault (reads, logins, revocations of its own tokens) may be sent twice. Failures that are likely to pass
        are retried after a pause, as the connection's `retries` say, while the breaker is closed. With 0 `attempts`,
        only the first of these happens.

        Raises `VaultUnavailable` if there is no answer (it says why, and never what Vault sent), `DeadlineExceeded` if
        no time is left, and ValueError for a target that could be rewritten on its way.
        """
        if not _is_canonical(request.target):
            raise ValueError("the request's target could be rewritten on its way to Vault")
        if not self.breaker.admits():
            self.observer.turned_away()
            raise VaultUnavailable(self.connection.address, "failed several times in a row and is not asked now")
        try:
            outcome = self._sent(request, deadline)
        except BaseException:
            self.breaker.abandoned()
            raise
        return self._judged(outcome)

    def is_well(self, deadline: Deadline) -> bool:
        """Ask the server for its health, in one request that the breaker does not count.

        It is well if it answers with a status below 500: standbys and secondaries are well, a sealed server is not.
        Returns False when no time is left.
        """
        try:
            return _is_well(self._sent(_HEALTH, deadline))
        except DeadlineExceeded:
            return False

    def _sent(self, request: VaultRequest, deadline: Deadline) -> VaultAnswer | VaultUnavailable:
        settings = self.connection.retries
        outcome = self._exchanged(request, deadline)
        if isinstance(outcome, ClosedUnanswered) and (outcome.was_idle or settings.attempts):
            self.observer.repeated(request.operation)
            outcome = self._exchanged(request, deadline)
        for repetition in range(settings.attempts if request.may_repeat else 0):
            if not self._waited(pause_seconds(outcome, repetition, settings), deadline):
                break
            self.observer.repeated(request.operation)
            outcome = self._exchanged(request, deadline)
        return outcome

    def _exchanged(self, request: VaultRequest, deadline: Deadline) -> VaultAnswer | VaultUnavailable:
        seconds = deadline.at_most_seconds(self.connection.timeout_seconds)
        sent_at = time.monotonic()
        outcome: VaultAnswer | VaultUnavailable
        try:
            outcome = self._http.exchange(request, seconds)
        except VaultUnavailable as error:
            outcome = error
        self.observer.exchanged(request.operation, _status(outcome), time.monotonic() - sent_at)
        return outcome

    def _waited(self, pause_seconds: float | None, deadline: Deadline) -> bool:
        """Wait before a repetition. Returns False if there must be none."""
        if pause_seconds is None or pause_seconds + _LEAST_SECONDS > deadline.remaining_seconds():
            return False
        if self.breaker.state is not State.CLOSED:
            return False
        time.sleep(pause_seconds)
        # Others may have found meanwhile that the server is down.
        return self.breaker.state is State.CLOSED

    def _judged(self, outcome: VaultAnswer | VaultUnavailable) -> VaultAnswer:
        """Report the outcome of a request to the breaker, and return or raise it."""
        fair_chance_seconds = min(_FAIR_CHANCE_SECONDS, self.connection.timeout_seconds)
        if isinstance(outcome, VaultAnswer):
            if _is_well(outcome):
                self.breaker.succeeded()
            else:
                self._failed()
            return outcome
        if isinstance(outcome, AnswerTooLarge):
            self.breaker.succeeded()
        elif isinstance(outcome, TooLate) and outcome.after_seconds < fair_chance_seconds:
            # A tenant who has run out of time must not cut off the others.
            self.breaker.abandoned()
        else:
            self._failed()
        raise outcome

    def _failed(self) -> None:
        if self.breaker.failed():
            # In a thread, because the admission may have no time left for it.
            threading.Thread(target=self._examine, name=EXAMINER, daemon=True).start()

    def _examine(self) -> None:
        """Check the health of the server, and report it to the breaker."""
        is_well = False
        try:
            is_well = self.is_well(Deadline.after(min(_FAIR_CHANCE_SECONDS, self.connection.timeout_seconds)))
        finally:
            self.breaker.examined(is_well=is_well)


def _is_well(outcome: VaultAnswer | VaultUnavailable) -> bool:
    return isinstance(outcome, VaultAnswer) and outcome.status < HTTPStatus.INTERNAL_SERVER_ERROR


def _status(outcome: VaultAnswer | VaultUnavailable) -> str:
    if isinstance(outcome, VaultAnswer):
        return str(outcome.status)
    return next(word for kind, word in UNANSWERED.items() if isinstance(outcome, kind))


class VaultAdapter(hvac.adapters.RawAdapter):  # type: ignore[misc]
    """hvac's adapter interface over `VaultClient`. Every status is returned as a `VaultAnswer`; none raises."""

    def __init__(
        self,
        client: VaultClient,
        deadline: Deadline,
        token: SecretValue | None,
        *,
        may_repeat: bool,
        operation: Operation,
        arrives: Arrives,
    ) -> None:
        # hvac's own constructor would create a session, which is not needed.
        self._may_repeat = may_repeat
        self._operation = operation
        self._arrives = arrives
        self._client = client
        self._deadline = deadline
        self._token = token

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        raise_exception: bool = True,  # noqa: ARG002, FBT001, FBT002 - hvac's signature
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
    ) -> VaultAnswer:
        """Send one request to `url`, a path that begins with /v1/."""
        target = f"{url}?{urlencode(params)}" if params else url
        namespace = self._client.connection.vault_namespace
        all_headers = {
            "X-Vault-Request": "true",
            "Accept-Encoding": "identity",
            **({"X-Vault-Token": self._token.reveal_text()} if self._token else {}),
            **({"X-Vault-Namespace": namespace} if namespace else {}),
            **({"Content-Type": "application/json"} if json is not None else {}),
            **(headers or {}),
        }
        body = None if json is None else dumps(json).encode()
        verb = method.upper()
        may_repeat = self._may_repeat or verb == "GET"
        request = VaultRequest(verb, target, all_headers, body, may_repeat, self._operation, self._arrives)
        return self._client.send(request, self._deadline)


# The form of Vault's API paths once they are quoted: nothing that urllib3 would encode, or that a proxy would decode
# into a separator.
_CANONICAL = re.compile(r"(?:/(?:[A-Za-z0-9\-._~]|%(?!2[EeFf]|5[Cc]|00)[0-9A-F]{2})+)+(?:\?version=[0-9]+)?")


def _is_canonical(target: str) -> bool:
    segments = target.partition("?")[0].split("/")
    return _CANONICAL.fullmatch(target) is not None and not {".", ".."} & set(segments)
