"""Git against what was filled, and images, as the Enforcer sees them with its own rights on the real API server."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from enforcer.collecting import git
from enforcer.collecting.cluster import collect as cluster_facts
from enforcer.collecting.inventory import nothing_yet
from enforcer.collecting.run import Run
from enforcer.collecting.sources import Sources
from enforcer.collecting.workloads import collect as workload_facts
from enforcer.facts.base import NotKnown
from enforcer.facts.inventory import Inventory
from enforcer.facts.workloads import WorkloadFacts
from enforcer.judging.answers import Answer, Held, NotChecked
from enforcer.judging.git_is_cluster import STANDARD as GIT_IS_CLUSTER
from enforcer.judging.images import STANDARD as IMAGES
from resolver.deadline import Deadline
from review.findings.finding import Finding
from testbed import Testbed
from testbed.gitops.definitions import wait_until_served
from testbed.keyhole.definitions import definition
from testbed.keyhole.objects import apply, delete
from tests.e2e.canary import Canary
from tests.e2e.cluster import Cluster
from tests.e2e.enforcer.installed import TENANTS
from tests.e2e.objects import Manifest, filled
from tests.e2e.planter import Planter
from tests.enforcer.times import NOW

NAMESPACE = TENANTS[0]
A, B = (f"sha256:{letter * 64}" for letter in "ab")
REFERENCE = "vault:secret/shop/app#password"
ENV = {"name": "PLAIN", "value": "canary-of-a-variable"}


def template(image: str, **more: Any) -> Manifest:
    container = {"name": "main", "image": image, **more}
    return {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container], "restartPolicy": "Always"}}


def deployment(name: str, image: str, **more: Any) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template(image, **more)},
    }


def placed(manifest: Manifest) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": NAMESPACE}}


def run() -> Run:
    return Run(Deadline.after(60))


def looked_at(sources: Sources) -> Inventory:
    found = nothing_yet("test", NOW)
    for name, collector in {"cluster": cluster_facts, "git": git, "workloads": workload_facts}.items():
        found = found.model_copy(update={name: collector.collect(sources, run(), found)})
    return found


def told(answers: list[Answer], namespace: str = NAMESPACE) -> list[str]:
    kinds = {Held: "held", Finding: "found", NotChecked: "not checked"}
    return [f"{kinds[type(one)]} {one.object}" for one in answers if one.object.namespace in {namespace, ""}]


def commit(folder: Path, *manifests: Manifest) -> None:
    folder.mkdir(exist_ok=True)
    for manifest in manifests:
        (folder / f"{manifest['metadata']['name']}.json").write_text(json.dumps(placed(manifest)))


@pytest.fixture
def workloads(bed: Testbed, cluster: Cluster) -> Iterator[Cluster]:
    yield cluster
    cluster.kubectl("delete", "deployments,cronjobs,jobs,pods", "--all", "--wait=false", "--grace-period=0")


def test_what_was_filled_is_what_git_has_or_it_is_found(
    workloads: Cluster, plant: Planter, canary: Canary, sources: Sources, tmp_path: Path
) -> None:
    plant.secret("app")
    app, extra = filled("app", password=REFERENCE), filled("extra", password=REFERENCE)
    web = deployment("web", f"app@{A}", env=[{"name": "PASSWORD", "value": REFERENCE}])
    workloads.apply(app, extra, web)
    manifests = tmp_path / "manifests"
    commit(manifests, app, extra, web)
    looking = replace(sources, manifests=(manifests,))
    found = looked_at(looking)
    assert canary.find(found.model_dump_json().encode()) == []
    answers = list(GIT_IS_CLUSTER.judge(found, GIT_IS_CLUSTER.parameters()))
    assert told(answers) == [
        f"held Secret {NAMESPACE}/app",
        f"held Secret {NAMESPACE}/extra",
        f"held Deployment {NAMESPACE}/web",
    ]

    commit(
        manifests,
        filled("app", password="vault:secret/shop/app#user"),
        deployment("web", f"app@{A}", env=[{"name": "PASSWORD", "value": "vault:secret/shop/app#user"}]),
    )
    (manifests / "extra.json").unlink()
    found = found.model_copy(update={"git": git.collect(looking, run(), found)})
    answers = list(GIT_IS_CLUSTER.judge(found, GIT_IS_CLUSTER.parameters()))
    assert told(answers) == [
        f"found Secret {NAMESPACE}/app",
        f"found Secret {NAMESPACE}/extra",
        f"found Deployment {NAMESPACE}/web",
    ]
    first = next(one for one in answers if isinstance(one, Finding))
    assert first.message == f"/data/password is filled from {REFERENCE}, and Git has vault:secret/shop/app#user"
    assert first.place.file.endswith("app.json")


def run_pod(bed: Testbed, name: str, image_id: str, *, owner: str = "") -> None:
    """Make a pod, and say in its status what a kubelet would."""
    own = {"apiVersion": "batch/v1", "kind": "Job", "name": owner, "uid": "0", "controller": True}
    metadata = {"name": name, "namespace": NAMESPACE, **({"ownerReferences": [own]} if owner else {})}
    spec = {**template("app:1.2", env=[ENV])["spec"], "automountServiceAccountToken": False}
    apply(bed, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    status = {"name": "main", "image": "app:1.2", "imageID": image_id, "ready": True, "restartCount": 0}
    told_status = {"status": {"phase": "Running", "containerStatuses": [status]}}
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}/status"
    answer = bed.kubernetes.request("PATCH", path, told_status, content_type="application/merge-patch+json")
    answer.raise_for_status()


def test_images_without_a_digest_and_tags_that_moved_are_found_and_variables_go_nowhere(
    bed: Testbed, workloads: Cluster, sources: Sources
) -> None:
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": NAMESPACE}}
    apply(bed, account)
    job = {"template": {**template("app:1.2"), "spec": {**template("app:1.2")["spec"], "restartPolicy": "Never"}}}
    workloads.apply(
        deployment("web", f"app@{A}", env=[ENV]),
        {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "night"}}
        | {"spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": job}}},
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": job},
    )
    run_pod(bed, "one", f"docker.io/library/app@{A}", owner="once")
    run_pod(bed, "two", f"docker.io/library/app@{B}", owner="once")
    found = looked_at(sources)
    assert isinstance(found.workloads, WorkloadFacts)
    assert not isinstance(found.workloads.workloads, NotKnown)
    assert found.workloads.scans is None
    assert "canary-of-a-variable" not in found.model_dump_json()
    assert told(list(IMAGES.judge(found, IMAGES.parameters()))) == [
        f"found CronJob {NAMESPACE}/night",
        f"held Deployment {NAMESPACE}/web",
        f"found Job {NAMESPACE}/once",
        "found Tag docker.io/library/app:1.2",
    ]
    delete(bed, account)


def test_scan_reports_are_known_by_their_labels_and_times(
    bed: Testbed, tenants: tuple[str, ...], sources: Sources
) -> None:
    reports = definition("aquasecurity.github.io", "VulnerabilityReport", "vulnerabilityreports", versions=["v1alpha1"])
    labels = {"resource.kind": "ReplicaSet", "resource.name": "web-7d9f", "container.name": "main"}
    metadata = {
        "name": "replicaset-web-7d9f-main",
        "namespace": tenants[0],
        "labels": {f"trivy-operator.{name}": value for name, value in labels.items()},
    }
    apply(bed, reports)
    try:
        wait_until_served(bed, [reports])
        report = {"apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "VulnerabilityReport", "metadata": metadata}
        apply(bed, report)
        found = workload_facts.collect(sources, run(), nothing_yet("test", NOW))
    finally:
        delete(bed, reports)
    assert isinstance(found, WorkloadFacts)
    (scan,) = found.scans if isinstance(found.scans, tuple) else ()
    assert (scan.kind, scan.name, scan.container) == ("ReplicaSet", "web-7d9f", "main")
    assert scan.written is not None
