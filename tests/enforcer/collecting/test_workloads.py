"""Which workload a pod is of, and what runs where."""

import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from enforcer.collecting.inventory import nothing_yet
from enforcer.collecting.run import Run
from enforcer.collecting.sources import Sources
from enforcer.collecting.workloads import collect
from enforcer.collecting.workloads.found import MOST_CONTAINERS, MOST_TOLD, Found
from enforcer.facts.base import NotKnown
from enforcer.facts.workloads import WorkloadFacts
from kube.checking.images import PODS, FoundContainer, FoundImages, images
from kube.checking.scans import REPORTS, FoundScan, scans
from kube.metadata_pages import MOST_BYTES, Oversized
from kube.objects import ObjectName, Owner
from kube.objects_of import ObjectsOf
from manifests.annotations import ENV_SECRET
from manifests.variables.marker import Marker, dump
from manifests.variables.templates import WORKLOADS
from resolver.deadline import Deadline
from tests.enforcer.times import NOW
from tests.kube.answers import Taken

A, B = (f"sha256:{letter * 64}" for letter in "ab")
IMAGE_ID = f"docker.io/library/app@{A}"
MARKER = dump(Marker("apps/Deployment/web", "web-keyhole-0123456789ab"))


def owner(kind: str, name: str) -> Owner:
    return Owner("apps/v1", kind, name, "uid", is_controller=True)


def one(name: str, of: Owner | None = None, *, image: str = "app:1", image_id: str = "", note: str = "") -> FoundImages:
    containers = (FoundContainer("c", image, image_id),)
    return FoundImages(ObjectName("shop", name), of, note, containers, is_running=bool(image_id))


def names(found: Found) -> list[str]:
    return [f"{each.kind} {each.namespace}/{each.name}" for each in found.workloads()]


def test_what_made_a_pod_stands_for_it() -> None:
    found = Found()
    found.workload("apps", "Deployment", one("web", note=MARKER))
    found.workload("batch", "CronJob", one("night"))
    found.workload("batch", "Job", one("night-1", owner("CronJob", "night")))
    found.workload("apps", "StatefulSet", one("db", owner("Database", "db")))
    for name, of in (
        ("web-7d9f-x", owner("ReplicaSet", "web-7d9f")),
        ("night-1-x", owner("Job", "night-1")),
        ("alone", None),
        ("roll-5c-x", owner("ReplicaSet", "roll-5c")),
        ("roll-6d-x", owner("ReplicaSet", "roll-6d")),
        ("other", owner("Cluster", "pg")),
    ):
        found.pod(one(name, of))
    assert names(found) == [
        "Cluster shop/pg",
        "CronJob shop/night",
        "Deployment shop/web",
        "Pod shop/alone",
        "ReplicaSet shop/roll",
        "StatefulSet shop/db",
    ]
    assert [each.secrets for each in found.workloads() if each.name == "web"] == [("web-keyhole-0123456789ab",)]


def test_what_a_pod_runs_beside_its_template_counts_with_the_workload() -> None:
    found = Found()
    found.workload("apps", "Deployment", one("web"))
    found.workload("batch", "CronJob", one("night"))
    found.workload("batch", "Job", one("forged", owner("CronJob", "night"), image="evil:job"))
    for name, of, image in (
        ("web-7d9f-x", owner("ReplicaSet", "web-7d9f"), "app:1"),
        ("mine", owner("Deployment", "web"), "evil:pod"),
        ("forged-x", owner("Job", "forged"), "evil:job"),
        ("mine-2", owner("Deployment", "web"), "evil:pod"),
    ):
        found.pod(one(name, of, image=image, image_id=IMAGE_ID))
    found.pod(one("old", owner("Deployment", "web"), image="ended:1"))
    assert {each.name: [added.image for added in each.added] for each in found.workloads()} == {
        "night": ["evil:job"],
        "web": ["evil:pod"],
    }


def test_what_pods_add_is_bounded_and_told() -> None:
    found = Found()
    found.workload("apps", "Deployment", one("web"))
    for number in range(MOST_CONTAINERS + 2):
        found.pod(one(f"p{number}", owner("Deployment", "web"), image=f"a:{number}", image_id=IMAGE_ID))
    assert len(next(found.workloads()).added) == MOST_CONTAINERS
    assert found.passed_over[0] == f"Pod shop/p{MOST_CONTAINERS}: containers that its template does not have"


def test_what_runs_is_counted_by_image_and_digest() -> None:
    found = Found()
    for number in range(3):
        found.pod(one(f"web-{number}", image_id=IMAGE_ID))
    found.pod(one("web-3", image_id=f"docker-pullable://app@{B}"))
    found.pod(one("web-4", image_id=f"docker://{A}"))
    found.pod(one("web-5"))
    assert [(each.image, each.digest, each.pods, each.pod) for each in found.running()] == [
        ("app:1", "", 1, "shop/web-4"),
        ("app:1", A, 3, "shop/web-0"),
        ("app:1", B, 1, "shop/web-3"),
    ]


def test_an_object_with_too_many_containers_is_told() -> None:
    found = Found()
    many = tuple(FoundContainer(str(number), "app") for number in range(MOST_CONTAINERS + 5))
    found.workload("apps", "Deployment", FoundImages(ObjectName("shop", "web"), None, "", many))
    found.pass_over("Pod", "")
    assert len(next(found.workloads()).images) == MOST_CONTAINERS
    assert found.passed_over == (
        "Deployment shop/web: 5 of its containers",
        "Pod (no name): it is too large to be read",
    )


def test_very_many_of_them_are_counted() -> None:
    found = Found()
    for number in range(MOST_TOLD + 2):
        found.pass_over("Pod", str(number))
    assert len(found.passed_over) == MOST_TOLD + 1
    assert found.passed_over[-1] == "2 objects more"


class Server(client.ApiClient):
    """Answers each request with the next page."""

    def __init__(self, *pages: Any) -> None:
        super().__init__(client.Configuration(host="https://kube"))
        self.pages = iter(pages)
        self.limits: list[str] = []

    def call_api(self, method: str, url: str, *_args: Any, **_kwargs: Any) -> Any:
        assert method == "GET"
        self.limits.append(url.partition("limit=")[2].partition("&")[0])
        return Taken(next(self.pages))


def pod(name: str, *containers: dict[str, Any], **status: Any) -> dict[str, Any]:
    notes = {ENV_SECRET: MARKER, "x": "y"}
    metadata = {"name": name, "namespace": "shop", "resourceVersion": "7", "annotations": notes}
    return {"metadata": metadata, "spec": {"containers": containers}, "status": status}


def page(*items: Any, kind: str = "PodList") -> dict[str, Any]:
    return {"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "9"}, "items": items}


def test_only_names_of_images_are_taken_of_a_pod() -> None:
    container = {"name": "c", "image": "app:1", "env": [{"name": "P", "value": "canary"}], "command": ["canary"]}
    status = {"phase": "Running", "containerStatuses": [{"name": "c", "imageID": IMAGE_ID, "message": "canary"}]}
    server = Server(page(pod("web", container, **status), pod("broken", {"name": 3, "image": ["canary"]})))
    found = list(images(ObjectsOf(server, PODS), "", ENV_SECRET, 1.0, lambda ask: ask()))
    assert found[0] == FoundImages(
        ObjectName("shop", "web"), None, MARKER, (FoundContainer("c", "app:1", IMAGE_ID),), is_running=True
    )
    assert isinstance(found[1], FoundImages)
    assert found[1].containers == (FoundContainer("", ""),)
    assert "canary" not in repr(found)


def test_an_object_that_is_too_large_is_passed_over() -> None:
    huge = pod("huge", {"name": "c", "image": "a", "env": [{"name": "x", "value": "x" * MOST_BYTES}]})
    server = Server(*[page(huge)] * 20)
    tracemalloc.start()
    found = list(images(ObjectsOf(server, PODS), "", ENV_SECRET, 1.0, lambda ask: ask()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [Oversized("huge")]
    assert server.limits[-1] == "1"
    assert peak < 12 * MOST_BYTES


def test_of_a_scan_report_only_its_labels_and_times_are_read() -> None:
    labels = {"resource.kind": "ReplicaSet", "resource.name": "web-7d", "container.name": "c"}
    metadata = {
        "namespace": "shop",
        "labels": {f"trivy-operator.{name}": text for name, text in labels.items()},
        "creationTimestamp": "2026-05-01T00:00:00Z",
        "managedFields": [{"manager": "trivy-operator", "time": "2026-06-01T00:00:00Z"}],
    }
    server = Server(page({"metadata": metadata}, {"metadata": {}}, kind="PartialObjectMetadataList"))
    found = list(scans(ObjectsOf(server, REPORTS), 1.0, lambda ask: ask()))
    assert isinstance(found[0], FoundScan)
    assert isinstance(found[1], FoundScan)
    assert (found[0].kind, found[0].name, found[0].container) == ("ReplicaSet", "web-7d", "c")
    assert str(found[0].written) == "2026-06-01 00:00:00+00:00"
    assert (found[1].name, found[1].written) == ("", None)


class Refusing(client.ApiClient):
    """Answers lists with nothing in them, but those of some resources with a status."""

    def __init__(self, **refused: int) -> None:
        super().__init__(client.Configuration(host="https://kube"))
        self.refused = refused
        self.asked: list[str] = []

    def call_api(self, method: str, url: str, *_args: Any, **_kwargs: Any) -> Any:
        assert method == "GET"
        plural = url.partition("?")[0].rpartition("/")[2]
        self.asked.append(plural)
        kinds = {kind.resource: f"{kind.kind}List" for kind in WORKLOADS}
        taken = Taken({"kind": kinds.get(plural, "PartialObjectMetadataList"), "metadata": {}, "items": []})
        return Refused(self.refused[plural]) if plural in self.refused else taken


class Refused:
    """What the package's `call_api` returns for an answer that is no success."""

    def __init__(self, status: int) -> None:
        self.headers: dict[str, str] = {}
        self.status = status

    def read(self) -> bytes:
        return b"canary"


def collected(api: Refusing, monkeypatch: pytest.MonkeyPatch, run: Run | None = None) -> WorkloadFacts:
    monkeypatch.setattr(collect, "connect", lambda _kubeconfig: api)
    facts = collect.collect(Sources(), run or Run(Deadline.after(60)), nothing_yet("0", NOW))
    assert isinstance(facts, WorkloadFacts)
    assert "canary" not in facts.model_dump_json()
    return facts


def test_without_trivy_there_are_no_reports_and_pods_come_last(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Refusing(vulnerabilityreports=404)
    facts = collected(api, monkeypatch)
    assert (facts.workloads, facts.running, facts.scans) == ((), (), None)
    assert api.asked == [
        "deployments",
        "statefulsets",
        "daemonsets",
        "cronjobs",
        "jobs",
        "pods",
        "vulnerabilityreports",
    ]


def test_a_right_that_is_missing_is_named_and_keeps_nothing_else_back(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = collected(Refusing(cronjobs=403, vulnerabilityreports=403), monkeypatch)
    assert isinstance(facts.workloads, NotKnown)
    assert "list cronjobs in all namespaces" in facts.workloads.not_known
    assert facts.running == ()
    assert isinstance(facts.scans, NotKnown)
    assert "vulnerabilityreports" in facts.scans.not_known
    of_pods = collected(Refusing(pods=401), monkeypatch)
    assert isinstance(of_pods.running, NotKnown)
    assert isinstance(of_pods.workloads, NotKnown)


def test_a_run_that_ends_leaves_the_rest_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(Deadline.after(60))
    run.tell = lambda text: run.stop("SIGTERM came") if "pods" in text else None
    facts = collected(Refusing(), monkeypatch, run)
    for part in (facts.workloads, facts.running, facts.scans):
        assert part == NotKnown(not_known="SIGTERM came")


def test_without_a_cluster_nothing_is_known(tmp_path: Path) -> None:
    run, so_far = Run(Deadline.after(60)), nothing_yet("0", NOW)
    assert isinstance(collect.collect(Sources(cluster=False), run, so_far), NotKnown)
    assert isinstance(collect.collect(Sources(kubeconfig=tmp_path / "none"), run, so_far), NotKnown)
