"""From Vault to new pods: the controller, the webhook, Vault and the API server together."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from controller.following.settings import FollowSettings
from controller.process import Controller
from controller.variables.settings import VariablesSettings
from manifests.kinds.config_map import CONFIG_MAP
from manifests.kinds.known import Kinds
from testbed import Testbed
from testbed.keyhole.connections import write_connections
from testbed.keyhole.installation import serving
from testbed.keyhole.registration import registered
from testbed.keyhole.tenants import add_tenant
from tests.e2e.canary import Canary
from tests.e2e.keys.in_process import controlling_here
from tests.e2e.objects import filled
from tests.e2e.places import Places
from tests.e2e.planter import Planter
from tests.e2e.processes import eventually
from tests.e2e.restarting.kubelet import Kubelet
from tests.e2e.restarting.workloads import Namespaced, workload

NAMESPACE = "restarting-loop"
SECRET = filled("one", password="vault:secret/e2e/restarted#password")
_SECONDS = 120.0
_FILLED = ("secrets", "configmaps")

KINDS = Kinds([CONFIG_MAP])
SETTINGS = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {
        "name": "settings",
        "namespace": NAMESPACE,
        "annotations": {"data.keyhole.dev/url": "db://((vault:secret/e2e/restarted#password))@db"},
    },
}

Following = Callable[..., AbstractContextManager[Controller]]


@pytest.fixture(scope="module")
def connections(bed: Testbed, places: Places, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the connections file of the webhook, which serves until these tests are over, and of the controller."""
    directory = tmp_path_factory.mktemp("webhook")
    places.watch(directory / "keyhole.log")
    connections = write_connections(bed, directory / "connections.yaml", followIntervalSeconds=1)
    kinds = directory / "kinds.json"
    kinds.write_text(json.dumps({"kinds": [{"kind": "ConfigMap"}]}))
    with (
        serving(bed, directory, connections, arguments=["--kinds", str(kinds), "--variables"]) as webhook,
        registered(bed, webhook, policy=True, variables=True, kinds=KINDS),
    ):
        yield connections


@pytest.fixture(scope="module")
def namespace(bed: Testbed) -> Namespaced:
    paths = ["secret/data/e2e/*", "secret/metadata/e2e/*"]
    add_tenant(bed, NAMESPACE, paths, restarts=True, variables=True, kinds=[CONFIG_MAP])
    return Namespaced(bed, NAMESPACE)


@pytest.fixture
def following(bed: Testbed, connections: Path, tmp_path: Path, places: Places) -> Following:
    """Return what runs a controller in this process, until the end of a block."""
    places.watch(tmp_path / "controller.log")
    return partial(controlling_here, bed, tmp_path, following=FollowSettings(connections))


class Stage:
    """The namespace, with somebody who changes values in Vault and somebody who makes pods ready."""

    def __init__(self, namespace: Namespaced, plant: Planter, *names: str) -> None:
        self.namespace = namespace
        self.kubelet = Kubelet(namespace)
        self._plant = plant
        self.change()
        metadata = {**SECRET["metadata"], "namespace": namespace.name}
        namespace.apply({**SECRET, "metadata": metadata})
        namespace.apply(*(workload("Deployment", name, namespace.name, ["one"]) for name in names))
        self.kubelet.settle()

    def change(self) -> None:
        """Write a new value."""
        self.fields = self._plant.secret("restarted")

    def change_another_field(self) -> None:
        """Write a new version in which the password is the same."""
        self._plant.write("restarted", {**self.fields, "another": self._plant.value()})

    def annotation(self, name: str) -> str | None:
        annotations = self.namespace.get("Secret", "one")["metadata"]["annotations"]
        found: str | None = annotations.get(f"keyhole.dev/{name}")
        return found

    def versions(self) -> list[int]:
        """Return which version of the path the Secret has, as its record says."""
        found: list[int] = json.loads(self.annotation("record") or "")["fields"]["/data/password"]["versions"]
        return found

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Go on making pods ready until the condition holds."""

        def holds() -> bool:
            self.kubelet.look()
            return condition()

        eventually(holds, what, _SECONDS)

    def rollouts(self, *names: str) -> list[int]:
        return [self.namespace.rollouts_of("Deployment", name) for name in names]

    def are_noted(self, *names: str) -> bool:
        return all(self.namespace.rolled("Deployment", name)[0] for name in names)

    def clear(self) -> None:
        for path in ("apis/apps/v1/namespaces/{}/deployments", *(f"api/v1/namespaces/{{}}/{one}" for one in _FILLED)):
            answer = self.namespace.bed.kubernetes.request("DELETE", f"/{path.format(self.namespace.name)}")
            assert answer.ok, answer.text


@pytest.fixture
def stage_of(bed: Testbed, namespace: Namespaced, connections: Path, canary: Canary) -> Iterator[Callable[..., Stage]]:
    assert connections
    made: list[Stage] = []

    def make(*names: str) -> Stage:
        made.append(Stage(namespace, Planter(bed, canary), *names))
        return made[-1]

    yield make
    made[0].clear()


def test_a_new_value_is_new_pods_once_and_another_field_is_none(
    stage_of: Callable[..., Stage], following: Following
) -> None:
    stage = stage_of("app")
    with following():
        stage.wait(lambda: stage.are_noted("app"), "the workload is noted")
        (version,) = stage.versions()
        stage.change_another_field()
        stage.wait(lambda: stage.versions() == [version + 1], "the new version is in the record")
        stage.change()
        stage.wait(lambda: stage.rollouts("app") == [2], "new pods")
    assert stage.versions() == [version + 2]
    # A leader that knows nothing of it goes on from there.
    with following():
        stage.change()
        stage.wait(lambda: stage.rollouts("app") == [3], "new pods")
    stage.kubelet.settle()
    assert stage.rollouts("app") == [3]


def test_what_is_held_is_told_on_the_secret_until_it_is_over(
    stage_of: Callable[..., Stage], following: Following
) -> None:
    stage = stage_of("first", "second")
    with following():
        stage.wait(lambda: stage.are_noted("first", "second"), "the workloads are noted")
        stage.kubelet.broken = {"first"}
        stage.change()
        stage.wait(lambda: "restart-held" in (stage.annotation("problem") or ""), "the problem")
        assert stage.rollouts("first", "second") == [2, 1]
        stage.kubelet.broken = set()
        stage.change()
        stage.wait(lambda: stage.rollouts("second") == [2], "new pods of the other one too")
        stage.wait(lambda: stage.annotation("problem") is None, "no problem any more")
    assert stage.rollouts("second") == [2]


def using(name: str, **variables: str) -> dict[str, Any]:
    """Return a Deployment with a variable from the ConfigMap, and with variables that come from references."""
    manifest = workload("Deployment", name, NAMESPACE, [])
    template = manifest["spec"]["template"]
    template["metadata"]["annotations"] = {f"env.keyhole.dev/{key}": text for key, text in variables.items()}
    url = {"name": "URL", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "url"}}}
    template["spec"]["containers"][0]["env"] = [url]
    return manifest


def generated(stage: Stage) -> list[dict[str, Any]]:
    """Return the generated Secrets that have their values."""
    found = stage.namespace.bed.kubernetes.request("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets").json()["items"]
    return [one for one in found if one["metadata"].get("labels", {}).get("keyhole.dev/generated") and one.get("data")]


def test_a_config_map_and_a_variable_restart_their_user_once_and_a_new_template_is_rolled_out_once(
    stage_of: Callable[..., Stage], following: Following
) -> None:
    stage = stage_of()
    token = "vault:secret/e2e/restarted#password"
    with following(kinds=KINDS, variables=VariablesSettings()):
        stage.namespace.apply(SETTINGS, using("web", TOKEN=token))
        stage.wait(lambda: len(generated(stage)) == 1, "the Secret behind the variable")
        stage.wait(lambda: marks(stage) == 2, "both are noted")
        assert stage.rollouts("web") == [1]
        stage.change()
        stage.wait(lambda: stage.rollouts("web") == [2], "new pods")
        stage.namespace.apply(using("web", TOKEN=token, OTHER=token))
        stage.wait(lambda: len(generated(stage)) == 2, "the Secret behind the new template")
        stage.wait(lambda: stage.rollouts("web") == [3] and marks(stage) == 2, "the new template is noted")
        stage.change()
        stage.wait(lambda: stage.rollouts("web") == [4], "new pods")
    stage.kubelet.settle()
    assert stage.rollouts("web") == [4]


def marks(stage: Stage) -> int:
    """Return of how many objects the Deployment says which state its pods have."""
    own, _ = stage.namespace.rolled("Deployment", "web")
    return own.count(":") if own else 0
