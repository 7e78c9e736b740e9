"""Standards: severities, parameters, and exceptions that end."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from review.findings.finding import Finding, ObjectName
from review.findings.rule import Rule, Severity
from review.findings.standards import Standards, StandardsError
from review.findings.standards_file import parse
from review.sources.text import Place, Text

RULES = ("KH107", "KH301", "KH502")
RULE = Rule("KH301", "plaintext-secret", Severity.WARNING, "s", "w", "r")
OFF = replace(RULE, id="KH502", is_off=True)
TODAY = date(2026, 6, 1)
FOUND = Finding(RULE, Place("deploy/a.yaml", 3), "m", ObjectName("", "Secret", "shop", "app"), severity=RULE.severity)
HEAD = "version: keyhole.dev/standards/v1\nlint:\n"


def read(lint: str) -> Standards:
    return parse(Text("s.yaml", HEAD + lint), RULES)


def accepting(**parts: str) -> Standards:
    given = {"rules": "[KH301]", "files": "[deploy/*]", "until": "2026-06-01", "owner": "us", "reason": "because"}
    lines = "\n    ".join(f"{key}: {value}" for key, value in (given | parts).items() if value)
    return read(f"  exceptions:\n  - {lines}\n")


@pytest.mark.parametrize(
    ("given", "severity"),
    [("error", Severity.ERROR), ("note", Severity.NOTE), ("off", None), ('"off"', None)],
)
def test_a_severity_replaces_that_of_the_rule(given: str, severity: Severity | None) -> None:
    found = list(read(f"  severities: {{KH301: {given}}}\n").told(iter([FOUND])))
    assert [each.severity for each in found] == ([severity] if severity else [])


def test_a_rule_that_is_off_is_told_only_to_those_who_ask() -> None:
    finding = replace(FOUND, rule=OFF)
    assert not list(Standards().told(iter([finding])))
    assert [each.severity for each in read("  severities: {KH502: note}\n").told(iter([finding]))] == [Severity.NOTE]


def test_parameters() -> None:
    found = read("  parameters: {pins: required, behind: 3, publicKeys: {Opaque: [LEVEL]}}\n")
    assert (found.pins, found.behind, found.public_keys) == ("required", 3, {"Opaque": frozenset({"LEVEL"})})
    assert found.severities == {"KH107": Severity.WARNING}, "what is demanded is told"
    assert read("  parameters: {pins: required}\n  severities: {KH107: error}\n").severities == {
        "KH107": Severity.ERROR
    }
    assert read("  {}\n") == Standards()


@pytest.mark.parametrize(
    ("parts", "covers"),
    [
        ({}, True),
        ({"files": "[other/*]"}, False),
        ({"files": "", "objects": "[Secret shop/*]"}, True),
        ({"objects": "[Secret pay/*]"}, False),
        ({"rules": "[KH502]"}, False),
        ({"until": "2026-05-31"}, False),
    ],
)
def test_an_exception_covers_its_findings_until_its_day(parts: dict[str, str], covers: bool) -> None:
    assert accepting(**parts).accept(FOUND, TODAY) is covers


def test_an_exception_that_has_ended_is_a_finding_where_its_day_stands() -> None:
    assert not list(accepting().ended(RULE, TODAY))
    (ended,) = accepting(until="2026-05-31").ended(RULE, TODAY)
    assert str(ended.place) == "s.yaml:6:5"
    assert ended.message == "it accepted KH301 until 2026-05-31, and covers nothing any more"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: [", "1:5: not YAML: did not find expected node content"),
        ("", "1:1: it is not one document"),
        ("[]", "1:1: it is no map"),
        ("version: x", "1:1: version: it is not keyhole.dev/standards/v1"),
        (HEAD + "  {}\nlent: {}\n", "4:1: lent: lent is not known here; did you mean lint?"),
    ],
)
def test_a_file_that_is_no_standards_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(StandardsError) as raised:
        parse(Text("s.yaml", text), RULES)
    assert str(raised.value) == f"s.yaml:{problem}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("severities: {KH301: bad}", "16: lint.severities.KH301: it is none of error, warning, note, off"),
        ("severities: {KH310: off}", "16: lint.severities.KH310: KH310 is not known here; did you mean KH301?"),
        ("severities: {KH107: error}", "16: lint.severities.KH107: KH107 needs lint.parameters.pins"),
        ("severities: []", "3: lint.severities: it is no map"),
        ("severities: {KH301: off, KH301: error}", "28: the key stands twice"),
        ("parameters: {pins: some}", "16: lint.parameters.pins: it is none of any, required, forbidden"),
        ("parameters: {behind: -1}", "16: lint.parameters.behind: it is no number of versions"),
        ("parameters: {publicKeys: {a: b}}", "29: lint.parameters.publicKeys.a: it is no list of texts"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(StandardsError) as raised:
        read(f"  {text}\n")
    assert str(raised.value) == f"s.yaml:3:{problem}"


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"rules": "[KH999]"}, "there is no rule KH999"),
        ({"rules": ""}, "rules: it is no list of texts"),
        ({"files": ""}, "an exception needs rules, and files or objects"),
        ({"owner": ""}, "an exception needs an owner and a reason"),
        ({"reason": "' '"}, "an exception needs an owner and a reason"),
        ({"until": ""}, "until is no day such as 2027-01-31"),
        ({"until": "soon"}, "until is no day such as 2027-01-31"),
        ({"unitl": "2027-01-01"}, "unitl is not known here; did you mean until?"),
    ],
)
def test_an_exception_that_says_too_little_is_refused(parts: dict[str, str], problem: str) -> None:
    with pytest.raises(StandardsError) as raised:
        accepting(**parts)
    assert problem in str(raised.value)


def test_the_example_has_every_part() -> None:
    file = Path(__file__).resolve().parents[3] / "examples" / "standards.yaml"
    from review.lint.catalogue import BY_ID

    found = parse(Text("standards.yaml", file.read_text()), BY_ID)
    assert found.pins == "forbidden"
    assert found.behind is not None
    assert found.public_keys
    assert len(found.accepted) == 2
