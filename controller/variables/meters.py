"""What the duty reports of itself. No namespace ever stands in a label."""

from enum import StrEnum

from controller.variables.making import Ending
from metrics.meters import Meters
from metrics.variables_catalogue import (
    VARIABLES_NAMESPACES,
    VARIABLES_REFUSED,
    VARIABLES_SECRETS,
    VARIABLES_WAIT,
    VARIABLES_WAITING,
    VARIABLES_WATCHES,
)

_DONE = (Ending.MADE, Ending.OWNED, Ending.RESTORED)


class Refusal(StrEnum):
    """Why a pod's Secret is not made."""

    MARKER = "marker"
    """The pod's marker does not fit its annotations."""
    TOO_MANY = "too-many"
    FOREIGN = "foreign"
    """There is another Secret of that name."""
    REFUSED = "refused"
    """The API server, or whom it asked, refuses it."""
    UNAVAILABLE = "unavailable"
    """The API server or Vault does not answer."""
    OWNERLESS = "ownerless"
    BUG = "bug"


class VariablesMeters:
    """Counts what the duty does. Threads may share it."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        # Start at zero: Prometheus does not see the first increase of a counter that did not exist before.
        for ending in _DONE:
            meters.add(VARIABLES_SECRETS, ending.value, amount=0)
        for refusal in Refusal:
            meters.add(VARIABLES_REFUSED, refusal.value, amount=0)
        self.stopped()

    def done(self, ending: Ending) -> None:
        """Count what was done to one Secret."""
        if ending in _DONE:
            self._meters.add(VARIABLES_SECRETS, ending.value)

    def refused(self, why: Refusal) -> None:
        """Count an attempt that came to nothing."""
        self._meters.add(VARIABLES_REFUSED, why.value)

    def waited(self, seconds: float) -> None:
        """Count how long one pod waited for its Secret, since it was seen."""
        self._meters.observe(VARIABLES_WAIT, seconds)

    def state(self, namespaces: int, watches: int, waiting: int) -> None:
        """Report what is looked at, and how many pods wait."""
        self._meters.set(VARIABLES_NAMESPACES, namespaces)
        self._meters.set(VARIABLES_WATCHES, watches)
        self._meters.set(VARIABLES_WAITING, waiting)

    def stopped(self) -> None:
        """Report that this process does not lead."""
        self.state(0, 0, 0)
