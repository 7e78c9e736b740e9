"""The metrics of admissions: how long they took, how they ended, and whose they were."""

from typing import Final

from metrics.declaration import Declaration, Kind

# The API server's own for webhooks: `apiserver_admission_webhook_admission_duration_seconds`
# (k8s.io/apiserver/pkg/admission/metrics).
ADMISSION_BUCKETS: Final = (0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10.0, 25.0)

_CAUSE = "the word that the refusal begins with ([References](references.md))"

ADMISSIONS: Final = Declaration(
    "keyhole_admission_duration_seconds",
    Kind.HISTOGRAM,
    "How long admissions took, from reading the request to the answer, including any wait in the queue.",
    {
        "kind": "the kind, if it is one that Keyhole fills (`Secret` and those listed) or a workload, or `other`",
        "operation": "`CREATE`, `UPDATE` or `other`",
        "outcome": "`allowed`, or by the answer's code `malformed` (400), `denied` (403), `overloaded` (429), `error` "
        "(500: a bug), `unavailable` (503)",
        "dry_run": "`true` or `false`",
    },
    buckets=ADMISSION_BUCKETS,
    advice="`error` is always a bug. `unavailable` means that Vault, the API server or the record key is missing.",
)
REFUSALS: Final = Declaration(
    "keyhole_admission_refusals_total",
    Kind.COUNTER,
    "Objects that were refused, by the cause that the message names first.",
    {"cause": _CAUSE},
    advice="`InternalError` is a bug. `PermissionDenied` and `SecretNotFound` are for the tenants to fix.",
)
FIELDS: Final = Declaration(
    "keyhole_fields_total",
    Kind.COUNTER,
    "Fields of objects that were allowed, by what happened to them.",
    {
        "result": "`resolved`: a new value from Vault; `confirmed`: Vault was asked about the live value; `kept`: "
        "the live value, without asking; `unverified`: the live value, because Vault could not be asked; `placeholder` "
        "and `left`: what a dry run shows; `removed`: its reference was removed; `variable`: one of a workload"
    },
    advice="If `unverified` goes on, values grow old: rotated secrets do not arrive.",
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
    "Problems for which objects were refused, by cause. One refusal reports the problems of all its fields.",
    {"cause": _CAUSE},
)
APPLIERS: Final = Declaration(
    "keyhole_admission_appliers_total",
    Kind.COUNTER,
    "Admissions that changed from which reference, or which version, an object has a value; without dry runs.",
    {
        "applier": "who sent the object: `listed`, as `keyhole serve --applier` and `--applier-group` say; `keyhole`, "
        "when the loop follows Vault; another `serviceaccount`; or a `user`"
    },
    advice="A `user` changed by hand what should come from Git. The audit trail has the name.",
)
RUNNING: Final = Declaration("keyhole_admissions_running", Kind.GAUGE, "Admissions that are being worked on.")
WAITING: Final = Declaration(
    "keyhole_admissions_waiting",
    Kind.GAUGE,
    "Admissions that wait for their turn.",
    advice="Above zero for minutes means too little CPU or too few replicas; `--max-running` limits how many run.",
)

ALL_OF_ADMISSIONS: Final = (
    *(ADMISSIONS, REFUSALS, FIELDS, VERIFICATION_FAILURES, PROBLEMS, APPLIERS, RUNNING, WAITING),
)
