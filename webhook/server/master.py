"""gunicorn's master: it makes workers, replaces those that end, and takes the signals that stop it, and no others.

gunicorn's own would reload, add and take away workers, or start a second master beside the first, none of which is ever
asked for here: files and Secrets are followed without, and a new version is another pod.
"""

import signal
from collections.abc import Iterable
from typing import Any, Final

from gunicorn.arbiter import Arbiter

UNUSED: Final = frozenset(
    {signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU, signal.SIGWINCH}
)
# A terminal sends it to whatever runs in it, whenever its size changes.
_NOT_TOLD: Final = frozenset({signal.SIGWINCH})


class Master(Arbiter):  # type: ignore[misc]
    """Runs a `webhook.server.Server` until SIGTERM, or SIGINT and SIGQUIT, which leave nobody time to finish."""

    def wait_for_signals(self, timeout: float = 1.0) -> Iterable[Any]:
        """Return what came, without the signals that do nothing, which are told of (gunicorn's hook, at each turn)."""
        self.app.in_master()
        return [each for each in super().wait_for_signals(timeout) if not self._is_unused(each)]

    def _is_unused(self, number: int) -> bool:
        if number not in UNUSED:
            return False
        if number not in _NOT_TOLD:
            self.log.warning("%s does nothing here: SIGTERM stops Keyhole", signal.Signals(number).name)
        return True
