"""Every metric of the servers. `docs/metrics.md` is written from this and what is beside it (`metrics.document`).

No label ever holds a namespace, a name, a path, a user or a value. Label values come from closed sets of ours or, for
`connection`, from the administrator's connections file.
"""

from typing import Final

from metrics.admission_catalogue import ALL_OF_ADMISSIONS
from metrics.controller_catalogue import ALL_OF_THE_CONTROLLER
from metrics.declaration import Declaration, Kind, Merge, Teller

REQUEST_BUCKETS: Final = (0.005, 0.025, 0.1, 0.5, 2.5, 10.0)

_CONNECTION = "the connection's name in the connections file"
_STATUS = "the HTTP status, or `late`, `unanswered`, `broken`, `too-large`; one that Vault does not use is `other`"

VAULT_REQUESTS: Final = Declaration(
    "keyhole_vault_request_duration_seconds",
    Kind.HISTOGRAM,
    "How long single requests to Vault took. Each repetition counts by itself.",
    {
        "connection": _CONNECTION,
        "operation": "`login`, `read`, `version` (which version is the current one), `mount` (which mount a path lies "
        "on), `revoke` or `health` (after failures)",
        "status": _STATUS,
    },
    Teller.BOTH,
    buckets=REQUEST_BUCKETS,
)
VAULT_RETRIES: Final = Declaration(
    "keyhole_vault_retries_total",
    Kind.COUNTER,
    "Requests to Vault that were repeated. The controller repeats none but those on a connection that was closed.",
    {"connection": _CONNECTION, "operation": "as above"},
    Teller.BOTH,
)
BREAKER_OPEN: Final = Declaration(
    "keyhole_vault_breaker_open",
    Kind.GAUGE,
    "1 while a worker does not ask this Vault, because several requests in a row and then a health check failed. A "
    "worker that nobody asks for anything says 0 after ten minutes.",
    {"connection": _CONNECTION},
    merge=Merge.MOST,
    advice="Vault is down, sealed or out of reach. Proved values are kept; new references are refused.",
)
BREAKER_REFUSALS: Final = Declaration(
    "keyhole_vault_breaker_refusals_total",
    Kind.COUNTER,
    "Requests that were not sent to Vault because the breaker was open.",
    {"connection": _CONNECTION},
)
LOGINS: Final = Declaration(
    "keyhole_vault_logins_total",
    Kind.COUNTER,
    "Logins at Vault on behalf of namespaces.",
    {
        "connection": _CONNECTION,
        "result": "`granted`; `denied`: Vault does not accept identity or role; `no-identity`: the API server issues "
        "no token for the namespace's ServiceAccount; `failed`: Vault or the API server could not answer",
    },
    Teller.BOTH,
)
TOKENS: Final = Declaration("keyhole_vault_tokens", Kind.GAUGE, "Vault tokens that workers hold, one for each tenant.")
READERS: Final = Declaration(
    "keyhole_vault_helpers_busy",
    Kind.GAUGE,
    "Helpers that are reading from Vault in parallel. Each worker has 32.",
)

RECORD_KEY: Final = Declaration(
    "keyhole_record_key_known",
    Kind.GAUGE,
    "1 if every worker knows the record key.",
    merge=Merge.LEAST,
    advice="At 0, no object with references is admitted: is `keyhole controller` running, and may the webhook read the "
    "Secret?",
)
RECORD_KEY_ID: Final = Declaration(
    "keyhole_record_key_id",
    Kind.GAUGE,
    "The id of the key that signs records: its eight hexadecimal digits as a number.",
    merge=Merge.MOST,
    advice="It is the same for all replicas, except for some minutes of a rotation, until they know the new key.",
)
LAST_READ: Final = Declaration(
    "keyhole_last_read_timestamp_seconds",
    Kind.GAUGE,
    "When a worker last read what it follows, in seconds since 1970. The oldest value of all workers counts.",
    {
        "what": "`record-key`, `callers` (what callers are measured by), `serving-certificate`, `connections`, "
        "`idle-tokens` (when they were last given back) or `gauges` (these numbers themselves)"
    },
    merge=Merge.LEAST,
    advice="`time()` minus this is its age. Each is read every few seconds. If the record key or the proof of callers "
    "cannot be read for ten minutes, it is no longer trusted, and the worker is not ready. A serving certificate is "
    "used until it expires. For connections it is when the file was last looked at, whether or not it could be used.",
)
CONNECTIONS_REJECTED: Final = Declaration(
    "keyhole_connections_rejected",
    Kind.GAUGE,
    "1 while the connections file, or a CA file that it names, cannot be used. What was in use before stays in use.",
    merge=Merge.MOST,
    advice="`keyhole connections check` says what is wrong.",
)
CONNECTION_REJECTED: Final = Declaration(
    "keyhole_connection_rejected",
    Kind.GAUGE,
    "1 while a connection is not used as the file describes it, because its CA file cannot be used.",
    {"connection": _CONNECTION},
    merge=Merge.MOST,
    advice="The other connections are in use. This one is tried again as soon as its CA file changes.",
)
CONNECTIONS_RELOADS: Final = Declaration(
    "keyhole_connections_reloads_total",
    Kind.COUNTER,
    "Changes of the connections file and of the CA files that it names. Each worker counts them.",
    {"result": "`taken`, or `rejected` in whole or in part"},
)
CALLER_MODE: Final = Declaration(
    "keyhole_caller_mode",
    Kind.GAUGE,
    "1 for the mode in which callers prove themselves.",
    {"mode": "`aggregation`, `client-certificate`, `token` or `none`"},
    merge=Merge.MOST,
    advice="`none` is for development only: anyone who reaches the port can read secrets.",
)
CALLER_PROOF: Final = Declaration(
    "keyhole_caller_proof_known",
    Kind.GAUGE,
    "1 if every worker knows how to check callers: the CA, the names, the tokens.",
    merge=Merge.LEAST,
    advice="At 0, nobody is let in.",
)
AUDIT_BEGUN: Final = Declaration(
    "keyhole_audit_trail_begun",
    Kind.GAUGE,
    "1 if every worker has written the first line of its audit trail, or no trail is configured.",
    merge=Merge.LEAST,
    advice="At 0, a worker refuses whatever needs a line. Is the disk full? The log names the cause.",
)
CALLER_REFUSALS: Final = Declaration(
    "keyhole_caller_refusals_total",
    Kind.COUNTER,
    "Requests that did not come from an API server and were answered 401.",
    advice="Somebody else asks for secrets, or a certificate or token was changed on one side only.",
)
HANDSHAKE_FAILURES: Final = Declaration(
    "keyhole_tls_handshake_failures_total",
    Kind.COUNTER,
    "TLS handshakes that failed or took too long, on the admission port.",
)
AUDIT_FAILURES: Final = Declaration(
    "keyhole_audit_failures_total",
    Kind.COUNTER,
    "Admissions that were refused because their line could not be written to the audit trail.",
    advice="At any rate above zero, the disk is full or nobody reads the stream.",
)
WORKERS: Final = Declaration("keyhole_workers", Kind.GAUGE, "Workers that are alive.")
WORKER_STARTS: Final = Declaration(
    "keyhole_worker_starts_total",
    Kind.COUNTER,
    "Workers that were started.",
    advice="If it grows without a deployment, workers are dying. The log and the memory limit say why.",
)

KUBERNETES_REQUESTS: Final = Declaration(
    "keyhole_kubernetes_request_duration_seconds",
    Kind.HISTOGRAM,
    "How long the API server took to begin its answers.",
    {
        "verb": "`get`, `list`, `create`, `update`, `patch`, `delete` or `other`",
        "resource": "the resource, with its subresource (`serviceaccounts/token`); one that Keyhole does not ask for "
        "is `other`",
        "status": "the HTTP status, or `none` without an answer",
    },
    Teller.BOTH,
    buckets=REQUEST_BUCKETS,
)
CERTIFICATE_EXPIRY: Final = Declaration(
    "keyhole_certificate_expiry_timestamp_seconds",
    Kind.GAUGE,
    "When a certificate expires, in seconds since 1970.",
    {"certificate": "`serving`, or `ca`: the authority of self-managed certificates"},
    Teller.BOTH,
    Merge.LEAST,
    advice="It is renewed after two thirds of its life. If less than a fifth is left, renewal is failing.",
)
BUILD: Final = Declaration(
    "keyhole_build_info",
    Kind.GAUGE,
    "1, with Keyhole's version.",
    {"version": "as of `keyhole --version`"},
    Teller.BOTH,
    Merge.MOST,
)

ALL: Final = (
    *ALL_OF_ADMISSIONS,
    *(VAULT_REQUESTS, VAULT_RETRIES, BREAKER_OPEN, BREAKER_REFUSALS, LOGINS, TOKENS, READERS),
    *(RECORD_KEY, RECORD_KEY_ID, LAST_READ, CONNECTIONS_REJECTED, CONNECTION_REJECTED, CONNECTIONS_RELOADS),
    *(CALLER_MODE, CALLER_PROOF, CALLER_REFUSALS),
    *(HANDSHAKE_FAILURES, AUDIT_FAILURES, AUDIT_BEGUN, WORKERS, WORKER_STARTS),
    *(KUBERNETES_REQUESTS, CERTIFICATE_EXPIRY, BUILD),
    *ALL_OF_THE_CONTROLLER,
)
