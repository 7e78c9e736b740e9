"""Findings, their fingerprints, baselines and the summary."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.findings import baseline
from review.findings.finding import Finding, ObjectName, told_apart
from review.findings.report import Checked, Report, worst_first
from review.findings.rule import Rule, Severity
from review.sources.text import NotChecked, Place

RULE = Rule("KH301", "plaintext-secret", Severity.WARNING, "s", "w", "r")
OTHER = replace(RULE, id="KH303")
NAME = ObjectName("", "Secret", "shop", "app")


def finding(pointer: str = "/data/a", line: int = 1, **changes: Any) -> Finding:
    return replace(Finding(RULE, Place("f.yaml", line), "a message", NAME, pointer), **changes)


class TestFingerprints:
    def test_they_stay_when_lines_move_or_messages_change(self) -> None:
        assert finding().fingerprint == finding(line=9, message="other", severity=Severity.NOTE).fingerprint

    @pytest.mark.parametrize(
        "changes",
        [
            {"rule": OTHER},
            {"place": Place("g.yaml")},
            {"object": replace(NAME, name="b")},
            {"object": replace(NAME, namespace="", name="shop/app")},
            {"pointer": "/data/b"},
            {"number": 2},
        ],
    )
    def test_they_tell_rule_file_object_and_pointer_apart(self, changes: dict[str, Any]) -> None:
        assert finding(**changes).fingerprint != finding().fingerprint

    @given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 3)), max_size=12))
    def test_no_two_of_a_report_are_alike(self, places: list[tuple[str, int]]) -> None:
        told = list(told_apart(finding(pointer, line) for pointer, line in places))
        assert len({each.fingerprint for each in told}) == len(places)
        assert [(each.pointer, each.place.line) for each in told] == places


class TestBaselines:
    def test_what_was_written_is_known_and_nothing_else(self) -> None:
        known = baseline.parse(baseline.dump([finding("/data/a"), finding("/data/b")]))
        assert finding("/data/a", line=7) in known
        assert finding("/data/c") not in known

    def test_the_order_of_findings_does_not_matter(self) -> None:
        both = [finding("/data/b"), finding("/data/a")]
        assert baseline.dump(both) == baseline.dump(both[::-1])
        assert [entry["pointer"] for entry in json.loads(baseline.dump(both))["findings"]] == ["/data/a", "/data/b"]

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("x", "it is not JSON"),
            ("[" * 100_000, "it is not JSON"),
            ("[]", "it has no version keyhole.dev/baseline/v1"),
            ('{"version": "keyhole.dev/baseline/v1", "findings": 1}', "its findings are no list"),
            ('{"version": "keyhole.dev/baseline/v1", "findings": [{}]}', "one of its findings has no fingerprint"),
        ],
    )
    def test_a_file_that_is_none_says_why(self, text: str, problem: str) -> None:
        with pytest.raises(baseline.BaselineError) as raised:
            baseline.parse(text)
        assert raised.value.problem == problem


def report(findings: Sequence[Finding], unchecked: int = 0, excused: int = 0) -> Report:
    places = [NotChecked(Place("t.yaml"), "why")] * unchecked
    return Report(findings, places, [Checked(NAME, Place("f.yaml"))], 1, excused)


def test_the_summary_never_counts_what_was_not_checked_as_held() -> None:
    error, warning = finding(), finding(severity=Severity.WARNING)
    assert report([]).summary == "1 object in 1 file: no findings"
    assert report([], unchecked=1).summary == "1 object in 1 file: no findings; 1 place not checked"
    assert report([error, warning, warning], 2, 3).summary == (
        "1 object in 1 file: 1 error, 2 warnings, 3 excused; 2 places not checked"
    )


def test_the_worst_come_first_and_keep_their_order_otherwise() -> None:
    severities = [Severity.NOTE, Severity.ERROR, Severity.WARNING, Severity.ERROR]
    told = worst_first([finding(line=line, severity=each) for line, each in enumerate(severities, 1)])
    assert [each.place.line for each in told] == [2, 4, 3, 1]
