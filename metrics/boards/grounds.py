"""Rows of the board *Keyhole*: Vault, and what else answers stand on."""

from typing import Final

from metrics.boards.asking import aggregated, of, one, per_second, quantile
from metrics.boards.panel import Form, Panel, Query, Row, Unit
from metrics.catalogue import (
    BREAKER_OPEN,
    BREAKER_REFUSALS,
    BUILD,
    CALLER_REFUSALS,
    CERTIFICATE_EXPIRY,
    CONNECTION_REJECTED,
    HANDSHAKE_FAILURES,
    KUBERNETES_REQUESTS,
    LAST_READ,
    LOGINS,
    READERS,
    TOKENS,
    VAULT_REQUESTS,
    VAULT_RETRIES,
    WORKER_STARTS,
)
from metrics.controller_catalogue import TURNS

VAULT: Final = Row(
    "Vault",
    (
        Panel(
            "Requests to Vault",
            "By connection and HTTP status; late and unanswered have none.",
            one(per_second(VAULT_REQUESTS, "connection", "status"), "{{connection}}: {{status}}"),
            unit=Unit.PER_SECOND,
            form=Form.AREAS,
        ),
        Panel(
            "How long Vault takes",
            "In this time 99 of 100 requests are answered, by connection and operation.",
            one(quantile(0.99, VAULT_REQUESTS, "connection", "operation"), "{{connection}}: {{operation}}"),
            unit=Unit.SECONDS,
        ),
        Panel(
            "Vaults that are not asked",
            "1 while a worker does not ask this Vault, because several requests and a health check failed.",
            one(aggregated("max", of(BREAKER_OPEN), "connection"), "{{connection}}"),
        ),
        Panel(
            "Logins at Vault",
            "Logins on behalf of namespaces. denied: Vault does not accept the role or the account.",
            one(per_second(LOGINS, "connection", "result"), "{{connection}}: {{result}}"),
            unit=Unit.PER_SECOND,
        ),
        Panel(
            "Repeated, and not sent at all",
            "Requests that were repeated, and those that were not sent because that Vault is not asked.",
            (
                Query(per_second(VAULT_RETRIES, "connection"), "{{connection}}: repeated"),
                Query(per_second(BREAKER_REFUSALS, "connection"), "{{connection}}: not sent"),
            ),
            unit=Unit.PER_SECOND,
        ),
        Panel(
            "Tokens and readers",
            "Vault tokens that workers hold, one for each tenant; and helpers that read, of which a worker has 32.",
            (Query(aggregated("sum", of(TOKENS)), "tokens"), Query(aggregated("sum", of(READERS)), "busy readers")),
        ),
    ),
)

GROUNDS: Final = Row(
    "What it stands on",
    (
        Panel(
            "Certificates",
            "How long each certificate is still valid.",
            one(f"{aggregated('min', of(CERTIFICATE_EXPIRY), 'certificate')} - time()", "{{certificate}}"),
            unit=Unit.SECONDS,
        ),
        Panel(
            "Age of what workers read",
            "Each is read every few seconds. After ten minutes a record key is no longer trusted.",
            one(
                "time() - " + aggregated("min", of(LAST_READ, 'what!="idle-tokens"'), "what"),
                "{{what}}",
            ),
            unit=Unit.SECONDS,
        ),
        Panel(
            "Callers that are not let in",
            "Requests that did not come from the API server, and TLS handshakes that failed.",
            (
                Query(per_second(CALLER_REFUSALS), "refused"),
                Query(per_second(HANDSHAKE_FAILURES), "failed handshakes"),
            ),
            unit=Unit.PER_SECOND,
        ),
        Panel(
            "Requests to the API server",
            "What Keyhole asks the API server, by HTTP status.",
            one(per_second(KUBERNETES_REQUESTS, "status"), "{{status}}"),
            unit=Unit.PER_SECOND,
            form=Form.AREAS,
        ),
        Panel(
            "How long the API server takes",
            "In this time 99 of 100 requests are answered, by verb.",
            one(quantile(0.99, KUBERNETES_REQUESTS, "verb"), "{{verb}}"),
            unit=Unit.SECONDS,
        ),
        Panel(
            "The controller's turns",
            "What the controller did, by duty. failed: a right or a Secret is missing, and its log says which.",
            one(f"{per_second(TURNS, 'duty', 'result')} > 0", "{{duty}}: {{result}}"),
            unit=Unit.PER_SECOND,
        ),
        Panel(
            "Workers that started",
            "How often workers were started in a second. It is above zero without a deployment if workers die.",
            one(per_second(WORKER_STARTS, "pod"), "{{pod}}"),
            unit=Unit.PER_SECOND,
        ),
        Panel(
            "Connections that are not used as written",
            "1 while the CA file of a connection cannot be used. `keyhole connections check` says what is wrong.",
            one(aggregated("max", of(CONNECTION_REJECTED), "connection"), "{{connection}}"),
        ),
        Panel(
            "Processes, by version",
            "Webhooks and controllers that are scraped, by the version that they have.",
            one(aggregated("count", of(BUILD), "version"), "{{version}}"),
        ),
    ),
)
