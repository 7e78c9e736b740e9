"""The table of rules in docs/lint.md: `python -m review.lint.document docs/lint.md`."""

import sys
from pathlib import Path

from review.findings.rule import Rule
from review.lint.catalogue import RULES

BEGIN = "<!-- rules: written by `python -m review.lint.document docs/lint.md` -->"
END = "<!-- end of rules -->"


def table() -> str:
    """Return the table."""
    rows = [f"| {rule.id} | `{rule.name}` | {severity(rule)} | {rule.summary} | {rule.remedy} |" for rule in RULES]
    return "\n".join(["| id | name | severity | a finding means | what to do |", "|---|---|---|---|---|", *rows])


def severity(rule: Rule) -> str:
    """Return how bad a finding of a rule is, as long as no standards say otherwise."""
    return "off" if rule.is_off else str(rule.severity)


def render(text: str) -> str:
    """Return a document with the table of now between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(render(document.read_text(encoding="utf-8")), encoding="utf-8")
