"""Which template of a chart a document was rendered from, as `helm template` says in a comment above it.

Source: helm's renderer writes `# Source: CHART/templates/FILE` as the first line of each document.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from review.findings.finding import Finding
from review.lint.objects import named

_SOURCE: Final = re.compile(r"(?:---[ \t]*\r?\n)?# Source: (\S[^\r\n]*?)[ \t]*\r?(?:\n|\Z)")


def with_template(findings: Sequence[Finding], raw: str) -> Sequence[Finding]:
    """Return the findings of a document with the name of its template in their messages, if the document has one."""
    found = _SOURCE.match(raw)
    if found is None:
        return findings
    return [replace(finding, message=f"{finding.message}, from {named(found[1])}") for finding in findings]
