"""Findings in what `helm template` prints name the template."""

from datetime import date

import pytest

from review.lint.lint import Lint, Source

PLAIN = "apiVersion: v1\nkind: Secret\nmetadata: {name: app}\nstringData: {x: canary-77ab}\n"


@pytest.mark.parametrize(
    ("head", "ends"),
    [
        ("---\n# Source: shop/templates/secret.yaml\n", "holds a value, from shop/templates/secret.yaml"),
        ("---\r\n# Source: shop/charts/db/a b.yaml\r\n", "holds a value, from shop/charts/db/a b.yaml"),
        ("---\n# above\n# Source: no/first/line.yaml\n", "holds a value"),
        ("---\n", "holds a value"),
    ],
)
def test_the_template_is_named(head: str, ends: str) -> None:
    run = Lint(date(2026, 6, 1))
    run.look(Source("standard input", f"---\n# Source: other.yaml\na: 1\n{head}{PLAIN}".encode))
    (finding,) = run.report().findings
    assert finding.message == f"stringData.x {ends}"
