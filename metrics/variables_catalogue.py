"""The metrics of `keyhole controller --variables`."""

from typing import Final

from metrics.declaration import Declaration, Kind, Teller

VARIABLES_NAMESPACES: Final = Declaration(
    "keyhole_variables_namespaces",
    Kind.GAUGE,
    "Namespaces whose pods the controller looks at, because they may use variables.",
    told_by=Teller.CONTROLLER,
)
VARIABLES_WATCHES: Final = Declaration(
    "keyhole_variables_watches",
    Kind.GAUGE,
    "Namespaces whose pods are watched. Those beyond `--most-watches` are listed every 10 s.",
    told_by=Teller.CONTROLLER,
)
VARIABLES_SECRETS: Final = Declaration(
    "keyhole_variables_secrets_total",
    Kind.COUNTER,
    "What was done to the Secrets behind variables.",
    {"outcome": "`made`, `owned` (given a further owner) or `restored` (somebody had edited its annotations)"},
    Teller.CONTROLLER,
)
VARIABLES_REFUSED: Final = Declaration(
    "keyhole_variables_refused_total",
    Kind.COUNTER,
    "Attempts to make the Secret of a pod that came to nothing.",
    {
        "cause": "`marker` (the pod's marker does not fit its annotations), `too-many` (the namespace has as many as "
        "Keyhole makes), `foreign` (somebody else's Secret has the name), `refused`, `unavailable` (the API server or "
        "Vault does not answer), `ownerless` (what owns the pod is going) or `bug` (the log says where)"
    },
    Teller.CONTROLLER,
    advice="The Event `VariablesMissing` on what made the pod says why: "
    "[For those on call](operations.md#pods-wait-for-their-variables) has what to do.",
)
VARIABLES_WAITING: Final = Declaration(
    "keyhole_variables_pods_waiting",
    Kind.GAUGE,
    "Pods whose Secret is not there.",
    told_by=Teller.CONTROLLER,
    advice="Above zero for minutes, new pods do not start. Those that ran before go on.",
)
VARIABLES_WAIT: Final = Declaration(
    "keyhole_variables_wait_seconds",
    Kind.HISTOGRAM,
    "How long a pod waited for its Secret, from when the controller saw the pod.",
    told_by=Teller.CONTROLLER,
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60, 300),
)

ALL_OF_VARIABLES: Final = (
    *(VARIABLES_NAMESPACES, VARIABLES_WATCHES, VARIABLES_SECRETS),
    *(VARIABLES_REFUSED, VARIABLES_WAITING, VARIABLES_WAIT),
)
