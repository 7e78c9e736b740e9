"""Sends a report to the API server, as objects that other programs show: `-o openreports`."""

from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cli.errors import NotDoneError
from cli.version import VERSION
from kube.client import connected_before_fork
from kube.errors import KubernetesError, KubernetesUnavailable
from kube.objects import ObjectName
from kube.reporting.reports import OPEN_REPORTS, POLICY_REPORTS, ReportKinds, Reports, known_kinds

if TYPE_CHECKING:
    from enforcer.report import Report
    from enforcer.telling.open_reports import ReportObject

_REQUEST_SECONDS: Final = 10.0


def send(report: "Report", kubeconfig: Path | None) -> None:
    """Make the report's objects, and take those of earlier runs away. Raises `NotDoneError`.

    A namespace that is not there, as when Git alone has it, is told of with the cluster.
    """
    try:
        with connected_before_fork(kubeconfig) as api:
            kinds = known_kinds(api, _REQUEST_SECONDS)
            if kinds is None:
                known = " nor ".join(each.namespaced.api_version for each in (OPEN_REPORTS, POLICY_REPORTS))
                raise NotDoneError(f"-o openreports: the API server knows neither {known}; install their definitions")
            _send(report, Reports(api, kinds, _writer(), _REQUEST_SECONDS), kinds)
    except (KubernetesError, KubernetesUnavailable) as error:
        raise NotDoneError(f"-o openreports: {error}") from None


def _send(report: "Report", reports: Reports, kinds: ReportKinds) -> None:
    from enforcer.telling.open_reports import by_namespace, cluster_objects, namespaced_objects

    results, missing, kept = by_namespace(report), set(), set()
    for each in namespaced_objects(results, VERSION):
        if each.namespace in missing:
            continue
        name = ObjectName(each.namespace, each.name)
        try:
            reports.put(name, _document(each, kinds))
        except KubernetesError as error:
            # Gone, or going: nothing can be made in it.
            if error.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN}:
                raise
            missing.add(each.namespace)
        else:
            kept.add(name)
    for each in cluster_objects(results, VERSION, missing):
        name = ObjectName("", each.name)
        reports.put(name, _document(each, kinds))
        kept.add(name)
    reports.remove_others(kept)


def _document(each: "ReportObject", kinds: ReportKinds) -> dict[str, object]:
    kind = kinds.namespaced if each.namespace else kinds.cluster
    metadata = {**each.content["metadata"], "name": each.name}
    if each.namespace:
        metadata["namespace"] = each.namespace
    source = {"source": _writer()} if kinds.has_source else {}
    return {"apiVersion": kind.api_version, "kind": kind.kind, **source, **each.content, "metadata": metadata}


def _writer() -> str:
    from enforcer.telling.open_reports import WRITER

    return WRITER
