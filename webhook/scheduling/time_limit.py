"""The time limit of a greenlet's work.

gevent's TLS sockets give each part of a record the whole of their timeout, so a wire that drips outlasts it. A limit of
its own ends the work whatever it waits for.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import gevent


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End what runs inside the block after `seconds`; the block itself then raises TimeoutError.

    Inside, the end comes as a `gevent.Timeout`. That is a BaseException, so no `except OSError` or `except Exception`
    on the way takes it for an error of its own and goes on past the limit. A limit that ends a block around this one
    passes through unchanged.
    """
    timer = gevent.Timeout(seconds)
    try:
        with timer:
            yield
    except gevent.Timeout as ended:
        if ended is not timer:
            raise
        raise TimeoutError from None
