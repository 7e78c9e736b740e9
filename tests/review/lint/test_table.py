"""The table of planted values and of look-alikes: each value found in its place, no look-alike told, nothing leaked."""

import re
from collections.abc import Callable
from datetime import date

import pytest

from review.findings import baseline
from review.findings.report import Report
from review.lint.catalogue import RULES
from review.lint.lint import Lint, Source
from review.reports import github, gitlab, json_report, junit, sarif, text
from tests.review.lint.table import Case, b64, harmless, planted

PLANTED, HARMLESS = planted(), harmless()


def looked_at(content: str, file: str = "f.yaml") -> Report:
    run = Lint(date(2026, 1, 1))
    run.look(Source(file, content.encode))
    return run.report()


def test_there_are_two_hundred_of_each() -> None:
    assert len({case.text for case in PLANTED}) >= 200
    assert len({case.text for case in HARMLESS}) >= 200


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: case.id)
def test_each_planted_value_is_found_once_and_in_its_place(case: Case) -> None:
    found = [finding for finding in looked_at(case.text, case.file).findings if finding.rule.is_about_secrets]
    assert [(finding.rule.id, finding.place.line) for finding in found] == [(case.rule, case.line)]


@pytest.mark.parametrize("case", HARMLESS, ids=lambda case: case.id)
def test_no_look_alike_is_told(case: Case) -> None:
    report = looked_at(case.text, case.file)
    assert [finding for finding in report.findings if finding.rule.is_about_secrets] == []
    # What a kustomization takes from a file that is not there holds no value in Git, and nobody has seen it.
    assert [each.reason.partition(":")[0] for each in report.unchecked] == [
        f"what is taken from {name}" for name in re.findall(r"gone\.\w+", case.text)
    ]


WRITERS: list[Callable[[Report], str]] = [
    text.render,
    lambda each: json_report.render(each, "1"),
    lambda report: sarif.render(report, RULES, "1.0.0"),
    junit.render,
    github.render,
    gitlab.render,
    lambda report: baseline.dump(report.findings),
]


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: case.id)
def test_no_part_of_a_value_is_in_any_form_of_the_report(case: Case) -> None:
    report = looked_at(case.text, case.file)
    assert report.findings
    told = "\n".join(write(report) for write in WRITERS) + repr(report)
    varying = case.value.rpartition("//")[2]
    pieces = {b64(case.value), *(varying[at : at + 8] for at in range(len(varying) - 7))}
    assert not [piece for piece in pieces if piece in told]
