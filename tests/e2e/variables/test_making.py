"""The Secret behind the variables of a pod is there soon after the pod, whatever made the pod, and stays Keyhole's."""

import threading

import pytest

from controller.telling.telling import Telling
from controller.variables.duty import Variables
from controller.variables.meters import VariablesMeters
from controller.variables.settings import VariablesSettings
from controller.variables.telling import VariablesTelling
from kube.client import connect
from kube.namespaces import Namespaces
from kube.tenant_clients import TenantClients
from metrics.meters import Meters
from testbed import Testbed
from testbed.keyhole.identities import controller_kubeconfig
from tests.e2e.objects import Manifest
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.variables.conftest import Making
from tests.e2e.variables.team import Team, add_team, until
from tests.e2e.variables.workloads import REFERENCE, secret_of, template, whole_secret_of, workload

VARIABLES = {"PASSWORD": REFERENCE, "URL": f"postgres://app:(({REFERENCE} | urlencode))@db/app"}
OWNERS = {
    "Deployment": "ReplicaSet",
    "StatefulSet": "ControllerRevision",
    "DaemonSet": "ControllerRevision",
    "Job": "Job",
    "CronJob": "CronJob",
    "Pod": "Pod",
    "Rollout": "ReplicaSet",
}


def test_the_secret_is_made_for_every_kind_of_workload(team: Team, plant: Planter, making: Making) -> None:
    value = plant.secret("app")["password"]
    names = {kind: kind.lower() for kind in OWNERS}
    with making():
        team.apply(*(workload(kind, name, VARIABLES) for kind, name in names.items()))
        # What the controllers of CronJobs and of Rollouts would do.
        team.apply(_job_of(team, "cronjob"), _replica_set_of(team, "rollout"))
        for kind, name in names.items():
            until(team, lambda name=name: team.pods(name), f"the pod of a {kind}")  # type: ignore[misc]
        secrets = {kind: secret_of(team.pods(name)[0]) for kind, name in names.items()}
        for kind, name in secrets.items():
            until(team, lambda name=name: team.get("Secret", name), f"the Secret of a {kind}")  # type: ignore[misc]
    assert len(set(secrets.values())) == len(OWNERS)
    assert {kind: {kind for kind, _ in team.owners(name)} for kind, name in secrets.items()} == {
        kind: {owner} for kind, owner in OWNERS.items()
    }
    for name in secrets.values():
        assert team.cluster.values(name) == {"PASSWORD": value, "URL": f"postgres://app:{value}@db/app"}
        labels = {"app.kubernetes.io/managed-by": "keyhole", "keyhole.dev/generated": "true"}
        assert labels.items() <= team.generated()[name]["metadata"]["labels"].items()


def test_whole_secrets_come_from_a_secret_of_their_own(team: Team, plant: Planter, making: Making) -> None:
    value = plant.secret("app")["password"]
    values = plant.secret("all", "USER", "HOST")
    pod = {"apiVersion": "v1", "kind": "Pod", **template("Pod", "web", {"PASSWORD": REFERENCE}, "secret/e2e/all")}
    pod["metadata"]["name"] = "web"
    with making():
        team.apply(pod)
        for name in (secret_of(pod), whole_secret_of(pod)):
            until(team, lambda name=name: team.get("Secret", name), "the Secret")  # type: ignore[misc]
    assert team.cluster.values(secret_of(pod)) == {"PASSWORD": value}
    assert team.cluster.values(whole_secret_of(pod)) == values
    assert team.owners(secret_of(pod)) == team.owners(whole_secret_of(pod)) == {("Pod", "web")}


def test_two_who_believe_that_they_lead_make_one_secret(team: Team, plant: Planter, bed: Testbed) -> None:
    plant.secret("app")
    stopping = threading.Event()
    duties = [_duty(bed, stopping) for _ in range(2)]
    threads = [threading.Thread(target=_turns, args=(duty, stopping)) for duty in duties]
    for thread in threads:
        thread.start()
    try:
        team.apply(*(workload("Deployment", f"web-{number}", VARIABLES) for number in range(5)))
        until(team, lambda: len(team.generated()) == 5, "five Secrets")
        until(team, lambda: all(len(team.owners(name)) == 1 for name in team.generated()), "their owners")
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
        for duty in duties:
            duty.close()
    made = [one["metadata"]["uid"] for one in team.generated().values()]
    assert len(made) == 5
    assert not team.events("VariablesMissing")


def test_a_secret_that_was_deleted_or_edited_is_put_right(team: Team, plant: Planter, making: Making) -> None:
    values = plant.secret("app", "password", "other")
    pod = workload("Pod", "web", VARIABLES)
    name = secret_of(pod)
    with making():
        team.apply(pod)
        until(team, lambda: team.get("Secret", name), "the Secret")
        # As the people of the team may do with their own rights.
        edited = {"data.keyhole.dev/PASSWORD": "vault:secret/e2e/app#other", "data.keyhole.dev/MORE": REFERENCE}
        team.change("Secret", name, {"metadata": {"annotations": edited}})
        assert team.cluster.values(name)["PASSWORD"] == values["other"]
        team.change("Pod", "web", {"metadata": {"annotations": {"example/touched": "1"}}})
        until(team, lambda: team.cluster.values(name)["PASSWORD"] == values["password"], "the value of before")
        assert set(team.cluster.values(name)) == set(VARIABLES)
        team.delete("Secret", name)
        team.change("Pod", "web", {"metadata": {"annotations": {"example/touched": "2"}}})
        until(team, lambda: team.get("Secret", name), "the Secret again")
    assert team.cluster.values(name)["PASSWORD"] == values["password"]


def test_after_a_restart_of_the_api_server_pods_are_watched_again(
    bed: Testbed, team: Team, plant: Planter, making: Making
) -> None:
    plant.secret("app")
    first, second = (workload("Pod", name, VARIABLES) for name in ("first", "second"))
    with making():
        team.apply(first)
        until(team, lambda: team.get("Secret", secret_of(first)), "the Secret")
        bed.kubernetes.restart()
        team.apply(second)
        until(team, lambda: team.get("Secret", secret_of(second)), "the Secret of a pod that came after it")


def test_namespaces_beyond_the_watches_are_listed(  # noqa: PLR0917 - pytest passes one for each fixture
    bed: Testbed, places: Places, team: Team, plant: Planter, making: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.variables.looking.LIST_EVERY_SECONDS", 0.5)
    plant.secret("app")
    pods = {team: workload("Pod", "web", VARIABLES), add_team(bed, places, "quiet"): workload("Pod", "web", VARIABLES)}
    with making(variables=VariablesSettings(most_watches=1)):
        for each, pod in pods.items():
            each.apply(pod)
        for each, pod in pods.items():
            until(each, lambda each=each, pod=pod: each.get("Secret", secret_of(pod)), "the Secret")  # type: ignore[misc]


def _duty(bed: Testbed, stopping: threading.Event) -> Variables:
    api = connect(controller_kubeconfig(bed))
    return Variables(
        VariablesSettings(),
        Namespaces(api),
        TenantClients(api),
        VariablesTelling(Telling()),
        VariablesMeters(Meters.alone()),
        lambda: True,
        stopping,
    )


def _turns(duty: Variables, stopping: threading.Event) -> None:
    while not stopping.wait(0.2):
        duty.turn()


def _job_of(team: Team, name: str) -> Manifest:
    cron_job = team.get("CronJob", name)
    assert cron_job is not None
    job = workload("Job", f"{name}-1", VARIABLES)
    job["spec"] = cron_job["spec"]["jobTemplate"]["spec"]
    job["metadata"]["ownerReferences"] = [_controller(cron_job, "batch/v1", "CronJob")]
    return job


def _replica_set_of(team: Team, name: str) -> Manifest:
    rollout = team.get("Rollout", name)
    assert rollout is not None
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": {"app": name}},
        "template": template("Rollout", name, VARIABLES),
    }
    metadata = {"name": f"{name}-1", "ownerReferences": [_controller(rollout, "argoproj.io/v1alpha1", "Rollout")]}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec}


def _controller(owner: Manifest, api_version: str, kind: str) -> Manifest:
    metadata = owner["metadata"]
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
    }
