"""The report as SARIF and as metrics, read by those who read such things."""

import json
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from enforcer.telling import metrics, sarif
from metrics.enforcer_catalogue import ALL_OF_THE_ENFORCER
from review.findings.rule import Severity
from tests.enforcer.telling import sample


def run(name: str) -> dict[str, Any]:
    (told,) = json.loads(sarif.render(sample.REPORTS[name](), "1.2.3"))["runs"]
    return dict(told)


class TestSarif:
    def test_it_has_findings_in_files_of_git_and_no_other(self) -> None:
        told = run("ordinary")
        (result,) = told["results"]
        location = result["locations"][0]["physicalLocation"]
        assert location["artifactLocation"]["uri"] == "clusters/production/search/secrets.yaml"
        assert location["region"]["startLine"] == 31
        assert (result["ruleId"], result["level"]) == ("git-is-cluster", "note")
        assert told["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "git-is-cluster"
        assert told["automationDetails"]["id"] == "keyhole-enforce/"

    def test_what_was_not_checked_and_what_is_elsewhere_are_notifications(self) -> None:
        notes = [each["message"]["text"] for each in run("ordinary")["invocations"][0]["toolExecutionNotifications"]]
        assert "not checked: values-current: the mount is KV v1, which keeps no versions (37 things)" in notes
        assert notes[-1] == "16 findings in no file of Git: see the other forms of this report"

    @pytest.mark.parametrize("name", sample.REPORTS)
    def test_every_result_has_a_location_and_a_rule(self, name: str) -> None:
        told = run(name)
        rules = told["tool"]["driver"]["rules"]
        for result in told["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            assert "](" not in result["message"]["text"]

    def test_a_run_that_has_not_ended_says_so(self) -> None:
        notes = run("not-begun")["invocations"][0]["toolExecutionNotifications"]
        assert notes[-1]["message"]["text"] == "the run has not ended"


class TestMetrics:
    def series(self, of: Any) -> dict[tuple[str, ...], float]:
        families = text_string_to_metric_families(metrics.render(of, "1"))
        return {
            (sample_of.name, *sample_of.labels.values()): sample_of.value
            for family in families
            for sample_of in family.samples
        }

    @pytest.mark.parametrize("name", sample.REPORTS)
    def test_prometheus_reads_what_is_declared_and_nothing_else(self, name: str) -> None:
        families = list(text_string_to_metric_families(metrics.render(sample.REPORTS[name](), "1")))
        declared = {each.name: each for each in ALL_OF_THE_ENFORCER}
        assert [family.name for family in families] == list(declared)
        for family in families:
            assert family.type == declared[family.name].kind.value
            assert family.documentation == declared[family.name].meaning
            assert all(list(each.labels) == list(declared[family.name].labels) for each in family.samples)

    def test_findings_are_counted_by_standard_and_severity_and_none_is_a_zero(self) -> None:
        told = self.series(sample.ordinary())
        assert told["keyhole_compliance_findings", "no-plaintext", "error"] == 4
        assert told["keyhole_compliance_findings", "images", "warning"] == 6
        assert told["keyhole_compliance_findings", "trail", "error"] == 0
        assert told["keyhole_compliance_unchecked", "values-current"] == 40
        assert told[("keyhole_compliance_exceptions_ending",)] == 2
        found = [number for key, number in told.items() if key[0] == "keyhole_compliance_findings"]
        assert sum(found) == len(sample.ordinary().findings)
        assert len(found) == 13 * len(Severity)

    def test_a_standard_that_is_off_has_no_series(self) -> None:
        assert not [key for key in self.series(sample.ordinary()) if "appliers" in key]

    def test_the_last_run_is_when_it_ended_and_never_before(self) -> None:
        key = ("keyhole_compliance_last_run_timestamp_seconds",)
        assert self.series(sample.ordinary())[key] == sample.ENDED.timestamp()
        assert self.series(replace(sample.ordinary(), ended=None))[key] == 0
