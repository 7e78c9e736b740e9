"""The standards file to begin with: every standard, and all that can be set, as it is without a file."""

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, Final

from enforcer.judging.catalogue import STANDARDS
from enforcer.judging.standard import Standard
from enforcer.standards.chosen import LONGEST, by_default
from review.findings.standards import OFF
from review.findings.standards_reading import VERSION

_WIDTH: Final = 100
_HEAD: Final = (
    "What this organisation demands of what is deployed, for `keyhole enforce --standards FILE`. Everything here is as "
    "it is without a file: keep the lines that you change. `keyhole lint` may have its own part (`lint:`) in this file."
)
_NAMESPACES: Final = (
    "Each standard may also have `namespaces: {names: [shop-*], matchLabels: {team: payments}}`, and then holds only "
    "for namespaces that fit both. How bad a finding is: error, warning, note or off."
)
_EXCEPTIONS: Final = (
    f"Findings that somebody answers for, until a day that is at most {LONGEST.days} days off. When the day is over, "
    "the exception is itself an error; two weeks before, a warning. `objects` are patterns of what findings name."
)
_EXAMPLE: Final = """\
  # - standards: [least-privilege]
  #   objects: [Policy keyhole-shop]
  #   until: 2027-01-31
  #   owner: team-shop
  #   reason: The old path is read until the migration ends.
  #   ticket: SHOP-123
"""


def written(standards: Sequence[Standard] = STANDARDS) -> str:
    """Return the file, in YAML. Read back, it gives what holds without a file."""
    lines = [*_comment(_HEAD, 0), f"version: {VERSION}", "enforce:", *_comment(_NAMESPACES, 2), "  standards:"]
    for standard in standards:
        lines += _standard(standard)
    lines += [*_comment(_EXCEPTIONS, 2), "  exceptions: []"]
    return "\n".join(lines) + "\n" + _EXAMPLE


def _standard(standard: Standard) -> Iterator[str]:
    yield from _comment(standard.demand, 4)
    yield f"    {standard.rule.id}:"
    severity = by_default(standard).severity
    yield f"      severity: {severity if severity is not None else json.dumps(OFF)}"
    values: dict[str, Any] = standard.parameters().model_dump(mode="json", by_alias=True)
    if not values:
        return
    yield "      parameters:"
    fields = standard.parameters.model_fields.values()
    for (name, value), field in zip(values.items(), fields, strict=True):
        yield from _comment(field.description or "", 8)
        # JSON is YAML, and leaves no doubt about what is a text.
        yield f"        {name}: {json.dumps(value, ensure_ascii=False)}"


def _comment(text: str, indent: int) -> Iterator[str]:
    lead = " " * indent + "# "
    yield from textwrap.wrap(text, _WIDTH, initial_indent=lead, subsequent_indent=lead, break_on_hyphens=False)
