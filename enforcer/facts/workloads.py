"""The images of workloads and of running pods. Of an object no more is kept than these facts: no variable, no command.

Sources: OCI Image Format and Distribution (names, tags, digests); Kubernetes, `ContainerStatus.imageID`.
"""

from datetime import datetime

from enforcer.facts.base import Facts, NotKnown


class ContainerImage(Facts):
    """A container, an initial or an ephemeral one, and its image as the manifest writes it."""

    container: str
    image: str


class Workload(Facts):
    """A workload: one that makes pods, or a pod that nothing else made.

    `added` are containers that its running pods have and its template has not: of an older revision, put in by somebody
    later, or of a pod that only claims to be of it. `secrets` are the Secrets that Keyhole made for its variables, as
    the marker of its template names them.
    """

    group: str
    kind: str
    namespace: str
    name: str
    images: tuple[ContainerImage, ...]
    added: tuple[ContainerImage, ...] = ()
    secrets: tuple[str, ...] = ()


class RunningImage(Facts):
    """One image in one version, wherever it runs. `digest` is empty if the node does not say it.

    `namespaces` are those with such pods, and `pod` is one of them as NAMESPACE/NAME.
    """

    image: str
    digest: str
    pods: int
    namespaces: tuple[str, ...]
    pod: str


class ScanReport(Facts):
    """A VulnerabilityReport of trivy-operator: of which workload and container, and when it was written last."""

    namespace: str
    kind: str
    name: str
    container: str
    written: datetime | None


class WorkloadFacts(Facts):
    """What runs. `scans` is None where the cluster does not know VulnerabilityReports.

    `passed_over` are objects that were too large to be read, by their kind and name, and how many containers were left
    out of objects that have more than anybody needs.
    """

    workloads: tuple[Workload, ...] | NotKnown
    running: tuple[RunningImage, ...] | NotKnown
    scans: tuple[ScanReport, ...] | NotKnown | None
    passed_over: tuple[str, ...] = ()
