"""Texts that are made to keep a search busy: a megabyte of each is read in one go.

A search that begins again at each character would take hours for these, and the test would not end.
"""

import pytest

from review.lint import tokens
from review.lint.placeholders import is_encrypted, is_placeholder, is_public
from tests.review.lint.test_rules import looked_at

MEGABYTE = 2**20
PIECES = [
    "eyJ-",
    "eyJaaaaaaaaaaaa.",
    "xoxb-",
    "glpat-",
    "dp.pt.",
    "a",
    "://",
    "a://b:",
    "@",
    "://u:()",
    "{{",
    "${A?",
    "${vault:",
    "((vault:",
    "$(A",
    "<path:",
    "ref+",
    " ",
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----A: ",
    "A: ",
    "\n",
    "mac: ",
    "AccountKey=",
    "# keyhole: ignore ",
    "hooks.slack.com/services/",
    "x.atlasv1.",
    "1:AA",
    "vault+",
]


@pytest.mark.parametrize("piece", PIECES)
def test_each_search_goes_over_a_text_once(piece: str) -> None:
    text = piece * (MEGABYTE // len(piece)) + "_!"
    assert list(tokens.forms(text)) == []
    is_placeholder(text)
    assert not is_public(text)
    assert not is_encrypted(text)


def test_a_secret_of_many_keys_is_found_key_by_key() -> None:
    keys = "".join(f"  k{number}: v\n" for number in range(10_000))
    report = looked_at(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\nstringData:\n{keys}  k1: w\n")
    assert len(report.findings) == 10_001
    assert report.findings[-2].place.line == 10_005


def test_many_objects_in_one_each_with_a_text_of_objects() -> None:
    """Each is looked at once, and not once for each of the others."""
    inner = (
        "- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n  data:\n    x: |\n      apiVersion: v1\n"
        "      kind: Secret\n      stringData:\n        x: vault:a/b#c\n        y: v\n"
    )
    report = looked_at(
        f"apiVersion: template.openshift.io/v1\nkind: Template\nmetadata: {{name: a}}\nobjects:\n{inner * 2_000}"
    )
    assert len(report.findings) == 2_000
