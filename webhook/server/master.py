"""gunicorn's master. It forks workers, replaces those that end, and heeds only the signals that stop it.

gunicorn's own master would also reload, add or remove workers, or start a second master. Keyhole needs none of that:
files and Secrets are polled, and a new version is another pod.
"""

import signal
from collections.abc import Iterable
from typing import Any, Final

from gunicorn.arbiter import Arbiter

UNUSED: Final = frozenset(
    {signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU, signal.SIGWINCH}
)
# A terminal sends it to its processes whenever the window's size changes.
_NOT_TOLD: Final = frozenset({signal.SIGWINCH})


class Master(Arbiter):  # type: ignore[misc]
    """Runs a `Server` until SIGTERM. SIGINT and SIGQUIT stop it too, and leave nobody time to finish."""

    def wait_for_signals(self, timeout: float = 1.0) -> Iterable[Any]:
        """Return the signals that came, but log those that do nothing instead (gunicorn's hook, in each turn)."""
        self.app.in_master()
        return [each for each in super().wait_for_signals(timeout) if not self._is_unused(each)]

    def _is_unused(self, number: int) -> bool:
        if number not in UNUSED:
            return False
        if number not in _NOT_TOLD:
            self.log.warning("%s does nothing here: SIGTERM stops Keyhole", signal.Signals(number).name)
        return True
