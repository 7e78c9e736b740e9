"""References in files of Cloud Foundry and Compose: told, because these programs hand them on as text."""

from datetime import date

import pytest

from review.lint.lint import Lint, Source

MANIFEST = "applications:\n- name: shop\n  env: {A: TEXT, B: ((db-password)), C: x}\n"
COMPOSE = "services:\n  shop:\n    image: shop\n    environment: {A: TEXT}\n"


def found(text: str) -> list[tuple[str, int, str]]:
    lint = Lint(date(2027, 1, 1))
    lint.look(Source("manifest.yml", text.encode))
    return [(each.rule.id, each.place.line, each.message) for each in lint.report().findings]


@pytest.mark.parametrize(
    ("text", "rule", "line", "told"),
    [
        pytest.param(
            MANIFEST.replace("TEXT", "'vault:secret/a#b'"), "KH211", 3, "Cloud Foundry replaces no", id="a manifest"
        ),
        pytest.param(
            MANIFEST.replace("TEXT", "'x((vault:secret/a#b))'"), "KH211", 3, "Cloud Foundry replaces no", id="in a text"
        ),
        pytest.param(
            MANIFEST.replace("TEXT", "'vault:secret/a'"), "KH101", 3, "a path without a field", id="malformed"
        ),
        pytest.param(COMPOSE.replace("TEXT", "'vault:secret/a#b'"), "KH211", 4, "Compose replaces no", id="Compose"),
        pytest.param(
            COMPOSE.replace("TEXT", "'${vault:secret/a#b}'"), "KH211", 4, "write ((vault:…)) instead of", id="braces"
        ),
    ],
)
def test_a_file_that_somebody_has_to_render(text: str, rule: str, line: int, told: str) -> None:
    ((found_rule, found_line, message),) = found(text)
    assert (found_rule, found_line) == (rule, line)
    assert told in message


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(MANIFEST.replace("TEXT", "((payments-token))"), id="variables of Cloud Foundry alone"),
        pytest.param("db-password: vault:secret/a#b\n", id="a file of variables, which is there to be rendered"),
        pytest.param(COMPOSE.replace("TEXT", "${DB_PASSWORD}"), id="a variable of Compose"),
        pytest.param(COMPOSE.replace("TEXT", "x").replace("image: shop", "image: vault:1.21"), id="an image"),
    ],
)
def test_what_needs_no_rendering(text: str) -> None:
    assert found(text) == []
