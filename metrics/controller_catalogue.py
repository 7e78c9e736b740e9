"""The metrics of `keyhole controller`; `metrics.catalogue` has those of the webhook, and all together."""

from typing import Final

from metrics.declaration import Declaration, Kind, Teller
from metrics.variables_catalogue import ALL_OF_VARIABLES

LEADER: Final = Declaration(
    "keyhole_controller_leader",
    Kind.GAUGE,
    "1 if this controller holds the Lease.",
    told_by=Teller.CONTROLLER,
    advice="The sum over all controllers is 1. If it is 0 for minutes, nobody makes keys or renews certificates.",
)
TURNS: Final = Declaration(
    "keyhole_controller_turns_total",
    Kind.COUNTER,
    "How often the controller did its duties while it led.",
    {
        "duty": "`record-key`, `certificates`, `following` or `variables`",
        "result": "`done`, `again` (somebody else was faster), `failed` or `bug`",
    },
    Teller.CONTROLLER,
    advice="If `failed` goes on, the log says which right or Secret is missing. After a `bug` the log says where it "
    "is; the duty is tried again within about a minute, and the controller is not ready until then.",
)
ROTATION_STEP: Final = Declaration(
    "keyhole_rotation_step",
    Kind.GAUGE,
    "1 for the current step of the record key's rotation, as the leading controller reports it.",
    {"step": "`none`, `accepting`, `signing`, `refreshing` or `done`"},
    Teller.CONTROLLER,
)
ROTATION_SIGNED: Final = Declaration(
    "keyhole_rotation_records_signed",
    Kind.GAUGE,
    "Records that the rotation has signed again.",
    told_by=Teller.CONTROLLER,
)
ROTATION_LEFT: Final = Declaration(
    "keyhole_rotation_records_left",
    Kind.GAUGE,
    "Records that the last pass of the rotation could not get signed again.",
    told_by=Teller.CONTROLLER,
    advice="Above zero, the old key stays: `keyhole key status` names the namespaces.",
)
ROTATION_FAILING: Final = Declaration(
    "keyhole_rotation_namespaces_failing",
    Kind.GAUGE,
    "Namespaces in which the last pass of the rotation failed.",
    told_by=Teller.CONTROLLER,
)

FOLLOW_OBJECTS: Final = Declaration(
    "keyhole_follow_objects", Kind.GAUGE, "Objects that are compared with Vault.", told_by=Teller.CONTROLLER
)
FOLLOW_PATHS: Final = Declaration(
    "keyhole_follow_paths",
    Kind.GAUGE,
    "Paths in Vault that these objects need, counted once in each namespace. A round asks about each of them once.",
    told_by=Teller.CONTROLLER,
)
FOLLOW_NAMESPACES: Final = Declaration(
    "keyhole_follow_namespaces", Kind.GAUGE, "Namespaces that are followed.", told_by=Teller.CONTROLLER
)
FOLLOW_LAG: Final = Declaration(
    "keyhole_follow_lag_seconds",
    Kind.GAUGE,
    "How late the namespace is that has been due longest.",
    told_by=Teller.CONTROLLER,
    advice="Some seconds are normal. If it grows, there are more paths than the budget allows in an interval, or Vault "
    "or the API server is slow: [For those on call](operations.md#the-lag-grows) has what to do.",
)
FOLLOW_ASKED: Final = Declaration(
    "keyhole_follow_polls_total",
    Kind.COUNTER,
    "Questions to Vault about one path, by how they ended.",
    {
        "outcome": "`answered`, `denied`, `missing` (nothing there, or the newest version is deleted or destroyed) or "
        "`failed`"
    },
    Teller.CONTROLLER,
)
FOLLOW_REFRESHES: Final = Declaration(
    "keyhole_follow_refreshes_total",
    Kind.COUNTER,
    "Attempts to have one object refreshed because Vault has another version, by how they ended.",
    {
        "outcome": "`refreshed`, `kept` (the webhook could not verify a value), `conflict` (somebody else was faster), "
        "`unseen` (no webhook was asked), `immutable` or `failed`"
    },
    Teller.CONTROLLER,
    advice="If anything but `refreshed` and `conflict` goes on, values grow old: "
    "[For those on call](operations.md#refreshes-fail) has what to do.",
)
FOLLOW_RESTARTS: Final = Declaration(
    "keyhole_follow_restarts_total",
    Kind.COUNTER,
    "Workloads that the loop looked at because a Secret changed, by what happened to them.",
    {
        "outcome": "`restarted`, `held` (another one does not become ready), `baseline` (seen for the first time, not "
        "restarted) or `failed`"
    },
    Teller.CONTROLLER,
)
FOLLOW_PROBLEMS: Final = Declaration(
    "keyhole_follow_problems",
    Kind.GAUGE,
    "Objects with a problem that lasts, as their annotation `keyhole.dev/problem` says.",
    {
        "cause": "the word for it ([For those on call](operations.md#what-each-problem-means)), or `other`; 0 once the "
        "last problem with this cause is over"
    },
    Teller.CONTROLLER,
    advice="`keyhole status -A` names the objects.",
)
FOLLOW_AWAY: Final = Declaration(
    "keyhole_follow_vault_away",
    Kind.GAUGE,
    "1 while the controller waits for a Vault that does not answer, by connection; 0 once it has come back.",
    {"connection": "the connection's name in the connections file"},
    Teller.CONTROLLER,
)

ALL_OF_THE_CONTROLLER: Final = (
    *(LEADER, TURNS, ROTATION_STEP, ROTATION_SIGNED, ROTATION_LEFT, ROTATION_FAILING),
    *(FOLLOW_OBJECTS, FOLLOW_PATHS, FOLLOW_NAMESPACES, FOLLOW_LAG, FOLLOW_ASKED),
    *(FOLLOW_REFRESHES, FOLLOW_RESTARTS, FOLLOW_PROBLEMS, FOLLOW_AWAY),
    *ALL_OF_VARIABLES,
)
