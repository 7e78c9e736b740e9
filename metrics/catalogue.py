"""Every metric that Keyhole has. `docs/metrics.md` is written from this module (`metrics.document`).

No label ever holds a namespace, a name, a path, a user or a value: what stands in one comes from a closed set of ours,
or, for `connection`, from the administrator's connections file.
"""

from typing import Final

from metrics.controller_catalogue import ALL_OF_THE_CONTROLLER
from metrics.declaration import Declaration, Kind, Merge, Teller

# The API server's own for webhooks: `apiserver_admission_webhook_admission_duration_seconds`
# (k8s.io/apiserver/pkg/admission/metrics).
ADMISSION_BUCKETS: Final = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10.0, 25.0)
REQUEST_BUCKETS: Final = (0.005, 0.025, 0.1, 0.5, 2.5, 10.0)

_CAUSE = "the word that the refusal begins with ([References](references.md))"
_CONNECTION = "the connection's name in the connections file"
_STATUS = "the HTTP status, or `late`, `unanswered`, `broken`, `too-large`; one that Vault does not use is `other`"

ADMISSIONS: Final = Declaration(
    "keyhole_admission_duration_seconds",
    Kind.HISTOGRAM,
    "How long admissions took, from the request that was read to the answer, a wait in the queue included.",
    {
        "kind": "`Secret` or `other`",
        "operation": "`CREATE`, `UPDATE` or `other`",
        "outcome": "`allowed`, or by the answer's code `malformed` (400), `denied` (403), `overloaded` (429), `error` "
        "(500: a bug), `unavailable` (503)",
        "dry_run": "`true` or `false`",
    },
    buckets=ADMISSION_BUCKETS,
    advice="`error` is never right. `unavailable` means that Vault, the API server or the record key is missing.",
)
REFUSALS: Final = Declaration(
    "keyhole_admission_refusals_total",
    Kind.COUNTER,
    "Objects that were refused, by the cause that is told first.",
    {"cause": _CAUSE},
    advice="`InternalError` is a bug. `PermissionDenied` and `SecretNotFound` are for the tenants to mend.",
)
FIELDS: Final = Declaration(
    "keyhole_fields_total",
    Kind.COUNTER,
    "Fields of objects that were allowed, by what became of them.",
    {
        "result": "`resolved`: a new value from Vault; `confirmed`: Vault was asked about the live value; `kept`: "
        "the live value, without asking; `unverified`: the live value, because Vault could not be asked; `placeholder` "
        "and `left`: what a dry run shows; `removed`: its reference was taken away"
    },
    advice="`unverified` that goes on means values that grow old: rotated secrets do not arrive.",
)
VERIFICATION_FAILURES: Final = Declaration(
    "keyhole_field_doubts_total",
    Kind.COUNTER,
    "Fields that kept their live value because it could not be verified, by cause.",
    {"cause": _CAUSE},
)
PROBLEMS: Final = Declaration(
    "keyhole_admission_problems_total",
    Kind.COUNTER,
    "Problems for which objects were refused, by cause: an object is refused with all of its fields' at once.",
    {"cause": _CAUSE},
)
RUNNING: Final = Declaration("keyhole_admissions_running", Kind.GAUGE, "Admissions that are being worked on.")
WAITING: Final = Declaration(
    "keyhole_admissions_waiting",
    Kind.GAUGE,
    "Admissions that wait for others to end.",
    advice="Above zero for minutes: too little CPU or too few replicas; `--max-running` bounds what is worked on.",
)

VAULT_REQUESTS: Final = Declaration(
    "keyhole_vault_request_duration_seconds",
    Kind.HISTOGRAM,
    "How long Vault took for single requests, each repetition by itself.",
    {
        "connection": _CONNECTION,
        "operation": "`login`, `read`, `mount` (which mount a path lies on), `revoke` or `health` (after failures)",
        "status": _STATUS,
    },
    buckets=REQUEST_BUCKETS,
)
VAULT_RETRIES: Final = Declaration(
    "keyhole_vault_retries_total",
    Kind.COUNTER,
    "Requests to Vault that were sent once more.",
    {"connection": _CONNECTION, "operation": "as above"},
)
BREAKER_OPEN: Final = Declaration(
    "keyhole_vault_breaker_open",
    Kind.GAUGE,
    "1 while a worker does not ask this Vault: it failed several times in a row, and its health check too.",
    {"connection": _CONNECTION},
    merge=Merge.MOST,
    advice="Vault is down, sealed or out of reach. What is proved keeps its value; new references are refused.",
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
        "result": "`granted`; `denied`: Vault does not accept identity or role; `no-identity`: the API server gives no "
        "token of the namespace's ServiceAccount; `failed`: Vault or the API server could not answer",
    },
)
TOKENS: Final = Declaration("keyhole_vault_tokens", Kind.GAUGE, "Vault tokens that are held, one for each tenant.")
READERS: Final = Declaration(
    "keyhole_vault_helpers_busy",
    Kind.GAUGE,
    "Helpers that read from Vault side by side with an admission; each worker has 32.",
)

RECORD_KEY: Final = Declaration(
    "keyhole_record_key_known",
    Kind.GAUGE,
    "1 when every worker knows the key of the records.",
    merge=Merge.LEAST,
    advice="At 0 no object with references is admitted: is `keyhole controller` running, and may the webhook read the "
    "Secret?",
)
RECORD_KEY_ID: Final = Declaration(
    "keyhole_record_key_id",
    Kind.GAUGE,
    "The id of the key that signs records, as a number: its eight hexadecimal digits.",
    merge=Merge.MOST,
    advice="It is the same for all replicas, but for the minutes of a rotation in which they read of it.",
)
LAST_READ: Final = Declaration(
    "keyhole_last_read_timestamp_seconds",
    Kind.GAUGE,
    "When a worker last read what it follows, in seconds since 1970. Of all workers the oldest one counts.",
    {
        "what": "`record-key`, `callers` (what callers are measured by), `serving-certificate`, `connections`, "
        "`idle-tokens` (when they were last given back) or `gauges` (these numbers themselves)"
    },
    merge=Merge.LEAST,
    advice="`time()` less this is its age. Each is read every few seconds. A record key or proof of callers that "
    "cannot be read for ten minutes is believed no longer, and the worker is not ready. A serving certificate counts "
    "until it ends; connections were looked at then, whether or not the file could be used.",
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
    "1 while a connection is not used as the file says, because its CA file cannot be used.",
    {"connection": _CONNECTION},
    merge=Merge.MOST,
    advice="The others are in use. It is tried again by itself as soon as anything changes in its CA file.",
)
CONNECTIONS_RELOADS: Final = Declaration(
    "keyhole_connections_reloads_total",
    Kind.COUNTER,
    "Changes of the connections file and of the CA files that it names, counted in each worker.",
    {"result": "`taken`, or `rejected` in whole or in part"},
)
CALLER_MODE: Final = Declaration(
    "keyhole_caller_mode",
    Kind.GAUGE,
    "1 for the mode in which callers prove themselves.",
    {"mode": "`aggregation`, `client-certificate`, `token` or `none`"},
    merge=Merge.MOST,
    advice="`none` outside of development: whoever reaches the port can read secrets.",
)
CALLER_PROOF: Final = Declaration(
    "keyhole_caller_proof_known",
    Kind.GAUGE,
    "1 when every worker knows what callers are measured by: the CA, the names, the tokens.",
    merge=Merge.LEAST,
    advice="At 0 nobody is let in.",
)
AUDIT_BEGUN: Final = Declaration(
    "keyhole_audit_trail_begun",
    Kind.GAUGE,
    "1 when every worker could write the first line of its audit trail, or none is wanted.",
    merge=Merge.LEAST,
    advice="At 0 a worker answers nothing that needs a line: is there room on the disk? The log has the cause.",
)
CALLER_REFUSALS: Final = Declaration(
    "keyhole_caller_refusals_total",
    Kind.COUNTER,
    "Requests that no API server sent, answered with 401.",
    advice="Somebody else asks for secrets, or a certificate or a token was changed on one side only.",
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
    advice="Whatever the rate: the disk is full, or nobody reads the stream.",
)
WORKERS: Final = Declaration("keyhole_workers", Kind.GAUGE, "Workers that are alive.")
WORKER_STARTS: Final = Declaration(
    "keyhole_worker_starts_total",
    Kind.COUNTER,
    "Workers that were started.",
    advice="Growth without a deployment: workers die. The log and the memory limit say why.",
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
    "When a certificate ends, in seconds since 1970.",
    {"certificate": "`serving`, or `ca`: the authority of self-managed certificates"},
    Teller.BOTH,
    Merge.LEAST,
    advice="Renewal is at two thirds of its life; less than a fifth left means that it fails.",
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
    *(ADMISSIONS, REFUSALS, FIELDS, VERIFICATION_FAILURES, PROBLEMS, RUNNING, WAITING),
    *(VAULT_REQUESTS, VAULT_RETRIES, BREAKER_OPEN, BREAKER_REFUSALS, LOGINS, TOKENS, READERS),
    *(RECORD_KEY, RECORD_KEY_ID, LAST_READ, CONNECTIONS_REJECTED, CONNECTION_REJECTED, CONNECTIONS_RELOADS),
    *(CALLER_MODE, CALLER_PROOF, CALLER_REFUSALS),
    *(HANDSHAKE_FAILURES, AUDIT_FAILURES, AUDIT_BEGUN, WORKERS, WORKER_STARTS),
    *(KUBERNETES_REQUESTS, CERTIFICATE_EXPIRY, BUILD),
    *ALL_OF_THE_CONTROLLER,
)
