"""Which kind of report an API server knows, and the reports of one writer in it: made, replaced, and taken away.

Sources: OpenReports (openreports.io/v1alpha1), and the Kubernetes Policy Working Group's PolicyReport
(wgpolicyk8s.io/v1alpha2) that it comes from. Both are alphas of the same form.
"""

from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from kubernetes import client

from kube.client import ask
from kube.documents import Document, entries
from kube.errors import Conflict, KubernetesError
from kube.metadata_pages import Oversized
from kube.objects import ObjectName
from kube.objects_of import ObjectsOf, Resource

WRITER_LABEL: Final = "app.kubernetes.io/managed-by"
"""The label whose value is the writer, by which a writer finds its own."""


@dataclass(frozen=True, slots=True)
class ReportKinds:
    """The kind of reports in namespaces, and the kind of those about the cluster. `has_source` tells who made it."""

    namespaced: Resource
    cluster: Resource
    has_source: bool


def _kinds(group: str, version: str, kind: str, plural: str, *, has_source: bool) -> ReportKinds:
    return ReportKinds(
        Resource(group, version, kind, plural),
        Resource(group, version, f"Cluster{kind}", f"cluster{plural}"),
        has_source,
    )


OPEN_REPORTS: Final = _kinds("openreports.io", "v1alpha1", "Report", "reports", has_source=True)
POLICY_REPORTS: Final = _kinds("wgpolicyk8s.io", "v1alpha2", "PolicyReport", "policyreports", has_source=False)


def known_kinds(api: client.ApiClient, timeout_seconds: float) -> ReportKinds | None:
    """Return the kinds that the API server serves, OpenReports first, or None.

    Raises `kube.errors.KubernetesUnavailable`, or `KubernetesError` when discovery is refused.
    """
    return next((kinds for kinds in (OPEN_REPORTS, POLICY_REPORTS) if _is_served(api, kinds, timeout_seconds)), None)


def _is_served(api: client.ApiClient, kinds: ReportKinds, timeout_seconds: float) -> bool:
    path = f"/apis/{kinds.namespaced.api_version}"
    request = api.param_serialize(
        "GET", path, header_params={"Accept": "application/json"}, auth_settings=["BearerToken"]
    )

    def answered() -> object:
        answer: Any = api.call_api(*request, _request_timeout=timeout_seconds)
        if answer.status != HTTPStatus.OK:
            answer.read()  # its connection is free again only then
            raise client.ApiException(status=answer.status)
        return answer.response

    try:
        found = ask(f"discovering {kinds.namespaced.api_version}", answered)
    except KubernetesError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return False
        raise
    names = {entry.get("name") for entry in entries(found, "resources")}
    return {kinds.namespaced.plural, kinds.cluster.plural} <= names


class Reports:
    """The reports of one writer, which is their field manager and the value of `WRITER_LABEL`.

    Every method raises `kube.errors.KubernetesUnavailable` or `KubernetesError`, and limits each request in seconds.
    """

    def __init__(self, api: client.ApiClient, kinds: ReportKinds, writer: str, timeout_seconds: float) -> None:
        self._namespaced = ObjectsOf(api, kinds.namespaced)
        self._cluster = ObjectsOf(api, kinds.cluster)
        self._writer = writer
        self._timeout_seconds = timeout_seconds

    def put(self, name: ObjectName, document: Document) -> None:
        """Make a report what the document says. The namespace "" stands for the cluster."""
        self._of(name).apply(name, document, self._writer, self._timeout_seconds)

    def remove_others(self, kept: Collection[ObjectName]) -> int:
        """Delete this writer's reports but those that are kept, and return how many went."""
        gone = 0
        for objects in (self._namespaced, self._cluster):
            # The list is read to its end first: a page must not change while it is read.
            found = list(objects.list_metadata("", f"{WRITER_LABEL}={self._writer}", self._timeout_seconds))
            for each in found:
                if isinstance(each, Oversized) or each.name in kept or each.is_going:
                    continue
                gone += self._removed(each.name, each.uid)
        return gone

    def _removed(self, name: ObjectName, uid: str) -> bool:
        try:
            self._of(name).remove(name, uid, self._timeout_seconds)
        except Conflict:
            return False
        except KubernetesError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    def _of(self, name: ObjectName) -> ObjectsOf:
        return self._namespaced if name.namespace else self._cluster
