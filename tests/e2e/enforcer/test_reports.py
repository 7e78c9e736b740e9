"""The report as objects on a real API server: in either form, by the rights of the chart, and gone when they are stale.

The definitions of OpenReports are its own. PolicyReport is in no module that can be had, so its definition here is
written after the documentation of wgpolicyk8s.io/v1alpha2, as strict as that.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.commands.enforcing.sending import send
from cli.errors import NotDoneError
from kube.reporting.reports import OPEN_REPORTS, POLICY_REPORTS, ReportKinds
from testbed import Testbed
from testbed.gitops.definitions import define, wait_until_served
from testbed.keyhole.objects import apply
from testbed.keyhole.rights import ENFORCER_REPORTS, granted
from testbed.programs.module_folders import ModuleFolder
from testbed.servers.authorization import wait_until_allowed
from tests.enforcer.telling import sample

pytestmark = pytest.mark.servers

_DEFINITIONS = ModuleFolder("report-definitions", "github.com/openreports/reports-api", "config/crd")
_WRITER = "reports-writer"
_TEXT = {"type": "string"}
_REFERENCE = {
    "type": "object",
    "properties": dict.fromkeys(
        ("apiVersion", "kind", "namespace", "name", "uid", "resourceVersion", "fieldPath"), _TEXT
    ),
}
_RESULT = {
    "type": "object",
    "required": ["policy"],
    "properties": {
        **dict.fromkeys(("policy", "rule", "message", "category", "source"), _TEXT),
        "result": {"type": "string", "enum": ["pass", "fail", "warn", "error", "skip"]},
        "severity": {"type": "string", "enum": ["critical", "high", "low", "medium", "info"]},
        "scored": {"type": "boolean"},
        "properties": {"type": "object", "additionalProperties": _TEXT},
        "resources": {"type": "array", "items": _REFERENCE},
        "timestamp": {
            "type": "object",
            "required": ["nanos", "seconds"],
            "properties": {"nanos": {"type": "integer"}, "seconds": {"type": "integer"}},
        },
    },
}
_SUMMARY = {
    "type": "object",
    "properties": {name: {"type": "integer"} for name in ("pass", "fail", "warn", "error", "skip")},
}


def _policy_report(kind: str, scope: str) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    properties = {"summary": _SUMMARY, "results": {"type": "array", "items": _RESULT}, "scope": _REFERENCE}
    schema = {"openAPIV3Schema": {"type": "object", "properties": properties}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.wgpolicyk8s.io"},
        "spec": {
            "group": "wgpolicyk8s.io",
            "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [{"name": "v1alpha2", "served": True, "storage": True, "schema": schema}],
        },
    }


@pytest.fixture(scope="module")
def kubeconfig(bed: Testbed) -> Iterator[Path]:
    """Return a kubeconfig of somebody with the rights that the chart gives for reports, and no more."""
    namespaces = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("payments", "checkout")
    ]
    apply(bed, *namespaces, *granted(_WRITER, _WRITER, ENFORCER_REPORTS))
    wait_until_allowed(bed, _WRITER, "delete", "reports", group="openreports.io")
    yield bed.kubernetes.kubeconfig_for(_WRITER)
    bed.kubectl("delete", "namespace", "payments", "checkout", "--wait=false")


def reports(bed: Testbed, kinds: ReportKinds) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return all reports of a form, by namespace and name."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for kind in (kinds.namespaced, kinds.cluster):
        for each in bed.kubernetes.request("GET", kind.path("")).json()["items"]:
            found[each["metadata"].get("namespace", ""), each["metadata"]["name"]] = each
    return found


def test_they_are_written_in_the_form_that_the_cluster_knows_and_follow_the_next_night(
    bed: Testbed, kubeconfig: Path
) -> None:
    with pytest.raises(NotDoneError, match="knows neither openreports.io/v1alpha1 nor wgpolicyk8s.io/v1alpha2"):
        send(sample.ordinary(), kubeconfig)
    fallback = [_policy_report("PolicyReport", "Namespaced"), _policy_report("ClusterPolicyReport", "Cluster")]
    apply(bed, *fallback)
    wait_until_served(bed, fallback)
    try:
        _nights(bed, kubeconfig, POLICY_REPORTS)
        # Both are served now.
        define(bed, [_DEFINITIONS])
        _nights(bed, kubeconfig, OPEN_REPORTS)
        (about_the_cluster,) = (each for key, each in reports(bed, OPEN_REPORTS).items() if not key[0])
        assert about_the_cluster["source"] == "keyhole-enforcer"
    finally:
        names = [
            f"{kind.plural}.{kind.group}"
            for kinds in (POLICY_REPORTS, OPEN_REPORTS)
            for kind in (kinds.namespaced, kinds.cluster)
        ]
        bed.kubectl("delete", "crd", *names, "--ignore-not-found")


def _nights(bed: Testbed, kubeconfig: Path, kinds: ReportKinds) -> None:
    foreign = {"apiVersion": kinds.namespaced.api_version, "kind": kinds.namespaced.kind}
    apply(bed, {**foreign, "metadata": {"name": "somebody-elses", "namespace": "payments"}})
    send(sample.ordinary(), kubeconfig)
    written = reports(bed, kinds)
    # Namespaces that are not there are told with the cluster.
    assert set(written) == {
        ("payments", "somebody-elses"), ("payments", "keyhole-enforcer"), ("checkout", "keyhole-enforcer"),
        ("shop", "keyhole-enforcer"), ("", "keyhole-enforcer"),
    }  # fmt: skip
    found = sample.ordinary()
    assert sum(len(each.get("results", ())) for each in written.values()) == len(found.findings) + found.unchecked
    mine = written["payments", "keyhole-enforcer"]
    assert [result["policy"] for result in mine["results"]] == ["records-proved", "images"]
    assert mine["summary"] == {"pass": 0, "fail": 1, "warn": 1, "error": 0, "skip": 0}
    assert {each["manager"] for each in mine["metadata"]["managedFields"]} == {"keyhole-enforcer"}
    # Whatever has a name becomes text that the API server takes.
    send(sample.hostile(), kubeconfig)
    assert set(reports(bed, kinds)) == {("payments", "somebody-elses"), ("", "keyhole-enforcer")}
    send(sample.all_held(), kubeconfig)
    after = reports(bed, kinds)
    assert set(after) == {("payments", "somebody-elses"), ("", "keyhole-enforcer")}
    assert after["", "keyhole-enforcer"]["summary"]["fail"] == 0
