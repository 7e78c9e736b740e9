"""The metrics of `keyhole controller`; `metrics.catalogue` has those of the webhook, and all together."""

from typing import Final

from metrics.declaration import Declaration, Kind, Teller

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
        "duty": "`record-key` or `certificates`",
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

ALL_OF_THE_CONTROLLER: Final = (LEADER, TURNS, ROTATION_STEP, ROTATION_SIGNED, ROTATION_LEFT, ROTATION_FAILING)
