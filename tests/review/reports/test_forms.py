"""The forms of a report: what stands in them, and the limits of who reads them."""

import json
import os
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from review.findings.finding import Finding, ObjectName, told_apart
from review.findings.report import Checked, Report
from review.findings.rule import Severity
from review.lint.catalogue import PLAINTEXT, RULES, TOKEN
from review.reports import github, gitlab, json_report, junit, sarif, text
from review.sources.text import NotChecked, Place

MANY = 6000
NASTY = 'a\x1b]0;x\x07\u202e"<&>\n::error::b,c%'
NAME = ObjectName("", "Secret", "shop", "app")


def finding(line: int = 3, **changes: Any) -> Finding:
    place = Place("deploy/app.yaml", line, 5, line, 12)
    return replace(Finding(PLAINTEXT, place, "data.a holds a value", NAME, "/data/a", Severity.WARNING), **changes)


def report(*findings: Finding, unchecked: int = 1) -> Report:
    checked = [Checked(NAME, Place("deploy/app.yaml")), Checked(replace(NAME, name="sound"), Place("deploy/b.yaml"))]
    places = [NotChecked(Place("t.yaml", 2, 1), "a template has to be rendered first")] * unchecked
    return Report(list(findings), places, checked, 2)


def many() -> Report:
    severities = list(Severity)
    found = [
        finding(line, severity=severities[line % 3], object=replace(NAME, name=f"a{line % 50}"))
        for line in range(1, MANY + 1)
    ]
    return report(*told_apart(found))


HOSTILE = report(
    finding(message=NASTY, object=replace(NAME, name=NASTY), pointer=f"/{NASTY}", place=Place(f"./{NASTY}.yaml", 1, 1))
)


def test_a_text_is_a_line_a_finding_and_a_last_one_that_sums_up() -> None:
    assert text.render(report(finding())) == (
        "deploy/app.yaml:3:5: warning KH301: data.a holds a value (Secret shop/app)\n"
        "t.yaml:2:1: not checked, a template has to be rendered first\n"
        "2 objects in 2 files: 1 warning; 1 place not checked\n"
    )
    assert text.render(HOSTILE).count("\n") == 3
    assert all(line.isprintable() for line in text.render(HOSTILE).splitlines())


def test_json_has_all_three_answers() -> None:
    content = json.loads(json_report.render(report(finding()), "1.2.3"))
    assert content["version"] == "keyhole.dev/report/v1"
    assert content["tool"] == {"name": "keyhole", "version": "1.2.3"}
    assert content["summary"] == {
        "files": 2, "objects": 2, "errors": 0, "warnings": 1, "notes": 0, "excused": 0, "unchecked": 1,
    }  # fmt: skip
    (told,) = content["findings"]
    assert told["fingerprint"] == finding().fingerprint
    assert (told["file"], told["line"], told["end_column"], told["pointer"]) == ("deploy/app.yaml", 3, 12, "/data/a")
    assert told["object"] == {"group": "", "kind": "Secret", "namespace": "shop", "name": "app"}
    assert content["unchecked"][0]["reason"] == "a template has to be rendered first"


class TestSarif:
    def run(self, of: Report) -> dict[str, Any]:
        (run,) = json.loads(sarif.render(of, RULES, "1.2.3"))["runs"]
        return dict(run)

    def test_every_result_has_a_location_a_rule_and_a_fingerprint(self) -> None:
        run = self.run(many())
        rules = run["tool"]["driver"]["rules"]
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            region = result["locations"][0]["physicalLocation"]["region"]
            assert region["startLine"] >= 1
            assert (region["endLine"], region["endColumn"]) >= (region["startLine"], region["startColumn"])
        assert len({result["partialFingerprints"]["keyhole/v1"] for result in run["results"]}) == sarif.MOST_RESULTS
        assert run["automationDetails"]["id"] == "keyhole-lint/"

    def test_of_too_many_the_worst_are_told_and_the_rest_is_counted(self) -> None:
        run = self.run(many())
        levels = [result["level"] for result in run["results"]]
        assert len(levels) == sarif.MOST_RESULTS
        assert levels == sorted(levels, key=["error", "warning", "note"].index)
        notes = run["invocations"][0]["toolExecutionNotifications"]
        assert notes[-1]["message"]["text"] == "1000 findings are left out: 5000 are told, the worst ones"

    def test_what_was_not_checked_is_a_notification(self) -> None:
        (note,) = self.run(report())["invocations"][0]["toolExecutionNotifications"]
        assert note["message"]["text"] == "not checked: a template has to be rendered first"
        assert note["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "t.yaml"

    def test_secrets_have_a_security_severity_and_other_rules_none(self) -> None:
        rules = {rule["id"]: rule["properties"] for rule in self.run(report())["tool"]["driver"]["rules"]}
        assert float(rules["KH303"]["security-severity"]) >= 7.0
        assert "security-severity" not in rules["KH101"]

    @pytest.mark.parametrize(
        ("file", "address"), [("a b/ü#.yaml", "a%20b/%C3%BC%23.yaml"), (os.fsdecode(b"\xff.yaml"), "%FF.yaml")]
    )
    def test_addresses_are_escaped(self, file: str, address: str) -> None:
        (result,) = self.run(report(finding(place=Place(file, 1, 1))))["results"]
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == address

    def test_other_places_are_told_beside(self) -> None:
        (result,) = self.run(report(finding(related=(Place("standard input", 7, 1, 7, 2),))))["results"]
        (related,) = result["relatedLocations"]
        assert related["physicalLocation"]["artifactLocation"]["uri"] == "standard%20input"
        assert related["physicalLocation"]["region"]["startLine"] == 7

    def test_no_name_becomes_a_link(self) -> None:
        (result,) = self.run(report(finding(message="data.[a](https://b) holds a value")))["results"]
        assert "](" not in result["message"]["text"]


class TestJunit:
    """Read by expat; it is written as text."""

    def cases(self, of: Report) -> list[Any]:
        root: Any = ET.fromstring(junit.render(of))
        (suite,) = root
        cases = list(suite)
        assert int(suite.get("tests")) == len(cases)
        assert int(suite.get("failures")) == sum(case.find("failure") is not None for case in cases)
        assert int(suite.get("skipped")) == sum(case.find("skipped") is not None for case in cases)
        return cases

    def test_a_case_an_object_with_all_that_was_found_in_it(self) -> None:
        failed, sound, skipped = self.cases(report(finding(), finding(4, rule=TOKEN)))
        assert failed.get("name") == "Secret shop/app (deploy/app.yaml:1)"
        assert failed.find("failure").get("type") == "KH301, KH303"
        assert failed.find("failure").text.count("\n") == 1
        assert len(sound) == 0
        assert skipped.find("skipped").get("message") == "a template has to be rendered first"

    def test_notes_fail_nothing(self) -> None:
        assert [len(case) for case in self.cases(report(finding(severity=Severity.NOTE), unchecked=0))] == [0, 0]

    def test_no_name_breaks_it(self) -> None:
        assert len(self.cases(HOSTILE)) == 4
        assert len(self.cases(many())) == 3 + 50


class TestGithub:
    def test_ten_of_a_severity_and_how_many_more_there_are(self) -> None:
        lines = github.render(many()).splitlines()
        for command in ("::error ", "::warning ", "::notice "):
            assert sum(line.startswith(command) for line in lines) == github.MOST_OF_A_SEVERITY
        assert lines.count("1990 more of severity error: GitHub shows ten of a step") == 1

    def test_a_command_has_its_place(self) -> None:
        first = github.render(report(finding())).splitlines()[0]
        assert first.startswith(
            "::warning file=deploy/app.yaml,line=3,endLine=3,col=5,title=KH301 plaintext-secret::data.a"
        )

    def test_no_text_becomes_a_command_of_its_own(self) -> None:
        lines = github.render(HOSTILE).split("\n")
        assert sum(line.startswith("::") for line in lines) == 1
        assert "%0A" in lines[0]

    @pytest.mark.parametrize("name", [" ::stop-commands::x", "::add-mask::e", "a##[add-mask]e", "a\n::debug::x"])
    def test_no_name_of_a_file_is_a_command_to_the_runner(self, name: str) -> None:
        unchecked = Report([], [NotChecked(Place(name), "it is gone")], [], 1, 0)
        for line in github.render(unchecked).split("\n"):
            # As the runner looks for both of its forms.
            assert not line.lstrip().startswith("::")
            assert "##[" not in line


class TestGitlab:
    def test_no_fingerprint_stands_twice_and_no_path_begins_with_a_dot(self) -> None:
        issues = json.loads(gitlab.render(many()))
        assert len({issue["fingerprint"] for issue in issues}) == MANY
        (issue,) = json.loads(gitlab.render(report(finding(place=Place("./a.yaml", 2, 1, 2, 3)))))
        assert issue["location"] == {"path": "a.yaml", "lines": {"begin": 2, "end": 2}}
        assert (issue["severity"], issue["check_name"]) == ("major", "plaintext-secret")


@pytest.mark.parametrize(
    "write", [lambda each: json_report.render(each, "1"), gitlab.render, lambda each: sarif.render(each, RULES, "1")]
)
def test_what_is_json_stays_json(write: Any) -> None:
    assert json.loads(write(HOSTILE))
    assert json.loads(write(replace(HOSTILE, findings=[]))) is not None
