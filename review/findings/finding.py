"""Findings: which rule, where, in which object. No part and no digest of a value is ever in one."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from review.findings.rule import Rule, Severity
from review.sources.text import Place

if TYPE_CHECKING:
    from review.findings.fix import Fix


@dataclass(frozen=True, slots=True)
class ObjectName:
    """An object as its manifest names it. What the manifest leaves open is empty."""

    group: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {name}".strip()


_NONE = ObjectName()


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that is broken somewhere. `pointer` is the JSON Pointer (RFC 6901) in the object, or in the document.

    `message` quotes references and names of keys, and never the text of a field. `number` tells findings apart that are
    alike in everything that `fingerprint` is made of.
    """

    rule: Rule
    place: Place
    message: str
    object: ObjectName = _NONE
    pointer: str = ""
    severity: Severity = Severity.ERROR
    number: int = 1
    related: tuple[Place, ...] = ()
    """Where else it shows: for an object that was told at its source, the place in what was read."""
    fix: "Fix | None" = None
    """What would put it right, if that was asked for and has one answer."""

    @property
    def fingerprint(self) -> str:
        """A name for this finding that stays when lines move: SHA-256 of rule, file, object and pointer.

        It depends on no value, so that a list of fingerprints can be published.
        """
        import hashlib  # noqa: PLC0415 - most runs need none, and a start must be quick
        import json  # noqa: PLC0415 - as above

        named = [self.object.group, self.object.kind, self.object.namespace, self.object.name]
        parts = [self.rule.id, self.place.file, *named, self.pointer, self.number]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def told_as(self, severity: Severity) -> "Finding":
        """Return the same finding with another severity."""
        return replace(self, severity=severity)


def told_apart(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield findings with numbers, so that no two of them have the same fingerprint."""
    seen: Counter[tuple[object, ...]] = Counter()
    for finding in findings:
        alike = (finding.rule.id, finding.place.file, finding.object, finding.pointer)
        seen[alike] += 1
        yield finding if seen[alike] == 1 else replace(finding, number=seen[alike])
