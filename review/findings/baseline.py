"""A baseline: findings that were there when a team began, and that are told no longer.

The file is JSON, made to be read in a review. It has no value, no part of one and no digest of one: a fingerprint is a
digest of rule, file, object and pointer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from review.findings.finding import Finding

_VERSION = "keyhole.dev/baseline/v1"


class BaselineError(ValueError):
    """A file that is no baseline. `problem` says why."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Baseline:
    """The fingerprints of known findings."""

    fingerprints: frozenset[str]

    def __contains__(self, finding: Finding) -> bool:
        return bool(self.fingerprints) and finding.fingerprint in self.fingerprints


def dump(findings: Iterable[Finding]) -> str:
    """Return the text of a baseline with these findings, in an order that gives small diffs."""
    import json  # noqa: PLC0415 - most runs have no baseline, and a start must be quick

    entries = [
        {
            "rule": finding.rule.id,
            "file": finding.place.file,
            "object": str(finding.object),
            "pointer": finding.pointer,
            "fingerprint": finding.fingerprint,
        }
        for finding in findings
    ]
    entries.sort(key=lambda entry: (entry["file"], entry["object"], entry["pointer"], entry["rule"]))
    return json.dumps({"version": _VERSION, "findings": entries}, indent=2) + "\n"


def parse(text: str) -> Baseline:
    """Read a baseline. Raises `BaselineError`."""
    import json  # noqa: PLC0415 - as above

    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise BaselineError("it is not JSON") from None
    if not isinstance(content, dict) or content.get("version") != _VERSION:
        raise BaselineError(f"it has no version {_VERSION}")
    entries = content.get("findings")
    if not isinstance(entries, list):
        raise BaselineError("its findings are no list")
    found = [entry.get("fingerprint") if isinstance(entry, dict) else None for entry in entries]
    fingerprints = frozenset(fingerprint for fingerprint in found if isinstance(fingerprint, str))
    if None in found or len(fingerprints) < len(set(map(str, found))):
        raise BaselineError("one of its findings has no fingerprint")
    return Baseline(fingerprints)
