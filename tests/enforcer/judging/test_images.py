"""images: digests in workloads, tags that moved, and scan reports."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from enforcer.facts.base import NotKnown
from enforcer.facts.inventory import Inventory
from enforcer.facts.workloads import ContainerImage, RunningImage, ScanReport, Workload, WorkloadFacts
from enforcer.judging.answers import Held, NotChecked
from enforcer.judging.images import STANDARD
from review.findings.finding import Finding
from tests.enforcer.judging.clusters import WHEN, answers, inventory, told

A, B = (f"sha256:{letter * 64}" for letter in "ab")


def workload(*images: str, namespace: str = "shop") -> Workload:
    named = tuple(ContainerImage(container=f"c{number}", image=image) for number, image in enumerate(images))
    return Workload(group="apps", kind="Deployment", namespace=namespace, name="web", images=named)


def runs(image: str, digest: str, *namespaces: str, pod: str = "shop/web-1") -> RunningImage:
    return RunningImage(image=image, digest=digest, pods=1, namespaces=namespaces or ("shop",), pod=pod)


def scan(container: str, written: datetime | None, kind: str = "ReplicaSet", name: str = "web-7d9f") -> ScanReport:
    return ScanReport(namespace="shop", kind=kind, name=name, container=container, written=written)


def of(*workloads: Workload, running: Any = (), scans: Any = None, passed_over: tuple[str, ...] = ()) -> Inventory:
    facts = WorkloadFacts(workloads=workloads, running=running, scans=scans, passed_over=passed_over)
    return inventory().model_copy(update={"workloads": facts})


def test_each_container_needs_a_digest() -> None:
    assert told(STANDARD, of(workload(f"app:1@{A}", "app:1.2", f"app@{A}"))) == [
        "Deployment shop/web c1: container c1: the image app:1.2 has no digest"
    ]
    assert told(STANDARD, of(workload(f"app@{A}"))) == ["held Deployment shop/web"]


def test_what_pods_run_beside_their_template_needs_a_digest_too() -> None:
    debug = ContainerImage(container="debug", image="busybox:1")
    found = told(STANDARD, of(workload(f"app@{A}").model_copy(update={"added": (debug,)})))
    assert found == ["Deployment shop/web debug: container debug: the image busybox:1 has no digest"]


@pytest.mark.parametrize(("image", "is_found"), [("a:1.2", False), ("a", True), ("a:latest", True), ("A b", True)])
def test_a_tag_may_be_enough_but_not_the_one_that_always_moves(image: str, *, is_found: bool) -> None:
    found = [one for one in answers(STANDARD, of(workload(image)), demand="tag") if isinstance(one, Finding)]
    assert bool(found) is is_found


def test_images_may_be_exempt_by_their_complete_name() -> None:
    (one,) = told(STANDARD, of(workload("nginx:1", "ghcr.io/a/b:1")), exempt=("docker.io/library/*",))
    assert "ghcr.io/a/b:1" in one
    assert told(STANDARD, of(workload("nginx")), demand="nothing") == ["held Deployment shop/web"]
    moved = of(running=(runs("nginx", A), runs("nginx", B)))
    assert isinstance(answers(STANDARD, moved, exempt=("docker.io/library/*",))[0], Finding)


def test_namespaces_without_keyhole_count_if_that_is_asked_for() -> None:
    elsewhere = of(workload("app:1", namespace="other"), running=(runs("app:1", A, "other"), runs("app:1", B, "other")))
    assert told(STANDARD, elsewhere) == []
    assert len(answers(STANDARD, elsewhere, every_namespace=True)) == 2


def test_a_tag_with_several_digests_was_moved() -> None:
    other = runs("docker.io/library/app:1", B, pod="shop/web-2")
    moved, held = answers(STANDARD, of(running=(runs("app:1", A), other, runs("app", A), runs(f"x@{A}", A))))
    assert isinstance(moved, Finding)
    assert str(moved.object) == "Tag docker.io/library/app:1"
    told_of_both = "(sha256:aaaaaaaaaaaa… in shop/web-1, sha256:bbbbbbbbbbbb… in shop/web-2)"
    assert moved.message.endswith(f"2 contents under it {told_of_both}")
    assert isinstance(held, Held)
    assert str(held.object) == "Tag docker.io/library/app:latest"


def test_a_node_that_does_not_say_what_it_runs_is_told() -> None:
    (one,) = answers(STANDARD, of(running=(runs("app:1", A), runs("app:1", ""))))
    assert isinstance(one, NotChecked)
    assert "shop/web-1" in one.reason


def test_scan_reports_have_to_be_there_and_fresh_where_the_cluster_has_some() -> None:
    web, old = workload(f"a@{A}", f"b@{A}", f"c@{A}", f"d@{A}"), WHEN - timedelta(days=8)
    scans = (scan("c0", WHEN), scan("c1", old), scan("c1", old, name="web-old"), scan("c3", None))
    assert told(STANDARD, of(web, scans=scans))[1:] == [
        "Deployment shop/web scan of c1: container c1: the scan report of its image is of 2026-05-24",
        "Deployment shop/web scan of c2: container c2: there is no scan report of its image",
        "not checked Deployment shop/web: container c3: its scan report does not say when it was written",
    ]
    assert len(told(STANDARD, of(web, scans=scans), scan_days=0)) == 1
    assert len(told(STANDARD, of(web, scans=()))) == 5
    assert len(told(STANDARD, of(web))) == 1


def test_what_could_not_be_listed_is_not_checked() -> None:
    why = NotKnown(not_known="no right")
    facts = WorkloadFacts(workloads=why, running=why, scans=None, passed_over=("Pod huge: it is too large to be read",))
    of_all = inventory().model_copy(update={"workloads": facts})
    assert [type(one) for one in answers(STANDARD, of_all)] == [NotChecked] * 3
    without_namespaces = of(workload("app:1")).model_copy(update={"cluster": why})
    assert [type(one) for one in answers(STANDARD, without_namespaces)] == [NotChecked]
    without_scans = of(workload(f"a@{A}"), scans=why)
    assert told(STANDARD, without_scans)[1] == "not checked VulnerabilityReport *: no right"
