"""What becomes of workloads on a real API server, whoever writes them and however, and what their pods get."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.e2e.objects import Manifest
from tests.e2e.traffic import Traffic
from tests.e2e.variables.team import Team, until
from tests.e2e.variables.test_sent import NOTES, WEBHOOK, container, deployment
from tests.e2e.variables.workloads import secret_of

NOTE = "app.env.keyhole.dev/TOKEN"
TOKEN = {"name": "TOKEN", "value": "vault:secret/e2e/app#token"}
OTHER = {"env.keyhole.dev/PASSWORD": "vault:secret/e2e/app#other"}


def stored(team: Team, name: str = "web", kind: str = "Deployment") -> Manifest:
    found = team.get(kind, name)
    assert found is not None
    return found


def template(manifest: Manifest) -> Any:
    return manifest["spec"]["template"]


def env(pod_template: Mapping[str, Any], index: int = 0) -> list[str]:
    """Return the names of a container's variables, with their values if they have some of their own."""
    entries = pod_template["spec"]["containers"][index].get("env", [])
    return [entry["name"] + (f"={entry['value']}" if "value" in entry else "") for entry in entries]


def test_every_client_ends_at_the_same_template_and_nothing_rolls(market: Team) -> None:
    manifest = deployment("web", NOTES, container("app", {"name": "URL", "value": "db://$(PASSWORD)@host"}))
    market.cluster.apply(manifest)
    first = stored(market)
    assert env(template(first)) == ["PASSWORD", "URL=db://$(PASSWORD)@host"]
    market.cluster.kubectl("replace", "-f", "-", text=json.dumps(manifest))
    market.cluster.apply(manifest)
    market.cluster.apply(manifest, server_side=True)
    assert stored(market)["spec"] == first["spec"]
    assert len(market.all_of("ReplicaSet")) <= 1
    market.cluster.kubectl("set", "env", "deployment/web", "LOG=debug")
    assert env(template(stored(market))) == ["PASSWORD", "URL=db://$(PASSWORD)@host", "LOG=debug"]
    market.cluster.kubectl("delete", "deployment/web")
    market.cluster.apply(manifest, server_side=True)
    assert template(stored(market)) == template(first)


@pytest.mark.parametrize("server_side", [False, True])
def test_in_place_it_goes_with_its_entry(market: Team, server_side: bool) -> None:
    plain = {"name": "A", "value": "a"}
    market.cluster.apply(deployment("web", {}, container("app", plain, TOKEN)), server_side=server_side)
    assert template(stored(market))["metadata"]["annotations"][NOTE] == TOKEN["value"]
    assert env(template(stored(market))) == ["TOKEN", "A=a"]
    market.cluster.apply(deployment("web", {}, container("app", plain, TOKEN)), server_side=server_side)
    assert stored(market)["metadata"]["generation"] == 1
    done = market.cluster.apply(deployment("web", {}, container("app", plain)), server_side=server_side)
    assert f"container app, variable TOKEN is gone, and so is annotation {NOTE}" in done.stderr
    assert env(template(stored(market))) == ["A=a"]
    assert not template(stored(market))["metadata"].get("annotations")
    assert template(stored(market))["metadata"]["labels"] == {"app": "web"}


def test_moved_from_its_entry_into_an_annotation_it_is_there_once_it_is_applied_twice(market: Team) -> None:
    market.cluster.apply(deployment("web", {}, container("app", TOKEN)), server_side=True)
    moved = deployment("web", {NOTE: TOKEN["value"]})
    market.cluster.apply(moved, server_side=True)
    market.cluster.apply(moved, server_side=True)
    assert env(template(stored(market))) == ["TOKEN"]


def test_a_rollback_brings_back_the_secret_of_before(market: Team) -> None:
    market.cluster.apply(deployment("web", NOTES))
    until(market, lambda: len(market.all_of("ReplicaSet")) == 1, "the first revision")
    first = template(stored(market))
    market.cluster.apply(deployment("web", OTHER))
    until(market, lambda: len(market.all_of("ReplicaSet")) == 2, "the second revision")
    assert secret_of(template(stored(market))) != secret_of(first)
    market.cluster.kubectl("rollout", "undo", "deployment/web")
    assert template(stored(market)) == first


def test_generated_names_and_two_workloads_of_one_name(market: Team) -> None:
    web = deployment("web", NOTES)
    stateful = {**web, "kind": "StatefulSet", "spec": {**web["spec"], "serviceName": "web"}}
    market.cluster.apply(web, stateful)
    names = {secret_of(template(stored(market, kind=kind))) for kind in ("Deployment", "StatefulSet")}
    assert len(names) == 2
    assert all(name.startswith("web-keyhole-") for name in names)
    spec = {**template(web), "spec": {**template(web)["spec"], "restartPolicy": "Never"}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "once-"}, "spec": {"template": spec}}
    market.cluster.kubectl("create", "-f", "-", text=json.dumps(job))
    (found,) = market.all_of("Job")
    assert secret_of(template(found)).startswith("keyhole-")
    market.change("Job", found["metadata"]["name"], {"spec": {"parallelism": 2}})


def test_what_a_controller_makes_is_left_alone_and_its_pods_are_filled(market: Team, traffic: Traffic) -> None:
    owner = json.loads(market.cluster.kubectl("get", "serviceaccount/default", "-o", "json").stdout)
    reference = {"apiVersion": "v1", "kind": "ServiceAccount", "name": "default", "uid": owner["metadata"]["uid"]}
    manifest = deployment("web", NOTES, replicas=2)
    manifest["metadata"]["ownerReferences"] = [{**reference, "controller": True}]
    market.cluster.apply(manifest)
    assert env(template(stored(market))) == []
    until(market, lambda: len(market.pods("web")) == 2, "its pods")
    pods = market.pods("web")
    assert [env(pod) for pod in pods] == [["PASSWORD"], ["PASSWORD"]]
    (name,) = {secret_of(pod) for pod in pods}
    assert name.startswith("keyhole-")
    assert traffic.questions("market", WEBHOOK) == 2


def test_a_value_of_its_own_is_refused_at_first_and_warned_about_later(market: Team) -> None:
    own = container("app", {"name": "PASSWORD", "value": "plain"})
    told = market.cluster.apply(deployment("web", NOTES, own), check=False).stderr
    assert "container app, variable PASSWORD: has a value of its own, and an annotation fills it" in told
    market.cluster.apply(deployment("web", {}, own))
    told = market.cluster.apply(deployment("web", NOTES, own)).stderr
    assert "Warning: container app, variable PASSWORD has a value of its own" in told
    assert env(template(stored(market))) == ["PASSWORD"]


def test_a_text_that_cannot_be_read_is_refused_with_container_variable_and_column(market: Team) -> None:
    notes = {"app.env.keyhole.dev/PASSWORD": "vault:secret/e2e/app", "nobody.env.keyhole.dev/A": TOKEN["value"]}
    told = market.cluster.apply(deployment("web", notes), check=False).stderr
    assert "MalformedReference: Deployment market/web: annotation app.env.keyhole.dev/PASSWORD: column 21: " in told
    assert "annotation nobody.env.keyhole.dev/A: the template has no container nobody" in told


def test_forged_markers_are_written_anew(market: Team, traffic: Traffic) -> None:
    """Nobody has another workload's Secret filled, or has a pod of a Deployment pass for one that was filled."""
    market.cluster.apply(deployment("web", NOTES))
    theirs = template(stored(market))["metadata"]["annotations"]["keyhole.dev/env-secret"]
    market.cluster.apply(deployment("mine", {**OTHER, "keyhole.dev/env-secret": theirs}))
    assert secret_of(template(stored(market, "mine"))).startswith("mine-keyhole-")
    assert traffic.questions("market", WEBHOOK) == 2
