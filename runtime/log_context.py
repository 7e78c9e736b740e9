"""The context of log lines, such as an admission. Each greenlet and each thread has its own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

# Names in Kubernetes are shorter, but a mutating webhook sees them before they are checked.
_MOST_CHARACTERS: Final = 1024

Facts = Callable[[], Mapping[str, str]]
"""Returns the facts, by their names in the log. Called only when a line is written."""

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
    """Return the facts for a line that is written here and now. Empty ones are left out, and long ones are cut."""
    facts = _current.get()
    if facts is None:
        return {}
    return {name: fact[:_MOST_CHARACTERS] for name, fact in facts().items() if fact}
