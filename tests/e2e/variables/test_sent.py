"""Which workloads the API server sends, by its own counts, and what its conditions cost it."""

import itertools
import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.e2e.objects import Manifest
from tests.e2e.traffic import Traffic
from tests.e2e.variables.team import Team, until

MIB = 1024 * 1024
NOTES = {"env.keyhole.dev/PASSWORD": "vault:secret/e2e/app#password"}
WEBHOOK = "variables.keyhole.dev"


def deployment(name: str, notes: Mapping[str, str], *containers: Manifest, **spec: Any) -> Manifest:
    template = {
        "metadata": {"labels": {"app": name}, "annotations": dict(notes)},
        "spec": {"containers": list(containers or [container("app")])},
    }
    body = {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": body}


def container(name: str, *env: Mapping[str, str]) -> Manifest:
    return {"name": name, "image": "example/app:1", "env": list(env)}


def post(team: Team, manifest: Manifest) -> str:
    answer = team.bed.kubernetes.request("POST", team.path(manifest["kind"]) + "?dryRun=All", manifest)
    return "" if answer.ok else str(answer.json()["message"])


def test_nothing_that_changes_no_variable_is_sent(market: Team, traffic: Traffic) -> None:
    manifest = deployment("web", NOTES, replicas=1)
    market.cluster.apply(manifest, server_side=True)
    until(market, lambda: market.pods("web"), "the pod of the Deployment")
    assert traffic.questions("market", WEBHOOK) == 1
    market.cluster.apply(manifest, server_side=True)
    market.cluster.apply({**manifest, "metadata": {"name": "web", "labels": {"team": "shop"}}}, server_side=True)
    market.cluster.kubectl("scale", "deployment/web", "--replicas=2")
    market.cluster.kubectl("rollout", "restart", "deployment/web")
    until(market, lambda: len(market.all_of("ReplicaSet")) == 2, "the ReplicaSet of the restart")
    until(market, lambda: len(market.pods("web")) >= 2, "its pods")
    assert traffic.questions("market", WEBHOOK) == 1
    market.change("Deployment", "web", {"spec": {"template": {"metadata": {"annotations": {"example/a": "b"}}}}})
    assert traffic.questions("market", WEBHOOK) == 1
    market.change("Deployment", "web", {"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 7}}}})
    assert traffic.questions("market", WEBHOOK) == 2


def test_the_conditions_hold_their_budget(market: Team) -> None:
    """A template that costs more than the API server allows would be refused."""
    many = [
        container(f"c{number}", *({"name": f"V{each}", "value": "x" * 20} for each in range(10)))
        for number in range(500)
    ]
    assert not post(market, deployment("many", {}, *many))
    assert not post(market, deployment("filled", NOTES, *many))
    ten = {f"env.keyhole.dev/W{number}": f"vault:secret/e2e/app#w{number}" for number in range(10)}
    assert not post(market, deployment("most", ten, *(container(f"c{number}") for number in range(500))))
    large = container("app", {"name": "A", "value": "x" * (MIB - 10_000)})
    assert not post(market, deployment("large", {}, large))
    assert not post(market, deployment("large", NOTES, large))
    notes = {f"n{number}.example.org/{'x' * 40}": "y" for number in range(3_500)}
    assert not post(market, deployment("noted", {**notes, **NOTES}))


def test_more_variables_than_a_template_may_have_are_refused_and_the_webhook_lives_on(market: Team) -> None:
    entries = [{"name": f"V{number}", "value": "vault:secret/a#b"} for number in range(5_000)]
    told = post(market, deployment("many", {}, container("app", *entries)))
    assert "RecordTooLarge: Deployment market/many: the template: it has 5000 variables, and 1000 are the most" in told
    assert not post(market, deployment("fine", NOTES))


@pytest.mark.parametrize(
    ("notes", "entry"),
    [
        pytest.param(NOTES, {}, id="in annotations"),
        pytest.param({"keyhole.dev/env-from": "secret/e2e/app"}, {}, id="whole secrets"),
        pytest.param({}, {"name": "A", "value": "vault:secret/e2e/app#password"}, id="in place"),
    ],
)
def test_who_may_not_have_them_is_told_unless_it_may_be_something_elses(
    sent: Mapping[str, Team], notes: dict[str, str], entry: dict[str, str]
) -> None:
    closed, bypassed = sent["closed"], sent["bypassed"]
    manifest = deployment("web", notes, container("app", *([entry] if entry else [])))
    if entry:
        assert not post(closed, manifest), "in place, only namespaces that opted in to variables are looked at"
        return
    assert "VariablesNotEnabled: Deployment closed/web: the template: asks for variables" in post(closed, manifest)
    (note,) = notes
    told = post(bypassed, manifest)
    assert f"NotResolved: annotation {note} is not filled: Keyhole was not asked about this template" in told


def test_what_is_older_than_the_label_of_its_namespace_is_filled_when_it_is_restarted(sent: Mapping[str, Team]) -> None:
    closed = sent["closed"]
    closed.cluster.apply(deployment("old", {}, container("app", {"name": "A", "value": "vault:secret/e2e/app#a"})))
    closed.bed.kubectl("label", "namespace", "closed", "keyhole.dev/variables=true")
    restarts = itertools.count()

    def is_filled() -> bool:
        # The API server notices the label a moment later.
        note = {"example.org/restarted": str(next(restarts))}
        closed.change("Deployment", "old", {"spec": {"template": {"metadata": {"annotations": note}}}})
        found = closed.get("Deployment", "old")
        return found is not None and "keyhole.dev/env-secret" in found["spec"]["template"]["metadata"]["annotations"]

    until(closed, is_filled, "it is filled")
    closed.bed.kubectl("label", "namespace", "closed", "keyhole.dev/variables-")
    closed.clear()


def test_behind_the_webhook_an_old_marker_is_not_enough(sent: Mapping[str, Team]) -> None:
    filled = _as_admitted(sent["market"], deployment("web", NOTES))
    bypassed = sent["bypassed"]
    bypassed.cluster.kubectl("create", "-f", "-", text=json.dumps(filled))
    changed = {"env.keyhole.dev/PASSWORD": "vault:secret/e2e/app#other"}
    body = {"spec": {"template": {"metadata": {"annotations": changed}}}}
    path = bypassed.path("Deployment", "web")
    answer = bypassed.bed.kubernetes.request("PATCH", path, body, content_type="application/merge-patch+json")
    assert "annotation env.keyhole.dev/PASSWORD is not filled" in answer.text
    bypassed.clear()


def test_in_the_systems_namespaces_a_warning_says_that_nobody_reads_it(market: Team) -> None:
    manifest = deployment("web", NOTES)
    done = market.bed.kubectl(
        "apply", "--dry-run=server", "-n", "kube-public", "-f", "-", input_text=json.dumps(manifest), check=False
    )
    assert (
        "annotation env.keyhole.dev/PASSWORD is not read: Keyhole fills nothing in namespace kube-public" in done.stderr
    )


def _as_admitted(team: Team, manifest: Manifest) -> Manifest:
    answer = team.bed.kubernetes.request("POST", team.path("Deployment") + "?dryRun=All", manifest)
    assert answer.ok, answer.text
    template = answer.json()["spec"]["template"]
    return {**manifest, "spec": {**manifest["spec"], "template": template}}
