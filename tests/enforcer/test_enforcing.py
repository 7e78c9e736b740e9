"""Answers of judges become a report, by what the standards' file says."""

import logging
from dataclasses import replace
from datetime import date

import pytest

from enforcer.enforcing import judged, unfinished
from enforcer.judging.answers import Answer, NotChecked
from enforcer.judging.standard import Standard
from enforcer.report import ExceptionState, Report, Status, Verdict
from enforcer.standards.chosen import StandardsFile
from review.findings.finding import Finding, ObjectName
from review.findings.rule import Severity
from tests.enforcer.engine import HELD, TODAY, UNCHECKED, failing, finding, inventory, read, secret, standard


def run(*standards: Standard, enforce: str = "", today: date = TODAY) -> Report:
    standards_file = read(enforce, standards) if enforce else StandardsFile()
    return judged(inventory(("shop", {"team": "a"}), ("pay", {})), standards_file, today, standards=standards)


def first(*answers: Answer, enforce: str = "", severity: Severity = Severity.ERROR, today: date = TODAY) -> Verdict:
    return run(standard("tidy", *answers, severity=severity), enforce=enforce, today=today).verdicts[0]


def test_each_standard_has_one_of_three_answers_and_none_counts_as_another() -> None:
    report = run(
        standard("fine", HELD, HELD),
        standard("unseen", HELD, UNCHECKED),
        standard("bad", HELD, UNCHECKED, finding("bad", secret())),
        standard("empty"),
    )
    statuses = {verdict.standard.rule.id: (verdict.status, verdict.held) for verdict in report.verdicts}
    assert statuses == {
        "fine": (Status.HELD, 2),
        "unseen": (Status.NOT_CHECKED, 1),
        "bad": (Status.FINDING, 1),
        "empty": (Status.HELD, 0),
        "exceptions": (Status.HELD, 0),
    }
    assert report.unchecked == 2


def test_a_judge_that_a_bug_ends_is_not_checked_and_keeps_no_other_one_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    report = run(failing("broken", HELD), standard("fine", HELD))
    broken, fine, _ = report.verdicts
    assert (broken.status, broken.held, fine.status) == (Status.NOT_CHECKED, 1, Status.HELD)
    assert [each.reason for each in broken.unchecked] == ["a bug in Keyhole: its judge failed with KeyError"]
    assert "the judge of broken failed: KeyError at " in caplog.text
    assert "canary" not in caplog.text + repr(report)


def test_a_standard_that_is_off_is_not_judged() -> None:
    verdict = run(failing("tidy"), enforce="  standards: {tidy: {severity: off}}").verdicts[0]
    assert (verdict.status, list(verdict.unchecked)) == (Status.OFF, [])
    by_itself = run(standard("tidy", finding("tidy", secret()), is_off=True)).verdicts[0]
    assert by_itself.status is Status.OFF
    asked_for = standard("tidy", finding("tidy", secret()), is_off=True)
    verdict = run(asked_for, enforce="  standards: {tidy: {severity: warning}}").verdicts[0]
    assert [each.severity for each in verdict.findings] == [Severity.WARNING]


@pytest.mark.parametrize(
    ("told", "chosen", "expected"),
    [
        (Severity.ERROR, "note", Severity.NOTE),
        (Severity.ERROR, "warning", Severity.WARNING),
        # What the judge has told as milder stays so, and is never made worse than what was chosen.
        (Severity.WARNING, "error", Severity.WARNING),
        (Severity.WARNING, "note", Severity.NOTE),
        (Severity.NOTE, "error", Severity.NOTE),
    ],
)
def test_the_chosen_severity_is_that_of_the_findings(told: Severity, chosen: str, expected: Severity) -> None:
    answer = finding("tidy", secret())
    assert isinstance(answer, Finding)
    verdict = first(answer.told_as(told), enforce=f"  standards: {{tidy: {{severity: {chosen}}}}}")
    assert [each.severity for each in verdict.findings] == [expected]


def test_parameters_reach_the_judge() -> None:
    given: list[object] = []

    def judge(_inventory: object, parameters: object) -> list[Answer]:
        given.append(parameters)
        return []

    run(
        replace(standard("tidy"), judge=judge),
        enforce="  standards: {tidy: {parameters: {mostDays: 7, exemptNames: [a]}}}",
    )
    assert [(each.most_days, each.exempt_names) for each in given] == [(7, ("a",))]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("namespaces", "told"),
    [
        ("{names: [sh*]}", ["a node", "in shop"]),
        ("{names: [shop, pay]}", ["a node", "in pay", "in shop", "pay itself"]),
        ("{matchLabels: {team: a}}", ["a node", "in elsewhere", "in shop"]),
        ("{names: [s*, p*], matchLabels: {team: a}}", ["a node", "in shop"]),
    ],
)
def test_namespaces_that_are_not_selected_are_left_out(namespaces: str, told: list[str]) -> None:
    """One whose labels are not known is judged; so is what is in no namespace."""
    answers = [finding("tidy", secret(namespace=each), f"in {each}") for each in ("shop", "pay", "elsewhere")]
    answers.append(finding("tidy", ObjectName("", "Namespace", "", "pay"), "pay itself"))
    answers.append(finding("tidy", ObjectName("", "Node", "", "n"), "a node"))
    verdict = first(*answers, enforce=f"  standards: {{tidy: {{namespaces: {namespaces}}}}}")
    assert sorted(each.message for each in verdict.findings) == told
    assert not verdict.unchecked


def test_a_selector_that_selects_nothing_does_not_make_a_standard_held() -> None:
    verdict = first(HELD, enforce="  standards: {tidy: {namespaces: {names: [shpo]}}}")
    assert verdict.status is Status.NOT_CHECKED
    assert "select no namespace" in verdict.unchecked[0].reason


EXCEPTION = "  exceptions:\n  - {standards: [tidy], objects: ['Secret shop/*'], until: DAY, owner: us, reason: why}\n"


def excepting(day: str, *answers: Answer) -> Report:
    return run(standard("tidy", *answers), enforce=EXCEPTION.replace("DAY", day))


def test_an_exception_covers_findings_up_to_and_with_its_day() -> None:
    covered, open_one = finding("tidy", secret()), finding("tidy", secret(namespace="pay"))
    report = excepting("2026-08-01", covered, open_one, UNCHECKED)
    verdict = report.verdicts[0]
    assert [each.object for each in verdict.findings] == [secret(namespace="pay")]
    assert [each.finding.object for each in verdict.excepted] == [secret()]
    assert [each.exception.owner for each in verdict.excepted] == ["us"]
    assert verdict.unchecked == [UNCHECKED], "an exception never covers what was not looked at"
    assert [(each.state, each.covers) for each in report.exceptions] == [(ExceptionState.IN_FORCE, 1)]
    assert report.verdicts[-1].held == 1
    assert not report.verdicts[-1].findings
    last_day = excepting("2026-06-01", covered)
    assert (last_day.verdicts[0].status, last_day.verdicts[0].findings) == (Status.HELD, [])


@pytest.mark.parametrize(
    ("day", "severity", "words", "state"),
    [
        ("2026-05-31", Severity.ERROR, "ended on 2026-05-31, and covers nothing now", ExceptionState.ENDED),
        ("2026-06-01", Severity.WARNING, "ends today", ExceptionState.ENDS_SOON),
        ("2026-06-02", Severity.WARNING, "ends tomorrow", ExceptionState.ENDS_SOON),
        ("2026-06-15", Severity.WARNING, "ends in 14 days, on 2026-06-15", ExceptionState.ENDS_SOON),
    ],
)
def test_an_exception_is_told_of_before_and_after_its_end(
    day: str, severity: Severity, words: str, state: ExceptionState
) -> None:
    report = excepting(day, finding("tidy", secret()))
    (told,) = report.verdicts[-1].findings
    assert told.severity is severity
    assert told.object.name == "tidy: Secret shop/*"
    assert f"it {words}" in told.message
    assert told.message.endswith("(owner: us)")
    assert (told.place.file, told.place.line) == ("standards.yaml", 4)
    assert report.exceptions[0].state is state
    is_over = state is ExceptionState.ENDED
    assert len(report.verdicts[0].findings) == is_over


def test_an_exception_that_covers_nothing_is_noted_only_if_all_was_looked_at() -> None:
    report = excepting("2026-06-16", HELD)
    (told,) = report.verdicts[-1].findings
    assert (told.severity, "covers no finding" in told.message) == (Severity.NOTE, True)
    assert not excepting("2026-06-16", HELD, UNCHECKED).verdicts[-1].findings


def test_findings_that_are_alike_have_fingerprints_of_their_own() -> None:
    verdict = first(finding("tidy", secret(), "one"), HELD, finding("tidy", secret(), "two"))
    assert len({each.fingerprint for each in verdict.findings}) == 2


def test_a_run_that_has_not_ended_has_checked_nothing() -> None:
    standards = [standard("tidy", HELD), standard("off", is_off=True)]
    report = unfinished(inventory(), StandardsFile(), cluster="east", standards=standards)
    assert report.ended is None
    assert [verdict.status for verdict in report.verdicts] == [
        Status.NOT_CHECKED,
        Status.OFF,
        Status.NOT_CHECKED,
    ]
    assert {each.reason for verdict in report.verdicts for each in verdict.unchecked} == {"the run has not ended"}


def test_what_is_not_checked_in_a_namespace_that_is_left_out_does_not_count() -> None:
    selecting = "  standards: {tidy: {namespaces: {names: [pay]}}}"
    assert first(NotChecked(secret(), "busy"), enforce=selecting).status is Status.HELD
    itself = NotChecked(ObjectName("", "Namespace", "", "shop"), "busy")
    assert first(itself, enforce=selecting).status is Status.HELD
