"""What a Vault status means, in one place. Vault's response bodies never go into an error.

Source: Vault's HTTP API, *HTTP status codes*.
"""

from collections.abc import Mapping
from http import HTTPStatus

from resolver.references import jsontext
from resolver.references.jsontext import JsonValue
from resolver.vault.errors import VaultRefused, VaultUnavailable
from resolver.vault.http import AnswerTooLarge, VaultAnswer
from resolver.vault.retries import retry_after_seconds

_STATUS_TEXTS = {
    HTTPStatus.PRECONDITION_FAILED: "has not replicated the needed state yet (status 412)",
    HTTPStatus.TOO_MANY_REQUESTS: "limits the rate of requests (status 429)",
    HTTPStatus.SERVICE_UNAVAILABLE: "is sealed or in maintenance (status 503)",
    472: "is a disaster recovery secondary (status 472)",
    473: "is a performance standby that cannot answer (status 473)",
}


def parsed(answer: VaultAnswer, server: str, purpose: str) -> Mapping[str, JsonValue]:
    """Return the JSON object of an answer that succeeded. `purpose` says in errors what was asked.

    Raises `VaultUnavailable` for what may pass (sealed, rate limited, a redirect, no JSON) and `VaultRefused` for
    what will not, and `AnswerTooLarge` for JSON of more parts than are read. Callers handle the statuses that mean
    something of their own, 403 and 404, before.
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
        raise VaultUnavailable(server, _STATUS_TEXTS[status], retry_after_seconds=retry_after_seconds(answer))
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise VaultUnavailable(
            server,
            f"answered with a redirect (status {status}), which is not followed: "
            "the connection must name the active node or a balancer that finds it",
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise VaultUnavailable(server, f"failed (status {status})")
    raise VaultRefused(purpose, status)
