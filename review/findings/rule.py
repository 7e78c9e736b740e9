"""A rule, and how bad it is to break it."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is looked for. `id` never changes its meaning; `name` is for people.

    `summary` says in a sentence what a finding means, `why` what follows from it, and `remedy` what to do.
    `is_off` is for rules that are for those only who ask for them in their standards.
    """

    id: str
    name: str
    severity: Severity
    summary: str
    why: str
    remedy: str
    is_off: bool = False

    @property
    def is_about_secrets(self) -> bool:
        """Whether a finding means that a secret can be read by whoever can read the repository."""
        return self.id.startswith("KH3")
