"""What is new and what is gone, compared with an earlier report."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from enforcer.enforcing import judged
from enforcer.judging.answers import NotChecked
from enforcer.judging.standard import Standard
from enforcer.report import Report
from enforcer.standards.before import Before, Known, NoReportError, parse
from enforcer.standards.chosen import StandardsFile
from enforcer.telling.json_report import render
from enforcer.telling.text import summary
from review.findings.finding import ObjectName
from tests.enforcer.engine import HELD, TODAY, finding, inventory, read, secret, standard

EXCEPTION = (
    "  exceptions:\n  - {standards: [tidy], objects: [Secret shop/app], until: 2026-08-01, owner: u, reason: w}\n"
)


def run(standards: list[Standard], before: Report | None = None, enforce: str = "") -> Report:
    """Judge, and compare with the JSON of an earlier report."""
    known = parse(render(before, "1")) if before is not None else None
    standards_file = read(enforce, standards) if enforce else StandardsFile()
    return judged(inventory(("shop", {})), standards_file, TODAY, known, cluster="east", standards=standards)


def bad(*names: str) -> Standard:
    return standard("tidy", HELD, *(finding("tidy", secret(each)) for each in names))


def named(report: Report) -> tuple[list[str], list[str]]:
    """Return the objects of new findings, and of those that are gone."""
    assert report.new is not None
    assert report.gone is not None
    new = [str(each.object) for each in report.findings if each.fingerprint in report.new]
    return new, [each.object for each in report.gone]


def test_findings_that_come_and_go() -> None:
    before = run([bad("app", "old")])
    assert (before.since, before.new, before.gone) == (None, None, None)
    report = run([bad("app", "fresh")], before)
    assert named(report) == (["Secret shop/fresh"], ["Secret shop/old"])
    assert report.since == before.started
    assert report.gone is not None
    assert (report.gone[0].standard, report.gone[0].message) == ("tidy", "it is wrong")


@pytest.mark.parametrize(
    ("unseen", "gone"),
    [
        (secret("old"), []),
        (ObjectName("", "Namespace", "", "shop"), []),
        (ObjectName("keyhole", "Section", "", "cluster"), []),
        (secret("other", namespace="pay"), ["Secret shop/old"]),
        (ObjectName("", "Namespace", "", "pay"), ["Secret shop/old"]),
    ],
)
def test_what_was_not_looked_at_is_not_gone(unseen: ObjectName, gone: list[str]) -> None:
    report = run([standard("tidy", NotChecked(unseen, "busy"))], run([bad("old")]))
    assert named(report) == ([], gone)


def test_a_night_in_which_little_was_seen_does_not_make_old_findings_new() -> None:
    first = run([bad("app", "old")])
    blind = run([standard("tidy", NotChecked(ObjectName("keyhole", "Section", "", "cluster"), "away"))], first)
    assert named(blind) == ([], [])
    assert {each.object for each in blind.unseen} == {secret("app"), secret("old")}
    assert summary(blind).endswith("since 2026-06-01 02:00 UTC: 0 new, 0 gone, 2 not looked at again")
    again = run([standard("tidy", NotChecked(ObjectName("keyhole", "Section", "", "cluster"), "away"))], blind)
    assert blind.unseen == again.unseen
    third = run([bad("app", "fresh")], again)
    assert named(third) == (["Secret shop/fresh"], ["Secret shop/old"])
    assert not third.unseen


def test_a_standard_that_is_off_or_not_known_makes_nothing_gone() -> None:
    before = run([bad("old")])
    assert named(run([bad()], before, "  standards: {tidy: {severity: off}}")) == ([], [])
    assert named(run([standard("clean")], before)) == ([], [])


def test_a_finding_that_gets_an_exception_is_not_gone_and_one_that_loses_it_is_not_new() -> None:
    told, excepted = run([bad("app")]), run([bad("app")], enforce=EXCEPTION)
    assert named(run([bad("app")], told, EXCEPTION)) == ([], [])
    assert named(run([bad("app")], excepted)) == ([], [])
    assert named(run([bad()], excepted)) == ([], [])


def test_what_an_earlier_report_says_of_itself() -> None:
    before = parse(render(run([bad("app")], enforce=EXCEPTION), "1"))
    (known,) = before.findings.values()
    assert known == Known("tidy", secret(), "it is wrong", is_told=False)
    assert (before.cluster, before.has_ended) == ("east", True)
    assert before.started == datetime(2026, 6, 1, 2, 0, tzinfo=UTC)


GOOD: dict[str, Any] = {
    "version": "keyhole.dev/compliance/v1",
    "cluster": "",
    "started": "2026-06-01T00:00:00Z",
    "ended": None,
    "standards": [],
}


def test_a_report_of_a_run_that_did_not_end() -> None:
    assert parse(json.dumps(GOOD)) == Before("", datetime(2026, 6, 1, tzinfo=UTC), has_ended=False, findings={})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "it has no version keyhole.dev/compliance/v1"),
        (json.dumps({**GOOD, "version": "keyhole.dev/report/v1"}), "it has no version keyhole.dev/compliance/v1"),
        *(
            (json.dumps({**GOOD, key: value}), "what a report has")
            for key, value in [
                ("cluster", None),
                ("started", "soon"),
                ("started", "2026-06-01T00:00:00"),
                ("started", 1),
                ("standards", None),
                ("standards", {"canary": 1}),
                ("standards", [{"name": "tidy", "findings": [{}], "excepted": []}]),
                ("standards", [{"name": "tidy", "findings": 3, "excepted": []}]),
            ]
        ),
    ],
)
def test_what_is_no_report_is_refused_without_quoting_it(text: str, problem: str) -> None:
    with pytest.raises(NoReportError) as raised:
        parse(text)
    assert problem in raised.value.problem
    assert "canary" not in str(raised.value)
    assert raised.value.__context__ is None or isinstance(raised.value.__context__, ValueError | RecursionError)
