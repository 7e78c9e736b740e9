"""What a line of the log belongs to, such as an admission. Each greenlet, and each thread, has its own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

# More than any name in Kubernetes has. A mutating webhook is asked before names are checked.
_MOST_CHARACTERS: Final = 1024

Facts = Callable[[], Mapping[str, str]]
"""Returns the facts by their names in the log. It is called only when a line is written."""

_current: ContextVar[Facts | None] = ContextVar("facts", default=None)


@contextmanager
def log_context(facts: Facts) -> Iterator[None]:
    """Add these facts to every line that is logged in the block."""
    token = _current.set(facts)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Mapping[str, str]:
    """Return the facts that belong to a line that is written here and now. Empty ones are left out, long ones cut."""
    facts = _current.get()
    if facts is None:
        return {}
    return {name: fact[:_MOST_CHARACTERS] for name, fact in facts().items() if fact}
