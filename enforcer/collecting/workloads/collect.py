"""The section of the workloads: each kind is listed once for the whole cluster, with the Enforcer's own rights."""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from http import HTTPStatus
from itertools import islice
from typing import Final, TypeVar

from enforcer.collecting.cluster.pace import CALL_SECONDS, GivenUp, Pace
from enforcer.collecting.refusals import refused
from enforcer.collecting.run import Run, Stopped
from enforcer.collecting.sources import Sources
from enforcer.collecting.workloads.found import Found
from enforcer.facts.base import NotKnown
from enforcer.facts.inventory import Inventory
from enforcer.facts.workloads import ScanReport, WorkloadFacts
from kube.checking.images import FoundImages, images
from kube.checking.scans import REPORTS, FoundScan, scans
from kube.client import connect
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.metadata_pages import Oversized
from kube.objects_of import ObjectsOf, Resource
from manifests.annotations import ENV_SECRET
from manifests.variables.templates import WORKLOADS, Workload

_T = TypeVar("_T")
_MOST_SCANS: Final = 100_000
# What makes others comes before them: Jobs are of CronJobs, and pods of any.
_ORDER: Final = sorted(WORKLOADS, key=lambda kind: (kind.is_bare, kind.is_fixed))


def collect(sources: Sources, run: Run, so_far: Inventory) -> WorkloadFacts | NotKnown:  # noqa: ARG001 - as all collectors
    """List workloads, pods and scan reports. What cannot be listed keeps nothing else back."""
    if not sources.cluster:
        return NotKnown(not_known="no cluster was asked")
    try:
        api = connect(sources.kubeconfig)
    except KubernetesUnavailable as error:
        return refused(error, "list workloads")
    pace, found = Pace(run), Found()
    why_workloads: NotKnown | None = None
    why_pods: NotKnown | None = None
    for kind in _ORDER:
        run.tell(f"images of {kind.resource}")
        listed = images(ObjectsOf(api, _resource(kind)), kind.pointer, ENV_SECRET, CALL_SECONDS, pace.ask)
        why = _all(listed, lambda one, kind=kind: _take(found, kind, one), f"list {kind.resource} in all namespaces")  # type: ignore[misc]
        why_workloads = why_workloads or why
        why_pods = why if kind.is_bare else why_pods
    return WorkloadFacts(
        workloads=why_workloads or tuple(found.workloads()),
        running=why_pods or tuple(found.running()),
        scans=_scans(ObjectsOf(api, REPORTS), run, pace),
        passed_over=found.passed_over,
    )


def _resource(kind: Workload) -> Resource:
    return Resource(kind.group, kind.versions[0], kind.kind, kind.resource)


def _take(found: Found, kind: Workload, one: FoundImages | Oversized) -> None:
    if isinstance(one, Oversized):
        found.pass_over(kind.kind, one.name)
    elif kind.is_bare:
        found.pod(one)
    else:
        found.workload(kind.group, kind.kind, one)


def _all(listed: Iterable[_T], take: Callable[[_T], None], right: str) -> NotKnown | None:
    """Take all of a list; return why it is not known if it cannot be had as a whole."""
    try:
        for one in listed:
            take(one)
    except (GivenUp, Stopped) as ended:
        return NotKnown(not_known=ended.reason)
    except (KubernetesError, KubernetesUnavailable) as error:
        return refused(error, right)
    return None


def _scans(objects: ObjectsOf, run: Run, pace: Pace) -> tuple[ScanReport, ...] | NotKnown | None:
    run.tell("scan reports")
    try:
        listed = list(islice(scans(objects, CALL_SECONDS, pace.ask), _MOST_SCANS + 1))
    except KubernetesError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return None
        return refused(error, "list vulnerabilityreports.aquasecurity.github.io in all namespaces")
    except KubernetesUnavailable as error:
        return refused(error, "list scan reports")
    except (GivenUp, Stopped) as ended:
        return NotKnown(not_known=ended.reason)
    if len(listed) > _MOST_SCANS:
        return NotKnown(not_known=f"there are more than {_MOST_SCANS:,} scan reports")
    found = [ScanReport(**asdict(one)) for one in listed if isinstance(one, FoundScan)]
    return tuple(sorted(found, key=lambda each: (each.namespace, each.kind, each.name, each.container)))
