"""What an organisation decided about the standards. Without a file, what the standards say themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import Final

from enforcer.judging.standard import Parameters, Standard
from review.findings.finding import Finding
from review.findings.rule import Severity
from review.sources.text import Place

LONGEST: Final = timedelta(days=180)
"""How far off the end of an exception may be when the file is read."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Namespaces. Of `names` (patterns with *) one has to fit, of `labels` all; what is empty lets everything through.

    Things outside namespaces are always selected.
    """

    names: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    def takes(self, name: str, labels: Mapping[str, str] | None) -> bool:
        """Whether a namespace is selected. One whose labels are not known is: nothing is left out by guessing."""
        return (not self.names or any(fnmatchcase(name, each) for each in self.names)) and (
            labels is None or all(labels.get(key) == value for key, value in self.labels.items())
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was decided about one standard. `severity` is None if it is off."""

    severity: Severity | None
    parameters: Parameters
    namespaces: Selector = Selector()


@dataclass(frozen=True, slots=True)
class Exemption:
    """Findings that somebody answers for, up to and with the day `until`; an entry of `enforce.exceptions`.

    `objects` are patterns of objects as findings name them, such as `Secret shop/*`.
    """

    standards: Sequence[str]
    objects: Sequence[str]
    until: date
    owner: str
    reason: str
    ticket: str
    place: Place

    def covers(self, standard: str, finding: Finding) -> bool:
        """Whether a finding of a standard is among these, whatever the day."""
        return standard in self.standards and any(fnmatchcase(str(finding.object), each) for each in self.objects)


@dataclass(frozen=True, slots=True)
class StandardsFile:
    """The Enforcer's part of a file of standards. `digest` is SHA-256 of the file, empty without one."""

    chosen: Mapping[str, Chosen] = field(default_factory=dict)
    exemptions: Sequence[Exemption] = ()
    digest: str = ""

    def about(self, standard: Standard) -> Chosen:
        """Return what was decided about a standard."""
        return self.chosen.get(standard.rule.id) or by_default(standard)


def by_default(standard: Standard) -> Chosen:
    """Return what a standard says itself."""
    return Chosen(None if standard.rule.is_off else standard.rule.severity, standard.parameters())
