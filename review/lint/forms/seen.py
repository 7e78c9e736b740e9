"""What was seen in one object, and how admission's words become findings.

Nothing here quotes the text of a field: for an annotation, admission does, and it may be a value that stands there by
mistake.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from manifests.fields.problem import Problem
from resolver.causes import Cause
from review.findings.finding import Finding
from review.findings.rule import Rule
from review.lint.catalogue import MALFORMED, OVER_LIMIT
from review.lint.objects import Manifest, named
from review.lint.uses import Use
from review.sources.nodes import Path
from review.sources.text import NotChecked

NOTES: Final = ("metadata", "annotations")
_QUOTED: Final = ", in '"
_EXPANDED: Final = re.compile(r"\$\([^()]*\)")
_WHOLE: Final = frozenset({"the object", "the template"})
_LIMITS: Final = frozenset({Cause.RECORD_TOO_LARGE, Cause.TOO_MUCH_WORK})


@dataclass(slots=True)
class Seen:
    """Findings, references that can be read, and what could not be judged."""

    findings: list[Finding] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    unchecked: list[NotChecked] = field(default_factory=list)

    def tell(self, manifest: Manifest, rule: Rule, path: Path, message: str) -> None:
        """Add a finding at a path of an object."""
        self.findings.append(manifest.finding(rule, path, message))


def rule_of(problem: Problem) -> Rule:
    """Return the rule that a problem of admission breaks."""
    # Of an object as a whole admission says nothing but that it is too large, or has too much of something.
    is_limit = problem.cause in _LIMITS or problem.origin in _WHOLE
    return OVER_LIMIT if is_limit else MALFORMED


def said(text: str) -> str:
    """Return admission's words without the text that they quote."""
    return _EXPANDED.sub("$(…)", text.partition(_QUOTED)[0])


def about(problem: Problem) -> str:
    """Return admission's words, and of a map with several fields which one they are about."""
    one = problem.origin.partition(", ")[2] if problem.origin.startswith("annotation ") else ""
    return f"{named(one)}: {said(problem.message)}" if one else said(problem.message)
