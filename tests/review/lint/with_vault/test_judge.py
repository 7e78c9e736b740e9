"""What is said of references by what Vault said. tests/e2e/review has what a real Vault says."""

from collections.abc import Mapping, Sequence

import pytest

from review.findings.finding import Finding
from review.lint.judges.connection import Location
from review.lint.uses import Use
from review.lint.with_vault.answers import Answer, Facts, Fields, Held, NoAnswer, PolicyText, Secret
from review.lint.with_vault.judge import judged
from review.sources.text import NotChecked
from tests.review.lint.with_vault.uses import use

EVERYTHING = 'path "secret/*" { capabilities = ["read"] }'
TOKEN = "ghp_" + "aB3dE6gH9" * 4


def facts(
    uses: Sequence[Use],
    answers: Mapping[int | None, Answer],
    policy: str | None = EVERYTHING,
    newest: int | None = None,
) -> Facts:
    """Return what is known if Vault says the same of each path."""
    secrets = {
        (each.reference.connection, each.reference.path): Secret(Location("secret", 2, "app"), answers, newest)
        for each in uses
    }
    spaces = {(each.reference.connection, each.namespace): PolicyText("keyhole-shop", policy) for each in uses}
    return Facts(secrets, spaces)


def told(uses: Sequence[Use], known: Facts, *most_behind: int) -> list[str]:
    return [
        f"{each.rule.id} {each.severity}: {each.message}" if isinstance(each, Finding) else f"? {each.reason}"
        for each in judged(uses, known, *most_behind)
    ]


def of_fields(text: str, fields: Fields) -> list[str]:
    uses = [use(text)]
    return told(uses, facts(uses, {None: Held(fields)}))


@pytest.mark.parametrize(
    ("behind", "most", "is_told"),
    [(2, 3, False), (3, 3, False), (4, 3, True), (0, 0, False), (1, 0, True), (9, 8, True)],
)
def test_how_far_behind_a_version_may_be(behind: int, most: int, is_told: bool) -> None:
    uses = [use(f"vault:secret/app#x#{10 - behind}")]
    found = told(uses, facts(uses, {10 - behind: Held({"x": None})}, newest=10), most)
    assert found == (
        [f"KH106 warning: vault:secret/app: version {10 - behind} is {behind} behind the newest, 10"] * is_told
    )


def test_a_key_that_is_a_token_by_its_form_is_not_told() -> None:
    for text in (f"vault:secret/app#{TOKEN[:-1]}x", f"vault:secret/app#a | json:/{TOKEN[:-1]}x"):
        (found,) = of_fields(text, {TOKEN: None, "a": {TOKEN: None}})
        assert "KH105" in found
        assert TOKEN[:-1] not in found


def test_a_key_cannot_write_a_line_of_its_own() -> None:
    (found,) = of_fields("vault:secret/app#a%20b", {"a\x1b[2J\nb": None})
    assert "\n" not in found
    assert "\x1b" not in found


def test_what_is_not_checked_is_told_once_for_each_reason() -> None:
    uses = [use(f"vault:secret/app-{number}#x", line=number) for number in range(1, 5)]
    away = NoAnswer("Vault is away", is_away=True)
    known = Facts({("default", each.reference.path): away for each in uses}, {("default", "shop"): away})
    found = list(judged(uses, known))
    assert [str(each) for each in found if isinstance(each, NotChecked)] == [
        "a.yaml:1:1: not checked, KH104, KH105, KH106: Vault is away (and 3 further references)"
    ]
    assert len(found) == 1


def test_that_there_is_no_policy_is_told_once_a_namespace() -> None:
    uses = [use("vault:secret/app#x"), use("vault:secret/app#x"), use("vault:secret/app#x", "other")]
    found = told(uses, facts(uses, {None: Held({"x": None})}, policy=None))
    assert [each.partition(", so ")[2] for each in found] == [
        "namespace shop may read nothing there",
        "namespace other may read nothing there",
    ]


def test_a_policy_that_cannot_be_read_here_is_not_checked() -> None:
    uses = [use("vault:secret/app#x")]
    (found,) = told(uses, facts(uses, {None: Held({"x": None})}, policy="this is = not ["))
    assert found.startswith("? KH104: policy keyhole-shop in Vault cannot be read here (line 1, column ")


def test_of_a_namespace_that_no_file_says_the_secret_is_judged_all_the_same() -> None:
    uses = [use("vault:secret/app#y", namespace="")]
    found = told(uses, facts(uses, {None: Held({"x": None})}))
    assert [each[:5] for each in found] == ["KH105", "? KH1"]


def test_with_thousands_of_fields_near_ones_are_looked_for_among_some() -> None:
    fields: Fields = {f"field-{number}": None for number in range(50_000)}
    (found,) = of_fields("vault:secret/app#feld-7", fields)
    assert found.endswith("did you mean 'field-7'?")
