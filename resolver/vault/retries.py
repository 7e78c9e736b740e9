"""What is worth asking Vault once more, and after what pause.

Vault's own errors are JSON with `errors`, so a 503 without is a balancer's, which may find another server; Vault's (it
is sealed, overloaded, without an active node) takes longer than an admission may. 412 is Vault's word for "not yet
replicated, ask again"; 429 is asked again when Vault says after how long. What ran out of time is not repeated.

Sources: Vault's HTTP API, *HTTP status codes*; RFC 9110, 10.2.3, for `Retry-After`; the pauses are the "full jitter" of
*Exponential Backoff And Jitter* (AWS Architecture Blog).
"""

import random
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from resolver.connections.model import Retries
from resolver.references import jsontext
from resolver.vault.errors import VaultUnavailable
from resolver.vault.http import Unanswered, VaultAnswer

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
    """Return how long to wait before the repetition `repetition`, counted from 0, or None when there is to be none."""
    # With jitter: whoever was sent away together is not to come back together.
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
    """Return the server's own wish, when it is a number of seconds."""
    value = answer.headers.get("Retry-After", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= _MOST_RETRY_AFTER_DIGITS else None


def _is_vaults_own(answer: VaultAnswer) -> bool:
    try:
        body = jsontext.parse(answer.body)
    except ValueError:
        return False
    return isinstance(body, dict) and "errors" in body
