"""One duty of the controller, done turn by turn in a thread of its own.

A failure of a duty, even a bug, affects only that duty: it is tried again, and the other duties go on.
"""

import logging
import threading
from collections.abc import Callable

from controller.errors import Interrupted
from controller.heartbeat import Heartbeat
from controller.meters import ControllerMeters, Duty, Turn
from kube.errors import Conflict, KubernetesError, KubernetesUnavailable
from runtime.bugs import described

log = logging.getLogger("keyhole.controller")

TURN_SECONDS = 1.0
_AFTER_FAILURE_SECONDS = 5.0
# After a bug; doubled each time.
_AFTER_BUG_SECONDS = 1.0
_MOST_DOUBLINGS = 6


class DutyLoop:
    """The loop of one duty, which works while this process leads.

    `turn` does what has to be done now and returns how many seconds to wait until the next turn. It may raise the
    errors of `kube` and `Interrupted`. `advice` returns what an administrator can do about an error, or "".
    """

    def __init__(
        self,
        duty: Duty,
        turn: Callable[[], float],
        advice: Callable[[Exception], str],
        meters: ControllerMeters,
        heartbeat: Heartbeat,
    ) -> None:
        self.heartbeat = heartbeat
        self._duty = duty
        self._turn = turn
        self._advice = advice
        self._meters = meters
        self._told = ""
        self._bugs_in_a_row = 0

    @property
    def is_well(self) -> bool:
        """Whether the last turn ended without a bug."""
        return self._bugs_in_a_row == 0

    def run(self, stopping: threading.Event, is_leading: Callable[[], bool]) -> None:
        """Work until `stopping` is set. Never raises: a bug is logged and counted, and the turn is tried again."""
        pause_seconds = 0.0
        while not stopping.wait(pause_seconds):
            self.heartbeat.beat()
            try:
                pause_seconds = self._attempt(is_leading)
                self._bugs_in_a_row = 0
            except Exception as error:  # noqa: BLE001 - a bug here must end neither this duty nor the others
                pause_seconds = self._after_bug(error)

    def _attempt(self, is_leading: Callable[[], bool]) -> float:
        if not is_leading():
            return TURN_SECONDS
        try:
            pause_seconds = self._turn()
        except (Conflict, Interrupted):
            # Somebody else changed the object or has taken over: read it again in the next turn.
            self._meters.turned(self._duty, Turn.AGAIN)
            return TURN_SECONDS
        except (KubernetesError, KubernetesUnavailable) as error:
            self._meters.turned(self._duty, Turn.FAILED)
            if str(error) != self._told:
                log.warning("%s%s", error, self._advice(error))
                self._told = str(error)
            return _AFTER_FAILURE_SECONDS
        self._told = ""
        self._meters.turned(self._duty, Turn.DONE)
        return pause_seconds

    def _after_bug(self, error: Exception) -> float:
        pause_seconds = _AFTER_BUG_SECONDS * float(1 << min(self._bugs_in_a_row, _MOST_DOUBLINGS))
        self._bugs_in_a_row += 1
        self._meters.turned(self._duty, Turn.BUG)
        log.error("bug in the duty %s: %s; next try in %.0f s", self._duty, described(error), pause_seconds)
        return pause_seconds


class ControlLoop:
    """Runs the loop of a duty in a thread of its own."""

    def __init__(self, loop: DutyLoop, stopping: threading.Event, is_leading: Callable[[], bool]) -> None:
        self._stopping = stopping
        self._thread = threading.Thread(target=loop.run, args=(stopping, is_leading), name="duty", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop all duties, and wait for the current turn of this one to end."""
        self._stopping.set()
        self._thread.join()
