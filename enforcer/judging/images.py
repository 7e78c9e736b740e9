"""images: workloads name the content that they run, and what runs under one name is one content."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final, Literal

from pydantic import Field

from enforcer.facts.base import NotKnown
from enforcer.facts.inventory import Inventory
from enforcer.facts.workloads import RunningImage, ScanReport, Workload
from enforcer.judging.answers import Answer, Held, NotChecked, found, section_not_known
from enforcer.judging.standard import Parameters, Standard
from resolver.references.characters import named, visible
from review.findings.finding import Finding, ObjectName
from review.findings.rule import Rule, Severity
from review.sources.image import LATEST, Image, has_digest, parsed

RULE: Final = Rule(
    "images",
    "images",
    Severity.ERROR,
    "An image is named by a tag, or what runs under one tag is not everywhere the same.",
    "A tag can be moved to other content, which then reads the secrets of the workload, and Git shows no change.",
    "Name the image with its digest (NAME:TAG@sha256:…), and restart what runs an older one.",
)
_PODS: Final = ObjectName("", "Pod", "", "*")
_WORKLOADS: Final = ObjectName("", "Workload", "", "*")
_SHOWN: Final = 19
_MOST_TOLD: Final = 3


class Images(Parameters):
    """What the standards file may set."""

    demand: Literal["digest", "tag", "nothing"] = Field(
        default="digest",
        description="What the image of a container has to have: a digest, a tag other than latest (or a digest), or "
        "nothing in particular.",
    )
    exempt: tuple[str, ...] = Field(
        default=(),
        description="Images that need no digest, as complete names with * for any text, such as docker.io/library/*. "
        "That one tag is one content is demanded of them too.",
    )
    every_namespace: bool = Field(
        default=False, description="Whether namespaces count that do not use Keyhole. It has no secrets there."
    )
    scan_days: int = Field(
        default=7,
        ge=0,
        description="How old a scan report may be, where the cluster has VulnerabilityReports of trivy-operator. With "
        "0 nobody looks for them.",
    )


def judge(inventory: Inventory, parameters: Images) -> Iterator[Answer]:
    """Look at each workload, at each tag that runs, and at scan reports where there are some."""
    facts = inventory.workloads
    if isinstance(facts, NotKnown):
        yield section_not_known("workloads", facts)
        return
    tenants: set[str] | None = None
    if not parameters.every_namespace:
        if isinstance(inventory.cluster, NotKnown):
            yield section_not_known("cluster", inventory.cluster)
            return
        tenants = {one.name for one in inventory.cluster.namespaces if one.enabled}
    if isinstance(facts.workloads, NotKnown):
        yield NotChecked(_WORKLOADS, facts.workloads.not_known)
    else:
        looked_at = [one for one in facts.workloads if tenants is None or one.namespace in tenants]
        for workload in looked_at:
            findings: Sequence[Answer] = list(_of_workload(workload, parameters))
            yield from findings or [Held(_name(workload))]
        if parameters.scan_days and facts.scans is not None:
            yield from _scanned(looked_at, facts.scans, inventory.started - timedelta(days=parameters.scan_days))
    for reason in facts.passed_over:
        yield NotChecked(_WORKLOADS, visible(reason))
    if isinstance(facts.running, NotKnown):
        yield NotChecked(_PODS, facts.running.not_known)
    else:
        yield from _moved(facts.running, tenants)


_DEMAND: Final = "Workloads name the content of their images, and what runs under one tag is one content."
STANDARD: Final = Standard(RULE, Images, judge, _DEMAND)


def _of_workload(workload: Workload, parameters: Images) -> Iterator[Finding]:
    if parameters.demand == "nothing":
        return
    for one in dict.fromkeys((*workload.images, *workload.added)):
        image = parsed(one.image)
        if has_digest(one.image) or _is_exempt(image, parameters):
            continue
        who, what = f"container {named(one.container)}", named(one.image)
        if parameters.demand == "digest":
            yield found(RULE, _name(workload), f"{who}: the image {what} has no digest", pointer=one.container)
        elif image is None or not image.tag or image.tag == LATEST:
            message = f"{who}: the image {what} has neither a digest nor a tag other than {LATEST}"
            yield found(RULE, _name(workload), message, pointer=one.container)


def _moved(running: Sequence[RunningImage], tenants: set[str] | None) -> Iterator[Answer]:
    """Yield for each tag that runs whether it is one content. What is named by its digest always is."""
    by_tag: dict[str, list[RunningImage]] = {}
    for one in running:
        image = parsed(one.image)
        is_ours = tenants is None or not tenants.isdisjoint(one.namespaces)
        if image is not None and not image.digest and is_ours:
            by_tag.setdefault(image.tagged, []).append(one)
    for tag, versions in sorted(by_tag.items()):
        about = ObjectName("image", "Tag", "", visible(tag))
        digests = sorted({one.digest for one in versions} - {""})
        if len(digests) > 1:
            examples = {one.digest: one for one in sorted(versions, key=lambda each: each.pod, reverse=True)}
            told = [f"{digest[:_SHOWN]}… in {examples[digest].pod}" for digest in digests[:_MOST_TOLD]]
            more = f" and {len(digests) - _MOST_TOLD} more" if len(digests) > _MOST_TOLD else ""
            message = f"the tag was moved: pods run {len(digests)} contents under it ({', '.join(told)}{more})"
            yield found(RULE, about, message, pointer="moved")
        elif any(not one.digest for one in versions):
            pod = next(one.pod for one in versions if not one.digest)
            yield NotChecked(about, f"the node of pod {pod} does not say which version it runs")
        else:
            yield Held(about)


def _scanned(
    workloads: Sequence[Workload], scans: Sequence[ScanReport] | NotKnown, oldest: datetime
) -> Iterator[Answer]:
    if isinstance(scans, NotKnown):
        yield NotChecked(ObjectName("aquasecurity.github.io", "VulnerabilityReport", "", "*"), scans.not_known)
        return
    newest: dict[tuple[str, str, str, str], datetime | None] = {}
    nameless = {scan.namespace for scan in scans if not scan.name}
    for scan in scans:
        is_revision = scan.kind == "ReplicaSet"
        kind, name = ("Deployment", scan.name.rpartition("-")[0]) if is_revision else (scan.kind, scan.name)
        key = (scan.namespace, kind, name, scan.container)
        times = [time for time in (newest.get(key), scan.written) if time is not None]
        newest[key] = max(times, default=None)
    for workload in workloads:
        for container in dict.fromkeys(one.container for one in workload.images):
            about, pointer = _name(workload), f"scan of {container}"
            key = (workload.namespace, workload.kind, workload.name, container)
            who = f"container {named(container)}"
            if key not in newest and workload.namespace in nameless:
                yield NotChecked(about, f"{who}: a scan report of its namespace does not say of what it is")
            elif key not in newest:
                yield found(RULE, about, f"{who}: there is no scan report of its image", pointer=pointer)
            elif (written := newest[key]) is None:
                yield NotChecked(about, f"{who}: its scan report does not say when it was written")
            elif written < oldest:
                message = f"{who}: the scan report of its image is of {written.date()}"
                yield found(RULE, about, message, pointer=pointer)


def _is_exempt(image: Image | None, parameters: Images) -> bool:
    return image is not None and any(fnmatchcase(image.name, pattern) for pattern in parameters.exempt)


def _name(workload: Workload) -> ObjectName:
    return ObjectName(workload.group, workload.kind, workload.namespace, workload.name)
