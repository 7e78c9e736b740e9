"""What keeps a pod's template alive, and so owns the Secret behind its variables."""

import pytest

from manifests.variables.owners import (
    MOST_OWNERS,
    Found,
    NoOwner,
    OwnerReference,
    PodFacts,
    Sought,
    merged,
    owner,
    sought,
)

POD = OwnerReference("v1", "Pod", "web-1", "pod")
REPLICA_SET = OwnerReference("apps/v1", "ReplicaSet", "web-abc", "rs")
STATEFUL_SET = OwnerReference("apps/v1", "StatefulSet", "db", "sts")
DAEMON_SET = OwnerReference("apps/v1", "DaemonSet", "agent", "ds")
JOB = OwnerReference("batch/v1", "Job", "backup-1", "job")
CRON_JOB = OwnerReference("batch/v1", "CronJob", "backup", "cron")
CRON_JOB_OF_1_20 = OwnerReference("batch/v1beta1", "CronJob", "backup", "cron")
WORKFLOW = OwnerReference("argoproj.io/v1alpha1", "Workflow", "build", "flow")


def revision(name: str, uid: str = "rev") -> OwnerReference:
    return OwnerReference("apps/v1", "ControllerRevision", name, uid)


@pytest.mark.parametrize(
    ("pod", "read", "found", "expected"),
    [
        pytest.param(PodFacts(POD, None), None, None, POD, id="a bare pod"),
        pytest.param(PodFacts(POD, REPLICA_SET), "replicasets/web-abc", Found("rs"), REPLICA_SET, id="a ReplicaSet"),
        pytest.param(
            PodFacts(POD, STATEFUL_SET, "db-1"),
            "controllerrevisions/db-1",
            Found("rev", controller=STATEFUL_SET),
            revision("db-1"),
            id="a StatefulSet",
        ),
        pytest.param(
            PodFacts(POD, DAEMON_SET, "6f7"),
            "controllerrevisions/agent-6f7",
            Found("rev", controller=DAEMON_SET),
            revision("agent-6f7"),
            id="a DaemonSet",
        ),
        pytest.param(PodFacts(POD, STATEFUL_SET), None, None, STATEFUL_SET, id="a StatefulSet without a revision"),
        pytest.param(
            PodFacts(POD, STATEFUL_SET, "db-1"), "controllerrevisions/db-1", None, STATEFUL_SET, id="no such revision"
        ),
        pytest.param(
            PodFacts(POD, STATEFUL_SET, "other-1"),
            "controllerrevisions/other-1",
            Found("rev", controller=DAEMON_SET),
            STATEFUL_SET,
            id="the revision of another one",
        ),
        pytest.param(PodFacts(POD, JOB), "jobs/backup-1", Found("job"), JOB, id="a Job"),
        pytest.param(PodFacts(POD, JOB), "jobs/backup-1", Found("job", controller=CRON_JOB), CRON_JOB, id="a CronJob"),
        pytest.param(
            PodFacts(POD, JOB),
            "jobs/backup-1",
            Found("job", controller=CRON_JOB_OF_1_20),
            CRON_JOB_OF_1_20,
            id="a CronJob of an old version",
        ),
        pytest.param(PodFacts(POD, JOB), "jobs/backup-1", Found("job", controller=WORKFLOW), JOB, id="a Job of others"),
        pytest.param(PodFacts(POD, WORKFLOW), None, None, WORKFLOW, id="whatever else"),
    ],
)
def test_the_owner(pod: PodFacts, read: str | None, found: Found | None, expected: OwnerReference) -> None:
    wanted = sought(pod)
    assert read == (f"{wanted.plural}/{wanted.name}" if wanted else None)
    assert owner(pod, found) == expected


@pytest.mark.parametrize(
    ("pod", "found"),
    [
        pytest.param(PodFacts(POD, REPLICA_SET), None, id="gone"),
        pytest.param(PodFacts(POD, REPLICA_SET), Found("another"), id="forged, or made anew"),
        pytest.param(PodFacts(POD, REPLICA_SET), Found("rs", is_going=True), id="going"),
        pytest.param(PodFacts(POD, JOB), Found("job", is_going=True, controller=CRON_JOB), id="a Job that is going"),
        pytest.param(
            PodFacts(POD, STATEFUL_SET, "db-1"),
            Found("rev", is_going=True, controller=STATEFUL_SET),
            id="a revision that is going",
        ),
    ],
)
def test_nothing_is_made_for_what_is_going(pod: PodFacts, found: Found | None) -> None:
    with pytest.raises(NoOwner):
        owner(pod, found)


def test_a_kind_of_the_same_name_in_another_group_is_not_asked_for() -> None:
    advanced = OwnerReference("apps.kruise.io/v1beta1", "StatefulSet", "db", "sts")
    pod = PodFacts(POD, advanced, "db-1")
    assert sought(pod) is None
    assert owner(pod, None) == advanced


def test_a_reference_claims_neither_control_nor_a_hold_on_deletion() -> None:
    assert REPLICA_SET.document() == {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-abc", "uid": "rs"}


def test_what_is_asked_for() -> None:
    assert sought(PodFacts(POD, JOB)) == Sought("batch", "v1", "Job", "jobs", "backup-1")


class TestMerged:
    def test_owners_are_added_once_by_their_uid(self) -> None:
        assert merged([REPLICA_SET], [JOB, REPLICA_SET]) == [REPLICA_SET, JOB]
        assert merged([REPLICA_SET, JOB], [JOB]) is None

    def test_there_are_only_so_many(self) -> None:
        many = [OwnerReference("v1", "Pod", f"web-{each}", f"uid-{each}") for each in range(MOST_OWNERS + 50)]
        assert merged([], many) == many[:MOST_OWNERS]
        assert merged(many[:MOST_OWNERS], many) is None
