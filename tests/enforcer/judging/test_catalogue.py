"""What holds for every standard, whatever it demands."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from enforcer.facts.inventory import Inventory
from enforcer.judging.answers import Held, NotChecked
from enforcer.judging.catalogue import STANDARDS
from enforcer.judging.standard import Standard
from review.findings.finding import Finding, told_apart
from tests.enforcer.any_inventory import inventories
from tests.enforcer.engine import inventory

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "enforcer.md").read_text()
every_standard = pytest.mark.parametrize("standard", STANDARDS, ids=[each.rule.id for each in STANDARDS])


def test_they_stand_in_the_order_of_the_document_which_has_a_paragraph_about_each() -> None:
    names = [each.rule.id for each in STANDARDS]
    in_table = re.findall(r"^\| \[`([a-z-]+)`\]\(#", DOCUMENT, re.MULTILINE)
    headings = re.findall(r"^### ([a-z-]+)$", DOCUMENT, re.MULTILINE)
    assert names == in_table == headings
    assert len(set(names)) == len(names)


@every_standard
def test_it_says_what_it_is(standard: Standard) -> None:
    rule = standard.rule
    assert rule.id == rule.name
    assert standard.judge.__module__ == f"enforcer.judging.{rule.id.replace('-', '_')}"
    for sentence in (standard.demand, rule.summary, rule.why, rule.remedy):
        assert re.fullmatch(r"[A-Z`].*[.]", sentence), sentence
    for field in standard.parameters.model_fields.values():
        assert not field.is_required()
        assert re.fullmatch(r"[A-Z`].*[.]", field.description or ""), field.description


@every_standard
def test_what_is_not_known_is_not_checked(standard: Standard) -> None:
    answers = list(standard.judge(inventory(), standard.parameters()))
    assert answers
    assert all(isinstance(each, NotChecked) for each in answers)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(facts=inventories())
def test_none_raises_for_anything_and_each_answers_in_the_same_order(facts: Inventory) -> None:
    for standard in STANDARDS:
        answers = list(standard.judge(facts, standard.parameters()))
        assert all(isinstance(each, Held | NotChecked | Finding) for each in answers), standard.rule.id
        assert answers == list(standard.judge(facts, standard.parameters())), standard.rule.id
        findings = [each for each in answers if isinstance(each, Finding)]
        assert all(each.rule.id == standard.rule.id for each in findings)
        assert len({each.fingerprint for each in told_apart(findings)}) == len(findings)
