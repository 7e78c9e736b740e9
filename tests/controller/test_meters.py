"""What the controller tells of certificates, and that who does not lead tells nothing of them."""

from datetime import UTC, datetime

from controller.meters import Certificate, ControllerMeters, Duty, Turn
from manifests.provenance.key_status import KeyStatus, Progress, Rotation, Step
from metrics.meters import Meters

_END = datetime(2030, 1, 1, tzinfo=UTC)


def told(meters: Meters) -> list[str]:
    return [line for line in meters.text().decode().splitlines() if not line.startswith("#")]


def test_who_leads_tells_of_rotation_and_certificates_and_who_does_not_forgets_them() -> None:
    meters = Meters.alone()
    controller = ControllerMeters(meters, "1.2.3")
    controller.leads(is_leader=True)
    progress = Progress(namespaces=3, refreshed=7, left=2, problems_total=1)
    controller.key_status(KeyStatus("new", ("new", "old"), Rotation("request", "new", Step.REFRESHING, progress)))
    for which in Certificate:
        controller.certificate_ends(which, _END)
    leading = told(meters)
    assert "keyhole_controller_leader 1.0" in leading
    assert 'keyhole_rotation_step{step="refreshing"} 1.0' in leading
    assert {"keyhole_rotation_records_signed 7.0", "keyhole_rotation_records_left 2.0"} <= set(leading)
    assert [float(line.split()[1]) for line in leading if "expiry" in line] == [_END.timestamp()] * 2
    controller.leads(is_leader=False)
    standing_by = told(meters)
    assert not [line for line in standing_by if "expiry" in line]
    assert not [line for line in standing_by if line.startswith("keyhole_rotation") and not line.endswith(" 0.0")]


def test_a_rotation_that_is_over_has_nothing_left_whatever_it_ended_with() -> None:
    """The alert on a rotation that is stuck would ring for ever."""
    meters = Meters.alone()
    progress = Progress(namespaces=3, refreshed=7, left=2, problems_total=1)
    rotation = Rotation("request", "new", Step.DONE, progress, has_dropped=True)
    ControllerMeters(meters, "1.2.3").key_status(KeyStatus("new", ("new",), rotation))
    assert {"keyhole_rotation_records_left 0.0", "keyhole_rotation_namespaces_failing 0.0"} <= set(told(meters))


def test_what_the_last_pass_left_counts_while_the_next_one_is_under_way() -> None:
    """The alert on a rotation that is stuck waits for an hour, and each pass of many namespaces begins with nothing."""
    meters = Meters.alone()
    controller = ControllerMeters(meters, "1.2.3")
    ended = Progress(namespaces=3, visited=3, left=2, problems_total=1, passes=1)
    for progress, left, failing in (
        (Progress(namespaces=3, visited=1), 0, 0),
        (ended, 2, 1),
        (Progress(namespaces=3, visited=1, passes=1), 2, 1),
        (Progress(namespaces=3, visited=2, left=5, problems_total=1, passes=1), 5, 1),
        (Progress(namespaces=3, visited=3, left=1, problems_total=1, passes=1), 1, 1),
        (Progress(namespaces=3, visited=3, passes=2), 0, 0),
        (Progress(namespaces=3, visited=1, passes=2), 0, 0),
    ):
        controller.key_status(KeyStatus("new", ("new", "old"), Rotation("r", "new", Step.REFRESHING, progress)))
        expected = {f"keyhole_rotation_records_left {left}.0", f"keyhole_rotation_namespaces_failing {failing}.0"}
        assert expected <= set(told(meters)), progress


def test_turns_are_there_from_the_start() -> None:
    meters = Meters.alone()
    ControllerMeters(meters, "1.2.3").turned(Duty.CERTIFICATES, Turn.FAILED)
    turns = [line for line in told(meters) if line.startswith("keyhole_controller_turns_total")]
    assert len(turns) == len(Duty) * len(Turn)
    assert 'keyhole_controller_turns_total{duty="certificates",result="failed"} 1.0' in turns
