"""Keyhole is gone altogether: what still works, what is refused and how, and how it comes back."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from manifests.registration.webhook_configuration import OWN_NAMESPACE
from testbed import Testbed
from testbed.keyhole.objects import apply
from testbed.keyhole.replicas import Replicas, replicated
from testbed.load.objects import CONSTANT_BASE64
from tests.e2e.cluster import Cluster
from tests.e2e.objects import Manifest, filled, secret
from tests.e2e.places import Places
from tests.e2e.processes import eventually
from tests.e2e.uptime.conftest import NAMESPACES, Way

REFERENCE = "vault:secret/app#password"
# The API server waits longer and longer before it tries an APIService again, 30 s at most, and the controller of
# namespaces before it looks at one again, a minute at most.
BACK_SECONDS = 180.0
MADE_NAMESPACES = ("to-go", "made")


@pytest.fixture(scope="module")
def replicas(
    bed: Testbed, way: Way, connections: Path, places: Places, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replicas]:
    """Return two replicas, registered in a way and with the policy behind them, that made some objects and went."""
    directory = tmp_path_factory.mktemp("down") / "replicas"
    serve = way.serve(bed, connections)
    before = Cluster(bed, places, NAMESPACES[0])
    with (
        replicated(directory, serve, lag_seconds=0.1) as replicas,
        way.registered(bed, replicas.front, policy=True),
    ):
        for name in ("kept", "to-go"):
            eventually(lambda name=name: before.create(filled(name, password=REFERENCE)).ok, "it fills")  # type: ignore[misc]
        assert before.create(_with_finalizer("ending")).ok
        assert before.create(secret("plain", stringData={"a": "b"})).ok
        bed.kubectl("create", "namespace", "to-go")
        replicas.stop()
        yield replicas
        for name in ("kept", "to-go", "ending", "plain", "new", "applied", "after"):
            bed.kubectl("delete", "secret", name, "-n", NAMESPACES[0], "--ignore-not-found", "--wait=false")
        bed.kubectl("delete", "namespace", *MADE_NAMESPACES, "--ignore-not-found", "--wait=false")
    # Not before: while the APIService is registered and nobody answers for it, discovery is incomplete, and namespaces
    # are not deleted for good.
    for name in MADE_NAMESPACES:
        _wait_until_gone(bed, name)


def _with_finalizer(name: str) -> Manifest:
    manifest = filled(name, password=REFERENCE)
    manifest["metadata"]["finalizers"] = ["example.com/kept"]
    return manifest


@pytest.mark.usefixtures("replicas")
class TestDown:
    def test_objects_without_references_are_created_applied_and_changed(self, cluster: Cluster) -> None:
        assert cluster.create(secret("new", {"example.com/a": "b"}, stringData={"a": "b"})).status_code == 201
        for server_side in (False, True):
            cluster.apply(secret("applied", stringData={"a": f"{server_side}"}), server_side=server_side)
        assert cluster.replace(secret("plain", stringData={"a": "c"})).ok
        cluster.kubectl("label", "secret", "plain", "example.com/a=b")
        cluster.kubectl("create", "configmap", "settings", "--from-literal=a=vault:secret/app#password")
        cluster.kubectl("delete", "configmap", "settings")

    @pytest.mark.parametrize("namespace", ["kube-system", OWN_NAMESPACE])
    def test_the_cluster_and_keyhole_themselves_are_not_held_up(
        self, bed: Testbed, places: Places, namespace: str
    ) -> None:
        own = Cluster(bed, places, namespace)
        for manifest in (filled("referring", password=REFERENCE), secret("in-place", stringData={"a": REFERENCE})):
            assert own.create(manifest).status_code == 201
            assert own.replace({**manifest, "stringData": {"b": REFERENCE}}).ok
            own.delete(manifest["metadata"]["name"])

    @pytest.mark.parametrize(
        "manifest",
        [
            pytest.param(filled("refused", password=REFERENCE), id="in an annotation"),
            pytest.param(secret("refused", stringData={"a": REFERENCE}), id="in place"),
        ],
    )
    @pytest.mark.parametrize("dry_run", [False, True])
    def test_an_object_with_a_reference_is_refused_and_told_who_did_not_answer(
        self, cluster: Cluster, manifest: Manifest, dry_run: bool
    ) -> None:
        answer = cluster.create(manifest, dry_run=dry_run)
        # Neither 404 nor 422: clients take those for something else, see docs/admission.md.
        assert answer.status_code in {500, 503}
        assert "failed calling webhook" in answer.json()["message"]
        assert "keyhole.dev" in answer.json()["message"]
        assert not cluster.exists("refused")

    def test_one_that_has_its_value_keeps_it_and_can_be_read_and_deleted(self, cluster: Cluster) -> None:
        assert cluster.get("kept")["data"]["password"] == CONSTANT_BASE64
        assert not cluster.replace(filled("kept", password=f"{REFERENCE}#2")).ok
        assert cluster.get("kept")["data"]["password"] == CONSTANT_BASE64
        cluster.delete("to-go")
        assert not cluster.exists("to-go")

    def test_a_finalizer_comes_off_what_is_being_deleted(self, cluster: Cluster) -> None:
        cluster.kubectl("delete", "secret", "ending", "--wait=false")
        cluster.kubectl(
            "patch", "secret", "ending", "--type=json", '-p=[{"op":"remove","path":"/metadata/finalizers"}]'
        )
        assert not cluster.exists("ending")

    def test_namespaces_are_made_and_serve(self, bed: Testbed, places: Places) -> None:
        apply(bed, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "made"}})
        assert Cluster(bed, places, "made").create(secret("plain", stringData={"a": "b"})).status_code == 201


class TestBack:
    def test_it_comes_back_by_itself(self, bed: Testbed, way: Way, replicas: Replicas, cluster: Cluster) -> None:
        bed.kubectl("delete", "namespace", "to-go", "--wait=false")
        if not way.is_aggregated:
            _wait_until_gone(bed, "to-go")
        replicas.start()
        try:
            began = time.monotonic()
            eventually(lambda: cluster.create(filled("after", password=REFERENCE)).ok, "it fills again", BACK_SECONDS)
            print(f"\nit was back after {time.monotonic() - began:.1f} s")  # noqa: T201 - a measurement
            assert cluster.get("after")["data"]["password"] == CONSTANT_BASE64
            # With an APIService that is unavailable, not before it answers again: see the fixture.
            _wait_until_gone(bed, "to-go")
        finally:
            replicas.stop()  # as every other test here expects it


def _wait_until_gone(bed: Testbed, namespace: str) -> None:
    def is_gone() -> bool:
        answer: requests.Response = bed.kubernetes.request("GET", f"/api/v1/namespaces/{namespace}")
        return answer.status_code == 404

    eventually(is_gone, f"the namespace {namespace} is gone", BACK_SECONDS)
