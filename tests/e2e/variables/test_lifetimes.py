"""A generated Secret lives as long as a revision that uses it, and what runs needs no Keyhole.

`make nightly` keeps five revisions of every kind (KEYHOLE_REVISIONS) and makes a workload anew 50 times
(KEYHOLE_TIMES_ANEW).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from testbed import Testbed
from testbed.keyhole.installation import controlling
from testbed.servers.ports import free_port
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.scraped import scrape
from tests.e2e.variables.conftest import Making
from tests.e2e.variables.team import Team, until
from tests.e2e.variables.workloads import secret_of, template, workload

# How many revisions of StatefulSets and DaemonSets are kept.
DEPTH = int(os.environ.get("KEYHOLE_REVISIONS") or 2)
TIMES_ANEW = int(os.environ.get("KEYHOLE_TIMES_ANEW") or 3)
_CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/keyhole"


def variables(number: int) -> dict[str, str]:
    return {"PASSWORD": f"vault:secret/e2e/app#password-{number}"}


@pytest.mark.parametrize(("kind", "depth"), [("Deployment", 5), ("StatefulSet", DEPTH), ("DaemonSet", DEPTH)])
def test_a_rollback_finds_its_secret_as_deep_as_revisions_are_kept(
    team: Team, plant: Planter, making: Making, kind: str, depth: int
) -> None:
    # One runs, as many as are kept come before it, and one more has gone.
    values = plant.secret("app", *(f"password-{number}" for number in range(depth + 2)))
    templates = [template(kind, "web", variables(number)) for number in range(depth + 2)]
    secrets = [secret_of(each) for each in templates]
    uids = []
    with making():
        team.apply(workload(kind, "web", variables(0), revisionHistoryLimit=depth))
        for number, pod in enumerate(templates):
            if number:
                team.change(kind, "web", {"spec": {"template": pod}})
            until(team, lambda name=secrets[number]: team.get("Secret", name), "the Secret")  # type: ignore[misc]
            uids.append(team.generated()[secrets[number]]["metadata"]["uid"])
            until(team, lambda number=number: _is_rolled_out(team, secrets[number]), "the rollout")  # type: ignore[misc]
        until(team, lambda: set(team.generated()) == set(secrets[1:]), "the first revision's Secret to go")
        team.change(kind, "web", {"spec": {"template": templates[1]}})
        until(team, lambda: _is_rolled_out(team, secrets[1]), "the rollback")
        assert team.generated()[secrets[1]]["metadata"]["uid"] == uids[1]
        assert team.cluster.values(secrets[1]) == {"PASSWORD": values["password-1"]}
        team.delete(kind, "web")
        until(team, lambda: not team.generated(), "all Secrets to go")


def test_revisions_that_share_a_secret_own_it_together(team: Team, plant: Planter, making: Making) -> None:
    plant.secret("app", "password-0")
    name = secret_of(template("Deployment", "web", variables(0)))
    with making():
        team.apply(workload("Deployment", "web", variables(0), revisionHistoryLimit=1))
        until(team, lambda: len(team.owners(name)) == 1, "the first owner")
        uid = team.generated()[name]["metadata"]["uid"]
        for number in (2, 3, 4):
            image = {"containers": [{**_container(team), "image": f"example/app:{number}"}]}
            team.change("Deployment", "web", {"spec": {"template": {"spec": image}}})
            until(team, lambda number=number: _runs_image(team, number), "the rollout")  # type: ignore[misc]
            until(team, lambda: {each for _, each in team.owners(name)} == _replica_sets(team), "the owners")
    assert len(team.owners(name)) == 2
    assert team.generated()[name]["metadata"]["uid"] == uid


def test_a_workload_that_is_deleted_and_made_anew_has_its_secret(team: Team, plant: Planter, making: Making) -> None:
    """The collector takes the Secret away while the new ReplicaSet's pods ask for the same one."""
    value = plant.secret("app", "password-0")["password-0"]
    manifest = workload("Deployment", "web", variables(0))
    name = secret_of(manifest["spec"]["template"])
    with making():
        for _ in range(TIMES_ANEW):
            team.apply(manifest)
            until(team, lambda: _is_owned_by_what_there_is(team, name), "the Secret")
            team.delete("Deployment", "web")
        team.apply(manifest)
        until(team, lambda: _is_owned_by_what_there_is(team, name), "the Secret")
    assert team.cluster.values(name) == {"PASSWORD": value}
    assert not team.events("VariablesMissing")
    assert not team.events("VariablesNotKept")


def test_what_is_there_runs_without_keyhole_and_what_came_meanwhile_is_found(  # noqa: PLR0917 - one for each fixture
    bed: Testbed, places: Places, team: Team, plant: Planter, making: Making, tmp_path: Path
) -> None:
    plant.secret("app", "password-0", "password-1")
    name = secret_of(template("Deployment", "web", variables(0)))
    with making():
        team.apply(workload("Deployment", "web", variables(0)), workload("CronJob", "backup", variables(0)))
        until(team, lambda: team.get("Secret", name), "the Secret")
    with uninstalled(bed):
        team.change("Deployment", "web", {"spec": {"replicas": 3}})
        until(team, lambda: len(team.pods("web")) == 3, "three pods")
        restarted = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}}}
        before = {one["metadata"]["uid"] for one in team.pods("web")}
        team.change("Deployment", "web", {"spec": {"template": restarted}})
        until(team, lambda: _are_others(team, before, 3), "three other pods")
    assert {secret_of(one) for one in team.pods("web")} == {name}
    assert team.get("Secret", name)
    new = template("Deployment", "web", variables(1))
    team.change("Deployment", "web", {"spec": {"template": new}})
    until(team, lambda: secret_of(new) in {secret_of(one) for one in team.pods("web")}, "a pod of the new template")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    places.watch(tmp_path / "process.log")
    with controlling(bed, tmp_path, name="process", health_port=port, arguments=("--variables",)):
        until(team, lambda: team.get("Secret", secret_of(new)), "its Secret")
        until(team, lambda: b'keyhole_variables_secrets_total{outcome="made"} 1.0' in scrape(url), "its count")


@contextmanager
def uninstalled(bed: Testbed) -> Iterator[None]:
    """Take the webhook's registration away until the block ends."""
    found = bed.kubernetes.request("GET", _CONFIGURATIONS).json()
    bed.kubernetes.request("DELETE", _CONFIGURATIONS).raise_for_status()
    try:
        yield
    finally:
        again = {**found, "metadata": {"name": found["metadata"]["name"], "labels": found["metadata"].get("labels")}}
        bed.kubernetes.request("POST", _CONFIGURATIONS.rpartition("/")[0], again).raise_for_status()


def _is_rolled_out(team: Team, secret: str) -> bool:
    pods = team.pods("web")
    return bool(pods) and all(secret_of(one) == secret for one in pods)


def _runs_image(team: Team, number: int) -> bool:
    pods = team.pods("web")
    images = {one["spec"]["containers"][0]["image"] for one in pods}
    return images == {f"example/app:{number}"}


def _are_others(team: Team, before: set[str], count: int) -> bool:
    now = {one["metadata"]["uid"] for one in team.pods("web")}
    return len(now) == count and not now & before


def _container(team: Team) -> dict[str, object]:
    found = team.get("Deployment", "web")
    assert found is not None
    container: dict[str, object] = found["spec"]["template"]["spec"]["containers"][0]
    return container


def _is_owned_by_what_there_is(team: Team, secret: str) -> bool:
    """Say whether the Secret is owned by the ReplicaSet of the Deployment that there is now, and by nothing else.

    A ReplicaSet that is made anew has the name of the one before it.
    """
    deployment, found = team.get("Deployment", "web"), team.get("Secret", secret)
    if deployment is None or found is None:
        return False
    own = {
        one["metadata"]["uid"]
        for one in team.all_of("ReplicaSet")
        if one["metadata"]["ownerReferences"][0]["uid"] == deployment["metadata"]["uid"]
    }
    return bool(own) and {each["uid"] for each in found["metadata"]["ownerReferences"]} == own


def _replica_sets(team: Team) -> set[str]:
    return {one["metadata"]["name"] for one in team.all_of("ReplicaSet")}
