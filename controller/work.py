"""One duty of the controller, worked off a turn at a time: what fails in one holds up no other."""

import logging
import threading
from collections.abc import Callable

from controller.counting import ControllerMeters, Duty, Turn
from controller.errors import Interrupted
from controller.pulse import Pulse
from kube.errors import Conflict, KubernetesError, KubernetesUnavailable

log = logging.getLogger("keyhole.controller")

TURN_SECONDS = 1.0
_AFTER_FAILURE_SECONDS = 5.0


class Work:
    """A loop that works while this process leads.

    `turn` does what is to be done now and returns after how many seconds to look again; it may raise the errors of
    `kube` and `Interrupted`. `advice` says what an administrator can do about an error, "" when nothing.
    """

    def __init__(
        self,
        duty: Duty,
        turn: Callable[[], float],
        advice: Callable[[Exception], str],
        meters: ControllerMeters,
        pulse: Pulse,
    ) -> None:
        self.pulse = pulse
        self._duty = duty
        self._turn = turn
        self._advice = advice
        self._meters = meters
        self._told = ""

    def run(self, stopping: threading.Event, is_leading: Callable[[], bool]) -> None:
        """Work until `stopping`. What is no error of the API server is a bug, and is raised."""
        pause_seconds = 0.0
        while not stopping.wait(pause_seconds):
            self.pulse.beat()
            pause_seconds = self._attempt() if is_leading() else TURN_SECONDS

    def _attempt(self) -> float:
        try:
            pause_seconds = self._turn()
        except (Conflict, Interrupted):
            # Somebody else changed what was read, or leads: it is read anew.
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


class Beside:
    """Runs a work in a thread of its own, and keeps the bug that ended it. Such a bug ends all."""

    def __init__(self, work: Work, stopping: threading.Event, is_leading: Callable[[], bool]) -> None:
        self.pulse = work.pulse
        self._work = work
        self._stopping = stopping
        self._is_leading = is_leading
        self._bug: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="beside", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End all, wait for the turn that is under way, and raise the bug, if one ended the thread."""
        self._stopping.set()
        self._thread.join()
        if self._bug is not None:
            raise self._bug

    def _run(self) -> None:
        try:
            self._work.run(self._stopping, self._is_leading)
        except Exception as error:  # noqa: BLE001 - the edge of a thread: the process is to end of it
            self._bug = error
            self._stopping.set()
