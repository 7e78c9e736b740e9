"""VulnerabilityReports of trivy-operator: of what they are, and when they were written. No finding of them is read.

Source: trivy-operator's documentation, *VulnerabilityReport*: labels `trivy-operator.resource.*` and
`trivy-operator.container.name`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kube.checking.managers import managers_of, moment
from kube.documents import Document, entries, part, text
from kube.metadata_pages import ACCEPT, METADATA, Oversized, pages
from kube.objects_of import ObjectsOf, Resource

REPORTS: Final = Resource("aquasecurity.github.io", "v1alpha1", "VulnerabilityReport", "vulnerabilityreports")
_LABEL: Final = "trivy-operator."


@dataclass(frozen=True, slots=True)
class FoundScan:
    """A report: the kind and the name of the object whose container was looked at, and when it was written last."""

    namespace: str
    kind: str
    name: str
    container: str
    written: datetime | None


def scans(
    objects: ObjectsOf, timeout_seconds: float, paced: Callable[[Callable[[], bytes]], bytes]
) -> Iterator[FoundScan | Oversized]:
    """Yield all reports of the cluster. Raises what `ObjectsOf` raises: `KubernetesError` (404) if it knows none."""

    def page(limit: int, position: str | None) -> Any:
        return objects.page("", limit, position, timeout_seconds, ACCEPT)

    def read(found: Document) -> Iterator[FoundScan]:
        return map(_scan, entries(found, METADATA.items))

    return pages(f"listing {REPORTS.plural}", page, METADATA, read, paced=paced)


def _scan(found: Document) -> FoundScan:
    metadata = part(found, "metadata")
    labels = part(metadata, "labels")
    times = [moment(text(metadata, "creationTimestamp"))]
    times += [manager.time for manager in managers_of(metadata) or ()]
    return FoundScan(
        text(metadata, "namespace"),
        text(labels, f"{_LABEL}resource.kind"),
        text(labels, f"{_LABEL}resource.name"),
        text(labels, f"{_LABEL}container.name"),
        max((time for time in times if time is not None), default=None),
    )
