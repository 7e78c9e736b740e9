"""What goes on while no webhook answers, and once Keyhole is uninstalled: everything that was there before."""

import contextlib
from collections.abc import Iterator, Mapping

import pytest

from certs.issue import issue_ca
from manifests.registration.variables_policies import variables_policy
from manifests.registration.webhook_configuration import webhook_configuration
from testbed import Testbed
from testbed.keyhole.objects import apply, delete
from testbed.servers.ports import free_port
from tests.e2e.objects import Manifest
from tests.e2e.places import Places
from tests.e2e.processes import eventually
from tests.e2e.variables.sending import narrowed
from tests.e2e.variables.team import Team, add_team, until
from tests.e2e.variables.test_sent import NOTES, container, deployment, post
from tests.e2e.variables.workloads import secret_of

NOT_ANSWERED = "failed calling webhook"


@pytest.fixture(scope="module")
def stopped(bed: Testbed, places: Places) -> Iterator[Team]:
    """Return a namespace whose workloads are not sent yet."""
    team = add_team(bed, places, "stopped")
    yield team
    team.clear()


@pytest.fixture
def filled(sent: Mapping[str, Team]) -> Manifest:
    """Return a Deployment as the webhook leaves it."""
    market, manifest = sent["market"], deployment("web", NOTES, replicas=1)
    answer = market.bed.kubernetes.request("POST", market.path("Deployment") + "?dryRun=All", manifest)
    template = {key: answer.json()["spec"]["template"][key] for key in ("metadata", "spec")}
    return {**manifest, "spec": {**manifest["spec"], "template": template}}


@contextlib.contextmanager
def nobody_answers(bed: Testbed, team: Team) -> Iterator[None]:
    """Have the namespace's workloads sent to where nobody listens, until the block ends."""
    url = f"https://127.0.0.1:{free_port()}/mutate"
    written = webhook_configuration(url, issue_ca().certificate_pem, name="stopped", variables=True)
    configuration = {**written, "webhooks": [narrowed(entry, [team.name]) for entry in written["webhooks"]]}
    apply(bed, configuration)
    try:
        eventually(lambda: NOT_ANSWERED in post(team, deployment("asked", NOTES)), "somebody is to be asked")
        yield
    finally:
        delete(bed, configuration)
        eventually(lambda: NOT_ANSWERED not in post(team, deployment("asked", NOTES)), "nobody is to be asked")


def test_workloads_that_were_filled_are_scaled_restarted_debugged_and_applied(
    bed: Testbed, stopped: Team, filled: Manifest
) -> None:
    stopped.cluster.apply(filled, server_side=True)
    until(stopped, lambda: stopped.pods("web"), "its pod")
    with nobody_answers(bed, stopped):
        stopped.cluster.apply(filled, server_side=True)
        debugger = {"spec": {"ephemeralContainers": [container("debugger")]}}
        (first,) = stopped.pods("web")
        stopped.change("Pod", first["metadata"]["name"], debugger, "/ephemeralcontainers")
        stopped.delete("Pod", first["metadata"]["name"])
        stopped.cluster.kubectl("scale", "deployment/web", "--replicas=2")
        stopped.cluster.kubectl("rollout", "restart", "deployment/web")
        old = first["metadata"]["labels"]["pod-template-hash"]
        until(stopped, lambda: old not in _revisions(stopped) and len(stopped.pods("web")) == 2, "new pods")
        assert {secret_of(pod) for pod in stopped.pods("web")} == {secret_of(filled["spec"]["template"])}
        told = post(stopped, deployment("other", {"env.keyhole.dev/A": "vault:secret/e2e/app#other"}))
        assert NOT_ANSWERED in told
    stopped.cluster.kubectl("scale", "deployment/web", "--replicas=3")
    until(stopped, lambda: len(stopped.pods("web")) == 3, "a pod without Keyhole")


def _revisions(team: Team) -> set[str]:
    """Return the revisions of the pods that are there."""
    return {pod["metadata"]["labels"]["pod-template-hash"] for pod in team.pods("web")}


def test_a_pod_that_was_made_without_keyhole_can_still_be_changed(bed: Testbed, stopped: Team) -> None:
    spec = {"containers": [container("app")]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "early", "annotations": NOTES}, "spec": spec}
    stopped.cluster.apply(pod)
    with guarded_by_policy(bed, stopped):
        assert "env.keyhole.dev/PASSWORD is not filled" in post(stopped, pod | {"metadata": _renamed(pod, "late")})
        stopped.cluster.kubectl("set", "image", "pod/early", "app=example/app:2")
        stopped.cluster.kubectl("annotate", "pod/early", "--overwrite", "env.keyhole.dev/PASSWORD=vault:secret/e2e/b#c")


@contextlib.contextmanager
def guarded_by_policy(bed: Testbed, team: Team) -> Iterator[None]:
    """Have the policy stand behind a namespace from which nothing is sent, until the block ends."""
    policy, binding = variables_policy(name="guarded")
    constraints = narrowed(policy["spec"]["matchConstraints"], [team.name])
    policies = [{**policy, "spec": {**policy["spec"], "matchConstraints": constraints}}, binding]
    apply(bed, *policies)
    try:
        eventually(lambda: "is not filled" in post(team, deployment("asked", NOTES)), "the policy is in effect")
        yield
    finally:
        delete(bed, *policies)
        eventually(lambda: "is not filled" not in post(team, deployment("asked", NOTES)), "the policy is gone")


def _renamed(manifest: Manifest, name: str) -> Manifest:
    return {**manifest["metadata"], "name": name}
