"""Free TCP ports on 127.0.0.1."""

import random
import socket
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from testbed.errors import PortTaken

# Below Linux's range for outgoing connections (32768 and up): no client can snatch the port of a server that restarts,
# and no client that retries while the server is down connects to itself.
_FIRST, _LAST = 20_000, 32_000
_TRIES = 200
_LAUNCHES = 5
_random = random.SystemRandom()
# A port is free until its server binds it: what was given out lately is not given again.
_given: deque[int] = deque(maxlen=1000)

Launched = TypeVar("Launched")


def free_port() -> int:
    """Return a port that nobody listens on at this moment, and that this process was not given lately.

    Raises OSError when 200 random ones are all taken.
    """
    for _ in range(_TRIES):
        port = _random.randrange(_FIRST, _LAST)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.append(port)
        return port
    raise OSError(f"no free port between {_FIRST} and {_LAST} on 127.0.0.1")


def launch(attempt: Callable[[], Launched]) -> Launched:
    """Call `attempt`, which chooses its ports anew each time, until it does not raise PortTaken; five times at most."""
    for _ in range(_LAUNCHES - 1):
        try:
            return attempt()
        except PortTaken:
            continue
    return attempt()
