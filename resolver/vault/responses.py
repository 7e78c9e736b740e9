"""What an answer of Vault means, and whether it is worth asking again. Vault's bodies never go into an error.

Vault's own errors are JSON with `errors`. A 503 without them comes from a load balancer, which may find another server
when it is asked again; Vault's own 503 (sealed, overloaded, no active node) takes longer than an admission may. 412 is
Vault's word for "not yet replicated, ask again". 429 is repeated when Vault says after how long. What ran out of time
is not repeated.

Sources: Vault's HTTP API, *HTTP status codes*; RFC 9110, 10.2.3, for `Retry-After`; the pauses are the "full jitter" of
*Exponential Backoff And Jitter* (AWS Architecture Blog).
"""

import random
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

from resolver.connections.model import Retries
from resolver.references import jsontext
from resolver.references.jsontext import JsonValue
from resolver.vault.errors import VaultRateLimited, VaultRefused, VaultUnavailable
from resolver.vault.exchange_errors import AnswerTooLarge, Unanswered
from resolver.vault.http import VaultAnswer

_STATUS_TEXTS = {
    HTTPStatus.PRECONDITION_FAILED: "has not replicated the needed state yet (status 412)",
    HTTPStatus.TOO_MANY_REQUESTS: "limits the rate of requests (status 429)",
    HTTPStatus.SERVICE_UNAVAILABLE: "is sealed or in maintenance (status 503)",
    472: "is a disaster recovery secondary (status 472)",
    473: "is a performance standby that cannot answer (status 473)",
}


def parsed(answer: VaultAnswer, server: str, purpose: str) -> Mapping[str, JsonValue]:
    """Return the JSON object of a successful answer. `purpose` names the request in errors.

    Raises `VaultUnavailable` for what may pass (sealed, rate limited, a redirect, no JSON), `VaultRefused` for what
    will not, and `AnswerTooLarge` for JSON with too many parts. Callers handle 403 and 404 beforehand, because their
    meaning depends on the request.
    """
    status = answer.status
    if status == HTTPStatus.OK:
        try:
            body = jsontext.parse(answer.body)
        except jsontext.TooManyParts:
            raise AnswerTooLarge(server, f"sent JSON of more than {jsontext.MAX_PARTS} parts") from None
        except ValueError:
            body = None
        if isinstance(body, dict):
            return body
        raise VaultUnavailable(server, "sent an answer that is not Vault's")
    if status in _STATUS_TEXTS:
        kind = VaultRateLimited if status == HTTPStatus.TOO_MANY_REQUESTS else VaultUnavailable
        raise kind(server, _STATUS_TEXTS[status], retry_after_seconds=retry_after_seconds(answer))
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise VaultUnavailable(
            server,
            f"answered with a redirect (status {status}), which Keyhole does not follow: "
            "the connection must name the active node, or a load balancer that finds it",
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise VaultUnavailable(server, f"failed (status {status})")
    raise VaultRefused(purpose, status)


_OF_A_BALANCER: Final = frozenset(
    {
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
_MOST_RETRY_AFTER_DIGITS: Final = 4


def pause_seconds(
    outcome: VaultAnswer | VaultUnavailable,
    repetition: int,
    settings: Retries,
    uniform: Callable[[float, float], float] = random.uniform,
) -> float | None:
    """Return how long to wait before the given repetition (counted from 0), or None if there must be none."""
    # With jitter, so that those who were turned away together do not come back together.
    jitter = uniform(0, min(settings.longest_pause_seconds, settings.first_pause_seconds * 2**repetition))
    if isinstance(outcome, VaultUnavailable):
        return jitter if isinstance(outcome, Unanswered) else None
    if outcome.status == HTTPStatus.TOO_MANY_REQUESTS:
        wish_seconds = retry_after_seconds(outcome)
        return None if wish_seconds is None else wish_seconds + jitter
    passes = outcome.status == HTTPStatus.PRECONDITION_FAILED or (
        outcome.status in _OF_A_BALANCER and not _is_vaults_own(outcome)
    )
    return jitter if passes else None


def retry_after_seconds(answer: VaultAnswer) -> int | None:
    """Return how long the server asked to wait, if it gave a number of seconds."""
    value = answer.headers.get("Retry-After", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= _MOST_RETRY_AFTER_DIGITS else None


def _is_vaults_own(answer: VaultAnswer) -> bool:
    try:
        body = jsontext.parse(answer.body)
    except ValueError:
        return False
    return isinstance(body, dict) and "errors" in body
