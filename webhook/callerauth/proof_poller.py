"""What callers are measured by, as it was read last: followed like everything else, and believed for ten minutes."""

import logging
from collections.abc import Callable
from typing import Final, TypeVar

from runtime.poller import Poller, What

log = logging.getLogger("keyhole.caller")

# A change is in effect this much later at the most, and what cannot be read any more is believed for so long.
READ_EVERY_SECONDS: Final = 15.0
BELIEVED_SECONDS: Final = 600.0
_WHAT: Final = What(
    "what callers are measured by",
    "what was known counts for ten minutes from the last time it could be read",
    "nobody is let in",
)

_T = TypeVar("_T")


def kept(read: Callable[[], _T]) -> Poller[_T]:
    """Return what follows a proof; `read` raises `webhook.callerauth.caller.ProofUnreadable` when there is none."""
    return Poller(read, READ_EVERY_SECONDS, BELIEVED_SECONDS, _WHAT, log=log)
