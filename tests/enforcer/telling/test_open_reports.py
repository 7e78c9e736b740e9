"""The report as objects of the cluster: whose they are, how many there are, and how large they become."""

import json
from dataclasses import replace
from typing import Any

import pytest

from enforcer.report import Verdict
from enforcer.telling import open_reports
from enforcer.telling.open_reports import MOST_RESULTS, ReportObject
from review.findings.finding import ObjectName
from review.findings.rule import Severity
from tests.enforcer.telling import sample

# etcd's, for one object.
MOST_BYTES = 1536 * 1024


def objects(name: str) -> list[ReportObject]:
    results = open_reports.by_namespace(sample.REPORTS[name]())
    return [*open_reports.namespaced_objects(results, "1"), *open_reports.cluster_objects(results, "1")]


def results(found: list[ReportObject], namespace: str) -> list[Any]:
    return [result for each in found if each.namespace == namespace for result in each.content["results"]]


def test_each_namespace_has_its_findings_and_what_was_not_checked_and_nothing_that_is_held() -> None:
    found = objects("ordinary")
    report = sample.ordinary()
    told = [result for each in found for result in each.content["results"]]
    assert len(told) == len(report.findings) + report.unchecked
    assert {each.namespace for each in found} >= {"payments", "checkout", "identity", ""}
    (first, second) = results(found, "payments")
    assert (first["policy"], first["result"], first["severity"]) == ("records-proved", "fail", "high")
    reference = {"apiVersion": "v1", "kind": "Secret", "namespace": "payments", "name": "acquirer"}
    assert first["resources"] == [reference]
    assert first["properties"]["fingerprint"] == report.findings[0].fingerprint
    assert (second["policy"], second["result"], second["severity"]) == ("images", "warn", "medium")
    assert second["resources"][0]["apiVersion"] == "apps/v1"
    assert {each["timestamp"]["seconds"] for each in told} == {int(sample.ENDED.timestamp())}


def test_what_was_not_checked_is_skipped_and_never_passed() -> None:
    found = results(objects("ordinary"), "identity")
    skipped = [each for each in found if each["result"] == "skip"]
    assert len(skipped) == 3
    assert skipped[0]["message"] == "not checked: Vault did not answer in time"
    assert skipped[0]["properties"] == {"object": "vault Path identity/secret/identity/0"}
    for each in objects("ordinary"):
        told = [result["result"] for result in each.content["results"]]
        assert each.content["summary"] == {
            "pass": 0, "fail": told.count("fail"), "warn": told.count("warn"), "error": 0, "skip": told.count("skip")
        }  # fmt: skip


def test_what_is_in_no_namespace_is_about_the_cluster_and_there_always_is_one() -> None:
    assert {each["policy"] for each in results(objects("ordinary"), "")} == {
        "least-privilege", "review", "api-audit-quiet", "exceptions",
    }  # fmt: skip
    (only,) = objects("held")
    assert (only.namespace, only.content["results"]) == ("", [])


def test_those_of_a_namespace_that_is_not_there_are_told_with_the_cluster() -> None:
    found = open_reports.by_namespace(sample.ordinary())
    (plain,) = open_reports.cluster_objects(found, "1")
    (with_those,) = open_reports.cluster_objects(found, "1", {"payments"})
    assert len(with_those.content["results"]) == len(plain.content["results"]) + 2


def test_a_report_names_the_next_one() -> None:
    one = sample.standard("no-plaintext")
    found = [
        sample.finding(one, sample.secret("shop", f"a{number}"), "it is") for number in range(2 * MOST_RESULTS + 1)
    ]
    told = open_reports.by_namespace(sample.report(Verdict(one, Severity.ERROR, 0, found, ())))
    shards = list(open_reports.namespaced_objects(told, "1"))
    assert [each.name for each in shards] == ["keyhole-enforcer", "keyhole-enforcer-2", "keyhole-enforcer-3"]
    assert [len(each.content["results"]) for each in shards] == [MOST_RESULTS, MOST_RESULTS, 1]
    following = [each.content["metadata"].get("annotations", {}).get("keyhole.dev/next") for each in shards]
    assert following == ["keyhole-enforcer-2", "keyhole-enforcer-3", None]


@pytest.mark.parametrize("text", ["支" * 2000, "\U000e0100" * 2000, "x" * 2000])
def test_no_object_is_larger_than_the_api_server_takes(text: str) -> None:
    one = sample.standard("no-plaintext")
    found = [
        replace(sample.finding(one, sample.secret("shop", text), text, text), number=number) for number in range(120)
    ]
    told = open_reports.by_namespace(sample.report(Verdict(one, Severity.ERROR, 0, found, ())))
    shards = list(open_reports.namespaced_objects(told, "1"))
    assert sum(len(each.content["results"]) for each in shards) == 120
    assert max(len(json.dumps(each.content, ensure_ascii=False).encode()) for each in shards) < MOST_BYTES


@pytest.mark.parametrize("namespace", ["../../apis", "a/b", "", "A", "x" * 64, "a b", "shop\n", "-a"])
def test_no_name_becomes_a_part_of_an_address(namespace: str) -> None:
    one = sample.standard("no-plaintext")
    found = [sample.finding(one, ObjectName("", "Secret", namespace, "a"), "it is")]
    assert list(open_reports.by_namespace(sample.report(Verdict(one, Severity.ERROR, 0, found, ())))) == [""]


def test_hostile_names_are_text_that_a_reader_sees() -> None:
    told = json.dumps([each.content for each in objects("hostile")], ensure_ascii=False)
    assert r"\\u202egnp.exe" in told
    assert "\u202e" not in told
