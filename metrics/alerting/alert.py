"""What an alert is: when it fires, whom it hurts, and where whoever is woken looks first.

Sources: Prometheus, *Alerting rules* and *Alerting* (best practices); the labels and annotations are those that the
monitoring mixins have in common.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

INSTALLATION: Final = "cluster, namespace"
"""The labels that tell one installation from another. Prometheus adds them to what it scrapes: the namespace is that
of Keyhole's pods, and the cluster is there if one Prometheus, or what it sends to, knows several."""


class Severity(StrEnum):
    """How soon somebody has to look."""

    CRITICAL = "critical"
    """At once: secrets do not arrive, or are not safe."""
    WARNING = "warning"
    """In working hours."""


class Scope(StrEnum):
    """Who has to do something."""

    PLATFORM = "platform"
    """Whoever runs Keyhole."""
    TENANT = "tenant"
    """Whoever has the objects. It may follow from something that is wrong with Keyhole or Vault, and then waits."""


class Board(StrEnum):
    """The board that helps, by its UID."""

    KEYHOLE = "keyhole"
    ROTATION = "keyhole-rotation"
    CHANGES = "keyhole-changes"


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule. `hold` is how long the expression must be true before it fires (Prometheus' `for`).

    `summary` says what is the matter, in one line that fits a telephone; `description` what that means, and for whom.
    `page` is the path of the view of `keyhole page` that says who, what and where, if there is one.
    """

    name: str
    expression: str
    hold: str
    severity: Severity
    scope: Scope
    board: Board
    summary: str
    description: str
    page: str = ""

    @property
    def anchor(self) -> str:
        """Its section of docs/runbook.md, as GitHub and mkdocs name the heading."""
        return self.name.lower()
